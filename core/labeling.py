"""What a worker does with an assignment: submit, skip, undo. Idempotent under any repetition of the same tap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from core import labels
from core.assignment import end_lease, set_standing
from core.consensus import observe, withdraw
from core.db.tables import table_of
from core.due import expiry_effect
from core.effects import add_effect
from core.errors import Conflict, Refused
from core.ids import is_public_id, new_public_id
from core.items import ItemState, lock_item, write_item
from core.models import Annotation, Assignment, Participation, Project

ANNOTATION = table_of(Annotation)
ASSIGNMENT = table_of(Assignment)
PARTICIPATION = table_of(Participation)
# Statements of the hot path are built once: building one costs as much as running it.
END = update(ASSIGNMENT).where(ASSIGNMENT.c.id == bindparam("assignment_id"))
INSERT = insert(ANNOTATION)
COUNT = (
    update(PARTICIPATION)
    .where(
        PARTICIPATION.c.worker_id == bindparam("who"),
        PARTICIPATION.c.project_id == bindparam("where"),
    )
    .values(annotation_count=PARTICIPATION.c.annotation_count + bindparam("step"))
    .returning(PARTICIPATION.c.annotation_count)
)
UNDOABLE_ITEM_STATES = ("open", "agreed", "disputed")


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of an answer."""

    project: Project
    annotation_state: str
    """counted or surplus."""
    item_state: str
    label_id: str


def submit(
    session: Session,
    *,
    worker_id: int,
    assignment_public_id: str,
    label_id: str,
    version: int,
    now: datetime,
) -> Submitted:
    """Take an answer to an assignment.

    Raises:
        Refused: the assignment is not this worker's.
        InvalidInput: the label is not among the project's.
        Conflict: answered or skipped before, a button from before an undo, or later than one lease after the deadline.
    """
    assignment, project = own_assignment(session, worker_id, assignment_public_id, version)
    schema = labels.load(project.label_schema)
    value, answer = labels.parse(schema, label_id), labels.index_of(schema, label_id)
    item = _lock(session, assignment, version)
    if assignment.state not in ("active", "expired", "released"):
        raise Conflict(f"already_{assignment.state}")
    if assignment.state == "active":
        state, changes = "counted", {"submitted": item.submitted + 1, "leased": item.leased - 1}
    else:
        state, changes = _late(session, project, assignment, item, now)
    _end(session, assignment.id, "submitted", now)
    count = _count_answer(session, worker_id, project.id)
    _insert(session, assignment, label_id, value, state, now)
    if state == "surplus":
        return Submitted(project, state, item.state, label_id)
    item_state = observe(session, project, item, worker_id, answer, count, now, **changes)
    return Submitted(project, state, item_state, label_id)


def own_assignment(
    session: Session, worker_id: int, public_id: str, version: int | None = None
) -> tuple[Assignment, Project]:
    """The worker's assignment of this public id, with its project.

    Raises:
        Refused: it does not exist or belongs to somebody else; a stranger cannot tell which.
        Conflict: the button is from before an undo.
    """
    row = None
    if is_public_id(public_id):
        statement = select(Assignment, Project).join(Project, Project.id == Assignment.project_id)
        row = session.execute(
            statement.where(Assignment.public_id == public_id, Assignment.worker_id == worker_id)
        ).one_or_none()
    if row is None:
        raise Refused("not_your_assignment")
    assignment, project = row[0], row[1]
    if version is not None and assignment.version != version:
        raise Conflict("stale_button")
    return assignment, project


def skip(session: Session, *, worker_id: int, assignment_public_id: str, version: int, now: datetime) -> Project:
    """Give an item back for good: it does not come to this worker again.

    Raises:
        Refused, Conflict: as `submit`.
    """
    assignment, project = own_assignment(session, worker_id, assignment_public_id, version)
    _lock(session, assignment, version)
    if not end_lease(session, assignment.id, assignment.item_id, "skipped", now):
        if assignment.state not in ("expired", "released"):
            raise Conflict(f"already_{assignment.state}")
        _end(session, assignment.id, "skipped", now)
    _count_skip(session, assignment, 1)
    return project


def undo(session: Session, *, worker_id: int, assignment_public_id: str, version: int, now: datetime) -> Project:
    """Withdraw an answer and give the item back to the same worker, in place of the one they hold.

    Raises:
        Refused: not this worker's assignment.
        Conflict: nothing to undo, or the answer is already used: settled by an expert, or by training.
    """
    assignment, project = own_assignment(session, worker_id, assignment_public_id, version)
    item = _lock(session, assignment, version)
    annotation = _standing(session, assignment)
    if assignment.state == "skipped":
        return _reopen_skipped(session, assignment, project, item, now)
    if annotation is None:
        raise Conflict("nothing_to_undo")
    if item.state not in UNDOABLE_ITEM_STATES or item.trained_at is not None or annotation.audit_state != "unaudited":
        raise Conflict("too_late_to_undo")
    session.execute(update(ANNOTATION).where(ANNOTATION.c.id == annotation.id).values(state="withdrawn"))
    count = _count_answer(session, worker_id, project.id, -1)
    if annotation.state == "surplus":
        _end(session, assignment.id, "released", now)
        assignment.version += 1
        return project
    _release_others(session, assignment, now)
    _reactivate(session, assignment, project, now)
    answer = labels.index_of(labels.load(project.label_schema), str(annotation.label_id))
    counts = {"submitted": item.submitted - 1, "leased": item.leased + 1}
    withdraw(session, project, item, worker_id, answer, count, now, **counts)
    return project


