"""The only writer of an item's state. One table of transitions, one decision rule, posteriors from people alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.aggregation.confusion import add_answer, column
from core.aggregation.online import replay, update
from core.aggregation.value import worth_asking
from core.db.tables import table_of
from core.due import reestimate_effect
from core.effects import add_effect
from core.items import ItemState, write_item
from core.models import Annotation, Project
from core.skills import CrowdModel, crowd_model, load_counts, load_many, save_counts

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "open": frozenset({"agreed", "disputed", "accepted", "withdrawn"}),
    "agreed": frozenset({"open", "disputed", "adjudicated", "withdrawn"}),
    "disputed": frozenset({"open", "agreed", "adjudicated", "withdrawn"}),
    "adjudicated": frozenset({"withdrawn"}),
    "accepted": frozenset({"open", "agreed", "disputed", "withdrawn"}),
    "withdrawn": frozenset({"open"}),
}
DECIDED = ("agreed", "adjudicated")
SETTLED = ("adjudicated", "accepted", "withdrawn")
"""States that people's further answers do not change."""
KEEP_SLACK = 2.0
"""A decided item is reopened only when another answer has become worth twice what it must be to be asked."""
UNDECIDED: dict[str, Any] = {"label_id": None, "confidence": None, "decided_at": None}


def observe(
    session: Session,
    project: Project,
    item: ItemState,
    worker_id: int,
    answer: int,
    annotation_count: int,
    now: datetime,
    **changes: Any,
) -> str:
    """Take one counted annotation into the item's posterior and the worker's skill; returns the item's new state.

    Args:
        answer: index of the label in the project's schema.
        annotation_count: how many this worker has submitted in the project, this one included.
        changes: the item's other columns that change with the annotation (submitted, leased).
    """
    crowd = crowd_model(project)
    counts = load_counts(session, worker_id, project.id, crowd.classes, lock=True)
    before = item.posterior if item.posterior and len(item.posterior) == crowd.classes else crowd.prior
    posterior = update(before, column(counts, crowd.pooled, answer))
    decision = _conclude(session, project, crowd, item, posterior, now, changes)
    state = _write(session, item, now, posterior, changes | decision)
    add_answer(counts, posterior, answer)
    save_counts(session, worker_id, project.id, counts, crowd, annotation_count, now)
    return state


def withdraw(
    session: Session,
    project: Project,
    item: ItemState,
    worker_id: int,
    answer: int,
    annotation_count: int,
    now: datetime,
    **changes: Any,
) -> str:
    """Take one annotation, withdrawn just now, out of the worker's skill and the item; returns the item's new state.

    Args:
        answer, annotation_count, changes: as in `observe`.
    """
    crowd = crowd_model(project)
    if item.posterior and len(item.posterior) == crowd.classes:
        counts = load_counts(session, worker_id, project.id, crowd.classes, lock=True)
        add_answer(counts, item.posterior, answer, weight=-1.0)
        save_counts(session, worker_id, project.id, counts, crowd, annotation_count, now)
    return recompute(session, project, item, now, **changes)


def recompute(session: Session, project: Project, item: ItemState, now: datetime, **changes: Any) -> str:
    """Rebuild an item's posterior from its counted annotations, after one was withdrawn; returns its new state."""
    crowd = crowd_model(project)
    answers = counted_answers(session, project, item.id)
    counts = load_many(session, {worker_id for worker_id, _ in answers}, project.id, crowd.classes)
    posterior = replay(crowd.prior, ((counts[worker_id], answer) for worker_id, answer in answers), crowd.pooled)
    decision = _conclude(session, project, crowd, item, posterior, now, changes)
    if not decision and item.state in ("agreed", "disputed"):
        decision = {"state": "open"}
    return _write(session, item, now, posterior if answers else None, changes | decision)


def decide(
    project: Project,
    crowd: CrowdModel,
    item: ItemState,
    posterior: Sequence[float],
    now: datetime,
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    """Which columns follow from a posterior: agreed, disputed, or one more answer wanted. Verdicts are not touched."""
    if item.state in SETTLED or item.purpose != "label":
        return {}
    submitted = int(changes.get("submitted", item.submitted))
    leased = int(changes.get("leased", item.leased))
    if submitted < project.min_overlap:
        return {}
    slack = KEEP_SLACK if item.state == "agreed" else 1.0
    if not worth_asking(posterior, crowd.prior, crowd.pooled, project.error_cost, slack):
        return _agreed(project, item, posterior, now)
    if submitted >= project.max_overlap:
        return {"state": "disputed"}
    return {"state": "open", "overlap": max(item.overlap, min(project.max_overlap, submitted + max(leased, 1)))}


def settle(session: Session, item: ItemState, label_id: str, now: datetime) -> None:
    """Write an expert's verdict."""
    move(item.state, "adjudicated")
    verdict = {"state": "adjudicated", "label_id": label_id, "confidence": 1.0, "decided_at": now}
    write_item(session, item, now, **verdict)
    add_effect(session, reestimate_effect(item.project_id, now))


def revise(
    session: Session, project: Project, crowd: CrowdModel, item: ItemState, posterior: list[float], now: datetime
) -> str:
    """Replace a posterior by one that a re-estimation found; returns the item's new state."""
    return _write(session, item, now, posterior, _conclude(session, project, crowd, item, posterior, now, {}))


def move(before: str, after: str) -> None:
    """Check a change of state.

    Raises:
        ValueError: the change is not in `TRANSITIONS`.
    """
    if before != after and after not in TRANSITIONS[before]:
        raise ValueError(f"an item cannot go from {before} to {after}")


def counted_answers(session: Session, project: Project, item_id: int) -> list[tuple[int, int]]:
    """(worker id, label index) of an item's counted annotations, in order of arrival."""
    index = {label["id"]: position for position, label in enumerate(project.label_schema["labels"])}
    table = table_of(Annotation)
    statement = select(table.c.worker_id, table.c.label_id).where(
        table.c.item_id == item_id, table.c.state == "counted", table.c.audit_state != "rejected"
    )
    return [(worker_id, index[label]) for worker_id, label in session.execute(statement.order_by(table.c.id))]


def _conclude(
    session: Session,
    project: Project,
    crowd: CrowdModel,
    item: ItemState,
    posterior: Sequence[float],
    now: datetime,
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    """`decide`, but no dispute where nobody disagrees: at the maximum, answers that are all alike are agreed."""
    decision = decide(project, crowd, item, posterior, now, changes)
    if decision.get("state") != "disputed":
        return decision
    given = {answer for _, answer in counted_answers(session, project, item.id)}
    best = max(range(len(posterior)), key=posterior.__getitem__)
    return _agreed(project, item, posterior, now) if given == {best} else decision


def _write(
    session: Session, item: ItemState, now: datetime, posterior: Sequence[float] | None, changes: dict[str, Any]
) -> str:
    state = str(changes.get("state", item.state))
    move(item.state, state)
    if state != item.state and state in ("open", "disputed"):
        changes = UNDECIDED | changes
    rounded = None if posterior is None else [round(p, 6) for p in posterior]
    write_item(session, item, now, posterior=rounded, **changes)
    if state != item.state:
        add_effect(session, reestimate_effect(item.project_id, now))
    return state


def _agreed(project: Project, item: ItemState, posterior: Sequence[float], now: datetime) -> dict[str, Any]:
    best = max(range(len(posterior)), key=posterior.__getitem__)
    label_id = project.label_schema["labels"][best]["id"]
    decided = {"state": "agreed", "label_id": label_id, "confidence": round(posterior[best], 6)}
    return decided if item.state == "agreed" else decided | {"decided_at": now}
