"""Whether the model in use still agrees with people: its predictions against the labels that came after them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.aggregation.drift import Reference, fallen
from core.champions import champion
from core.db.tables import table_of
from core.models import Item, ModelVersion, Prediction, Project
from core.outbox import owe_poster
from core.retreating import order_retreat
from core.training import DECIDED, has_new_labels, request_training
from core.training_runs import changed_one, unfinished_run

WINDOW = 2000
"""So many of the newest labels are looked at."""

ITEM, PREDICTION = table_of(Item), table_of(Prediction)


@dataclass(frozen=True, slots=True)
class Drift:
    """A champion whose agreement with new labels has fallen. agreed: the share of `count` labels since then that it
    agrees with; expected: the share to be expected from how sure it was.
    """

    version_id: int
    agreed: float
    expected: float
    count: int


def find_drift(session: Session, project_id: int) -> Drift | None:
    """Look at the champion of a project; None where it is well, or its drift is known already. Only reads.

    What is watched is whether it was right, minus how sure it was. Items are asked in the order of its doubt, so its
    plain agreement rises and falls with that order alone.
    """
    version = champion(session, project_id)
    if version is None or version.drifted_at is not None or version.promoted_at is None:
        return None
    right, sure = _stream(session, version)
    change = fallen((1.0 + right - sure) / 2.0, _reference(version))
    if change is None:
        return None
    since = slice(change.at, None)
    usual = 2.0 * change.before - 1.0
    expected = float(np.clip(sure[since].mean() + usual, 0.0, 1.0))
    return Drift(version.id, float(right[since].mean()), expected, len(right) - change.at)


def note_drift(session: Session, project_id: int, drift: Drift, now: datetime) -> bool:
    """Say once that a champion drifts, and make a run due where there are labels that no run has used.

    False where the drift is known, or a run is on its way.

    A run that is on its way may mend it; the drift is looked for again when that has ended.
    """
    if unfinished_run(session, project_id) is not None:
        return False
    mine = update(ModelVersion).where(
        ModelVersion.id == drift.version_id, ModelVersion.state == "champion", ModelVersion.drifted_at.is_(None)
    )
    if not changed_one(session, mine.values(drifted_at=now)):
        return False
    project = session.get_one(Project, project_id)
    version = session.get_one(ModelVersion, drift.version_id)
    order_retreat(session, version, "drift", now)
    run = request_training(session, project_id, "drift", now) if has_new_labels(session, project_id) else None
    said: dict[str, Any] = {"agreed": drift.agreed, "expected": drift.expected, "count": drift.count}
    params = {"project_id": project_id, "version": version.number, "training": run is not None} | said
    once = f"model_drifted-{version.id}-{version.promoted_at:%Y%m%d%H%M%S}"
    owe_poster(session, project, "model_drifted", params, once, now)
    return True


def _stream(session: Session, version: ModelVersion) -> tuple[NDArray[Any], NDArray[Any]]:
    """Whether a champion was right, and how sure it was, about labels of people that came later; the oldest first."""
    item, said = ITEM.c, PREDICTION.c
    statement = (
        select(said.label_id == item.label_id, said.confidence)
        .join(ITEM, item.id == said.item_id)
        .where(said.model_version_id == version.id, said.created_at < item.decided_at)
        .where(item.state.in_(DECIDED), item.purpose == "label", item.decided_at > version.promoted_at)
        .order_by(item.decided_at.desc(), item.id.desc())
        .limit(WINDOW)
    )
    rows = session.execute(statement).all()[::-1]
    return np.array([bool(row[0]) for row in rows], dtype=float), np.array([float(row[1]) for row in rows])


def _reference(version: ModelVersion) -> Reference | None:
    """How its agreement stood on the holdout; None for a version that was made before that was measured."""
    measured = version.metrics.get("calibration")
    if not measured:
        return None
    residual = version.metrics["holdout"]["accuracy"] - measured["confidence"]
    return Reference(version.metrics["holdout"]["n"], (1.0 + residual) / 2.0, measured["residual_variance"] / 4.0)
