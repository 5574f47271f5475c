"""RQ entry points of what a model has to explain: why it says so of an item, and which labels look wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.clock import now
from core.errors import LightworkError
from core.explanations import ANSWER, ERROR, answer, known_answer
from core.label_errors import Suspect, note_label_errors
from core.log import get_logger
from core.models import Item, ModelVersion
from core.runtime import Runtime, process_runtime
from trainer.explain import explain_item, index_items
from trainer.job_frame import find_champion, model_job
from trainer.label_errors import find_suspects

log = get_logger(__name__)


def explain(item_id: int, version_id: int) -> None:
    """Explain what a version says of an item to all who have asked; what was explained before is not computed again."""
    runtime = process_runtime()
    with model_job(runtime, "explain"):
        found = _explained(runtime, item_id, version_id)
        with runtime.writing() as session:
            answer(session, item_id, version_id, found, now())


def _explained(runtime: Runtime, item_id: int, version_id: int) -> Mapping[str, Any]:
    """The answer, or why there is none, as it is kept."""
    with runtime.writing() as session:
        known = known_answer(session, item_id, version_id)
        there = session.get(Item, item_id) and session.get(ModelVersion, version_id)
    if known is not None or there is None:
        return {ANSWER: known} if known is not None else {ERROR: {"code": "item_unknown", "params": {}}}
    try:
        return {ANSWER: explain_item(runtime.settings, runtime.engine, item_id, version_id).to_json()}
    except LightworkError as error:
        log.warning("explanation_failed", item_id=item_id, version_id=version_id, error=str(error))
        return {ERROR: {"code": error.code, "params": error.params}}


def find_label_errors(version_id: int) -> None:
    """After a promotion: look for labels that are likely wrong, and keep what explanations need at hand.

    A version that is not the champion any more has nothing to say.
    """
    runtime = process_runtime()
    with model_job(runtime, "find_label_errors"):
        if (version := find_champion(runtime, version_id)) is not None:
            _look(runtime, version)


def _look(runtime: Runtime, version: ModelVersion) -> None:
    looked_at, suspects = 0, list[Suspect]()
    try:
        index_items(runtime.settings, runtime.engine, version)
        looked_at, suspects = find_suspects(runtime, version.project_id)
    except LightworkError as error:  # looked at no label: the next version looks again
        log.warning("label_errors_not_found", version_id=version.id, error=str(error))
    with runtime.writing() as session:
        note_label_errors(session, version.id, looked_at, suspects, now())