def _lock(session: Session, assignment: Assignment, version: int) -> ItemState:
    """Lock the item of an assignment and read the assignment anew.

    Raises:
        Conflict: an undo that was waited for has made the button stale.
    """
    item = lock_item(session, assignment.item_id)
    session.refresh(assignment)
    if assignment.version != version:
        raise Conflict("stale_button")
    return item


def last_answered(session: Session, worker_id: int, project_id: int) -> Assignment | None:
    """The assignment that `/undo` takes back: the last one that the worker answered."""
    statement = (
        select(Assignment)
        .join(Annotation, Annotation.assignment_id == Assignment.id)
        .where(
            Annotation.worker_id == worker_id,
            Annotation.project_id == project_id,
            Annotation.state.in_(("counted", "surplus")),
        )
        .order_by(Annotation.id.desc())
        .limit(1)
    )
    return session.scalars(statement).first()


def _late(
    session: Session, project: Project, assignment: Assignment, item: ItemState, now: datetime
) -> tuple[str, dict[str, int]]:
    """An answer after the lease: it fills a free slot, else it is kept as surplus."""
    if now > assignment.expires_at + timedelta(seconds=project.lease_seconds):
        raise Conflict("lease_over")
    twin = _twin(session, assignment)
    if twin is not None and twin.state != "active":
        raise Conflict(f"already_{twin.state}")
    if twin is not None:
        _end(session, twin.id, "released", now)
        return "counted", {"submitted": item.submitted + 1, "leased": item.leased - 1}
    if item.slots > 0:
        return "counted", {"submitted": item.submitted + 1}
    return "surplus", {}


def _reopen_skipped(
    session: Session, assignment: Assignment, project: Project, item: ItemState, now: datetime
) -> Project:
    if item.slots <= 0 or _twin(session, assignment) is not None:
        raise Conflict("too_late_to_undo")
    _release_others(session, assignment, now)
    _reactivate(session, assignment, project, now)
    _count_skip(session, assignment, -1)
    write_item(session, item, now, leased=item.leased + 1)
    return project


def _twin(session: Session, assignment: Assignment) -> Assignment | None:
    """Another assignment of the same item to the same worker that is in hand or dealt with, the newest first."""
    statement = select(Assignment).where(
        Assignment.item_id == assignment.item_id,
        Assignment.worker_id == assignment.worker_id,
        Assignment.id != assignment.id,
        Assignment.state.in_(("active", "submitted", "skipped")),
    )
    return session.scalars(statement.order_by(Assignment.id.desc()).limit(1)).first()


def _release_others(session: Session, assignment: Assignment, now: datetime) -> None:
    statement = select(ASSIGNMENT.c.id, ASSIGNMENT.c.item_id).where(
        ASSIGNMENT.c.worker_id == assignment.worker_id,
        ASSIGNMENT.c.project_id == assignment.project_id,
        ASSIGNMENT.c.state == "active",
        ASSIGNMENT.c.item_id != assignment.item_id,
    )
    for assignment_id, item_id in session.execute(statement).all():
        end_lease(session, assignment_id, item_id, "released", now)


def _reactivate(session: Session, assignment: Assignment, project: Project, now: datetime) -> None:
    expires_at = now + timedelta(seconds=project.lease_seconds)
    session.execute(
        update(ASSIGNMENT)
        .where(ASSIGNMENT.c.id == assignment.id)
        .values(
            state="active",
            version=assignment.version + 1,
            leased_at=now,
            expires_at=expires_at,
            ended_at=None,
            guidelines_version=project.guidelines_version,
        )
    )
    set_standing(session, assignment.worker_id, project.id, "working", now)
    add_effect(session, expiry_effect(project.id, expires_at))


def _standing(session: Session, assignment: Assignment) -> Annotation | None:
    statement = select(Annotation).where(
        Annotation.assignment_id == assignment.id, Annotation.state.in_(("counted", "surplus"))
    )
    return session.scalars(statement).first()


def _end(session: Session, assignment_id: int, state: str, now: datetime) -> None:
    session.execute(END, {"assignment_id": assignment_id, "state": state, "ended_at": now})


def _count_answer(session: Session, worker_id: int, project_id: int, step: int = 1) -> int:
    return int(session.execute(COUNT, {"who": worker_id, "where": project_id, "step": step}).scalar_one())


def _count_skip(session: Session, assignment: Assignment, step: int) -> None:
    session.execute(
        update(PARTICIPATION)
        .where(PARTICIPATION.c.worker_id == assignment.worker_id, PARTICIPATION.c.project_id == assignment.project_id)
        .values(skip_count=PARTICIPATION.c.skip_count + step)
    )


def _insert(
    session: Session, assignment: Assignment, label_id: str, value: dict[str, Any], state: str, now: datetime
) -> None:
    duration = max(0, int((now - assignment.leased_at).total_seconds() * 1000))
    values = {
        "public_id": new_public_id(),
        "project_id": assignment.project_id,
        "item_id": assignment.item_id,
        "worker_id": assignment.worker_id,
        "assignment_id": assignment.id,
        "label_id": label_id,
        "value": value,
        "state": state,
        "audit_state": "unaudited",
        "audit_reason": "",
        "guidelines_version": assignment.guidelines_version,
        "duration_ms": duration,
        "created_at": now,
    }
    session.execute(INSERT, values)
