"""What audits teach about the people who answered: an audited answer is one to an item whose label is known.

The worker's counts learn at once (`learn`). Re-estimation starts from the rows, so it is given the same evidence again
(`audit_evidence`): answers to items that have this belief and are nobody else's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.aggregation.confusion import add_answer
from core.audit_survey import audited_rows
from core.db.tables import table_of
from core.dispute_order import AUDITED
from core.models import Adjudication, Annotation, Item, Project, Skill
from core.skills import CrowdModel, crowd_model, load_counts, save_counts

ADJUDICATION, ANNOTATION, ITEM = table_of(Adjudication), table_of(Annotation), table_of(Item)


@dataclass(frozen=True, slots=True)
class Evidence:
    """An audited answer. answer: index of the label that was given; belief: P(label) of its item, by the auditor."""

    worker_id: int
    answer: int
    belief: tuple[float, ...]


def belief_after(crowd: CrowdModel, posterior: list[float] | None, answer: int, right: int | None) -> list[float]:
    """What the label of an item is after an audit of one answer to it.

    Args:
        answer: index of the label that was given.
        right: index of the right one, which is `answer` where it was accepted; None where the auditor only said that
            it is not this one, so that it is any other, as probable as people make it.
    """
    if right is not None:
        return [float(label == right) for label in range(crowd.classes)]
    others = [0.0 if label == answer else p for label, p in enumerate(crowd.belief(posterior))]
    total = sum(others)
    if total < 1e-9:
        return [float(label != answer) / (crowd.classes - 1) for label in range(crowd.classes)]
    return [p / total for p in others]


def learn(
    session: Session,
    project: Project,
    worker_id: int,
    answer: int,
    belief: Sequence[float],
    now: datetime,
    weight: float = 1.0,
) -> None:
    """Let a worker's skill learn from one audited answer, at once. Their item is locked by the caller.

    Args:
        weight: -1 takes back what was learnt.
    """
    crowd = crowd_model(project)
    counts = load_counts(session, worker_id, project.id, crowd.classes, lock=True)
    add_answer(counts, belief, answer, weight)
    given = select(Skill.annotation_count).where(Skill.worker_id == worker_id, Skill.project_id == project.id)
    save_counts(session, worker_id, project.id, counts, crowd, session.scalar(given) or 0, now)


def audit_evidence(session: Session, project: Project) -> list[Evidence]:
    """All audited answers of a project, for its re-estimation."""
    crowd = crowd_model(project)
    index = {label["id"]: position for position, label in enumerate(project.label_schema["labels"])}
    right = _right_labels(session, project.id)
    columns = (
        ANNOTATION.c.worker_id,
        ANNOTATION.c.item_id,
        ANNOTATION.c.label_id,
        ANNOTATION.c.audit_state,
        ANNOTATION.c.audited_by_id,
        ITEM.c.posterior,
    )
    statement = audited_rows(project.workspace_id, project.id).with_only_columns(*columns)
    found = []
    for row in session.execute(statement.join(ITEM, ITEM.c.id == ANNOTATION.c.item_id)):
        said = row.label_id if row.audit_state == "accepted" else right.get((row.item_id, row.audited_by_id))
        known = None if said is None else index[said]
        belief = belief_after(crowd, row.posterior, index[row.label_id], known)
        found.append(Evidence(row.worker_id, index[row.label_id], tuple(belief)))
    return found


def _right_labels(session: Session, project_id: int) -> dict[tuple[int, int], str]:
    """What auditors said the label of a rejected answer's item is, by item and auditor; the last word counts."""
    statement = select(ADJUDICATION.c.item_id, ADJUDICATION.c.worker_id, ADJUDICATION.c.label_id).where(
        ADJUDICATION.c.project_id == project_id, ADJUDICATION.c.reason == AUDITED
    )
    rows = session.execute(statement.order_by(ADJUDICATION.c.id))
    return {(row.item_id, row.worker_id): row.label_id for row in rows}
