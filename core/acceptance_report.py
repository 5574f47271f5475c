"""What coordinators are told about labels that models gave by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.acceptance_evidence import Audits, accepted_count
from core.accepting import ACCEPTING, is_due
from core.learning import load
from core.models import ModelVersion, Project
from core.priors import PRIOR
from core.retreating import audits_of

NEWEST = 3
"""So many versions that have labeled are told of."""


@dataclass(frozen=True, slots=True)
class LabeledBy:
    """What one version has labeled. count: items that have its label now, from a confidence of `threshold` on.

    held, wrong: items of the holdout of which it was as sure, and how many of them it got wrong. audits: of its labels,
    until they were taken back. reason: why that was (`core.retreating.REASONS`); empty where they stand.
    in_use: whether it is the champion.
    """

    version: int
    count: int
    threshold: float
    held: int
    wrong: int
    audits: Audits
    reason: str = ""
    in_use: bool = False


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What the models of a job have done by themselves.

    labeled: the newest versions that have labeled. held: labeled items of the holdout, where the model in use may label
    but cannot be shown to be right often enough; None else. due: what it may label is being measured anew. prior:
    whether its prior was measured to help, on `prior_items`; None where that was not measured.
    """

    labeled: tuple[LabeledBy, ...] = ()
    held: int | None = None
    prior: bool | None = None
    prior_items: int = 0
    due: bool = False


NOTHING = ModelReport()
"""Of a job whose models have done nothing by themselves."""


def model_report(session: Session, project: Project) -> ModelReport:
    """Read it; several aggregates, so never on the path of a tap."""
    mine = select(ModelVersion).where(ModelVersion.project_id == project.id)
    used = mine.where(ModelVersion.state.in_(("champion", "retired"))).order_by(ModelVersion.number.desc())
    versions = list(session.scalars(used))
    labeled = [version for version in versions if _note(version).get("threshold") is not None][:NEWEST]
    champion = next((version for version in versions if version.state == "champion"), None)
    note = _note(champion) if champion is not None else {}
    measured = champion.metrics.get(PRIOR) if champion is not None else None
    return ModelReport(
        labeled=tuple(_labeled_by(session, project, version) for version in labeled),
        held=note["held"] if note.get("may") and note.get("threshold") is None else None,
        prior=None if measured is None else bool(measured["helps"]),
        prior_items=0 if measured is None else int(measured["count"]),
        due=champion is not None and load(project.learning).accept and is_due(champion, project),
    )


def _note(version: ModelVersion) -> dict[str, Any]:
    return dict(version.metrics.get(ACCEPTING, {}))


def _labeled_by(session: Session, project: Project, version: ModelVersion) -> LabeledBy:
    note = _note(version)
    order = note.get("retreat", {})
    frozen = Audits(order["wrong"], order["audited"]) if "audited" in order else None
    return LabeledBy(
        version=version.number,
        count=accepted_count(session, version),
        threshold=note["threshold"],
        held=note["count"],
        wrong=note["wrong"],
        audits=frozen or audits_of(session, project, version),
        reason=order.get("reason", ""),
        in_use=version.state == "champion",
    )
