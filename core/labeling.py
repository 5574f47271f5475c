"""What a worker does with an assignment: submit, skip. Idempotent under any repetition of the same tap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, case, insert, select, update
from sqlalchemy.orm import Session

from core import labels
from core.assignment import end_lease
from core.attention import local_day
from core.budget import affords
from core.consensus import observe
from core.db.prepared import Prepared
from core.db.tables import table_of
from core.db.together import write_soon
from core.errors import Conflict, InvalidInput
from core.gold_answers import Control, known_label, observe_control
from core.held import Held, hold, not_theirs
from core.hints import hint_of
from core.ids import is_public_id, new_public_id
from core.items import ItemState, lock_item, write_item
from core.models import Annotation, Assignment, Participation, Project
from core.skills import counts_from_json
from core.standing import Footing, Known, Standing, load_standing

ANNOTATION = table_of(Annotation)
ASSIGNMENT = table_of(Assignment)
PARTICIPATION = table_of(Participation)
_TODAY = PARTICIPATION.c.today_count + bindparam("day_step")
_SINCE_GOLD = PARTICIPATION.c.since_gold + bindparam("step")
# Statements of the hot path are built once: building one costs as much as running it.
END = Prepared(
    update(ASSIGNMENT)
    .where(ASSIGNMENT.c.id == bindparam("assignment_id"))
    .values(state=bindparam("ended_as"), ended_at=bindparam("ended_at"), skip_reason=bindparam("skip_reason"))
)
_NEW = (
    *("public_id", "project_id", "item_id", "worker_id", "assignment_id", "label_id", "value", "state"),
    *("audit_state", "audit_reason", "note", "guidelines_version", "prediction_id", "duration_ms", "price"),
    "created_at",
)
INSERT = Prepared(insert(ANNOTATION).values({name: bindparam(name) for name in _NEW}))
_COUNT = (
    update(PARTICIPATION)
    .where(
        PARTICIPATION.c.worker_id == bindparam("who"),
        PARTICIPATION.c.project_id == bindparam("where"),
    )
    .values(
        annotation_count=PARTICIPATION.c.annotation_count + bindparam("step"),
        today=bindparam("day"),
        today_count=case(
            (and_(PARTICIPATION.c.today == bindparam("day"), _TODAY > 0), _TODAY), else_=bindparam("first")
        ),
        since_gold=case((_SINCE_GOLD > 0, _SINCE_GOLD), else_=0),
    )
)
COUNT, COUNT_TOLD = Prepared(_COUNT), Prepared(_COUNT.returning(PARTICIPATION.c.annotation_count))
SKIP_REASONS = ("hard", "unclear", "broken", "language", "other")


@dataclass(frozen=True, slots=True)
class Submitted:
    """What came of an answer."""

    project: Project
    annotation_state: str
    """counted, surplus or control."""
    item_state: str
    label_id: str
    footing: Footing
    """Of the worker in the project, this answer included."""
    control: Control | None = None
    """What came of an answer to a known item."""


def submit(
    session: Session,
    *,
    worker_id: int,
    assignment_public_id: str,
    label_id: str,
    version: int,
    now: datetime,
    time_zone: str = "",
    held: Held | None = None,
) -> Submitted:
    """Take an answer to an assignment.

    Args:
        time_zone: the worker's, for the count of their day; an IANA name, empty for UTC.
        held: the assignment, where the caller has read it already in this transaction.

    Raises:
        Refused: the assignment is not this worker's.
        InvalidInput: the label is not among the project's.
        Conflict: answered or skipped before, a button from before an undo, or later than one lease after the deadline.
    """
    held = held or hold(session, worker_id, assignment_public_id)
    assignment, project, item = held.assignment, held.project, held.item
    if assignment.version != version:
        raise Conflict("stale_button")
    schema = labels.load(project.label_schema)
    value, answer = labels.parse(schema, label_id), labels.index_of(schema, label_id)
    known, in_hand = known_label(session, item), assignment.state == "active"
    counts = counts_from_json(held.counts, len(schema.labels))
    state, changes = _counts_as(session, project, assignment, item, now)
    state = state if known is None else "control"
    annotation = _annotation(session, project, assignment, label_id, value, state, now)
    standing = _record(session, held.standing, annotation, local_day(time_zone, now))
    if known is not None:
        leased = changes.get("leased", item.leased)
        control = observe_control(session, project, item, worker_id, label_id, known, standing, leased, now)
        if control.quiz is not None:
            standing = load_standing(session, worker_id, project.id)
        return Submitted(project, state, item.state, label_id, Footing(standing, None, in_hand), control)
    footing = Footing(standing, None if held.cursors is None else Known(counts, held.cursors), in_hand)
    if state == "surplus":
        if changes:
            write_item(session, item, now, **changes)
        return Submitted(project, state, item.state, label_id, footing)
    item_state = observe(session, project, item, worker_id, answer, counts, standing.annotation_count, now, **changes)
    return Submitted(project, state, item_state, label_id, footing)


def own_assignment(
    session: Session, worker_id: int, public_id: str, version: int | None = None
) -> tuple[Assignment, Project]:
    """The worker's assignment of this public id, with its project.

    Raises:
        Refused: it does not exist or belongs to somebody else; a stranger cannot tell which.
        Conflict: the button is from before an undo.
        Overtaken: the worker was joined with another in this moment, and has the assignment under that one now.
    """
    row = None
    if is_public_id(public_id):
        statement = select(Assignment, Project).join(Project, Project.id == Assignment.project_id)
        row = session.execute(
            statement.where(Assignment.public_id == public_id, Assignment.worker_id == worker_id)
        ).one_or_none()
    if row is None:
        raise not_theirs(session, worker_id)
    assignment, project = row[0], row[1]
    if version is not None and assignment.version != version:
        raise Conflict("stale_button")
    return assignment, project


def skip(
    session: Session, *, worker_id: int, assignment_public_id: str, version: int, now: datetime, reason: str = ""
) -> Project:
    """Give an item back for good: it does not come to this worker again.

    Args:
        reason: one of `SKIP_REASONS`; empty where none was given.

    Raises:
        InvalidInput: no such reason.
        Refused, Conflict: as `submit`.
    """
    if reason and reason not in SKIP_REASONS:
        raise InvalidInput("unknown_button")
    assignment, project = own_assignment(session, worker_id, assignment_public_id, version)
    lock_assignment(session, assignment, version)
    if not end_lease(session, assignment.id, assignment.item_id, "skipped", now, reason):
        if assignment.state not in ("expired", "released"):
            raise Conflict(f"already_{assignment.state}")
        end_assignment(session, assignment.id, "skipped", now, skip_reason=reason)
    count_skip(session, assignment, 1)
    return project


def lock_assignment(session: Session, assignment: Assignment, version: int) -> ItemState:
    """Lock the item of an assignment and read the assignment anew.

    Raises:
        Conflict: an undo that was waited for has made the button stale.
    """
    item = lock_item(session, assignment.item_id)
    session.refresh(assignment)
    if assignment.version != version:
        raise Conflict("stale_button")
    return item


def _counts_as(
    session: Session, project: Project, assignment: Assignment, item: ItemState, now: datetime
) -> tuple[str, dict[str, int]]:
    """The state of an answer to an item that nothing is known of, and what changes with it in the item.

    Raises:
        Conflict: answered or skipped before, or later than one lease after the deadline.
    """
    if assignment.state not in ("active", "expired", "released"):
        raise Conflict(f"already_{assignment.state}")
    if assignment.state != "active":
        return _late(session, project, assignment, item, now)
    if item.state == "withdrawn" and item.submitted >= project.max_overlap:
        return "surplus", {"leased": item.leased - 1}  # it was known, so that any number could hold it
    return "counted", {"submitted": item.submitted + 1, "leased": item.leased - 1}


def _late(
    session: Session, project: Project, assignment: Assignment, item: ItemState, now: datetime
) -> tuple[str, dict[str, int]]:
    """An answer after the lease: it fills a free slot, else it is kept as surplus."""
    if now > assignment.expires_at + timedelta(seconds=project.lease_seconds):
        raise Conflict("lease_over")
    twin = twin_of(session, assignment)
    if twin is not None and twin.state != "active":
        raise Conflict(f"already_{twin.state}")
    if twin is not None:
        end_assignment(session, twin.id, "released", now)
        return "counted", {"submitted": item.submitted + 1, "leased": item.leased - 1}
    if item.slots > 0:
        return "counted", {"submitted": item.submitted + 1}
    if not affords(session, project):
        raise Conflict("budget_over_time")
    return "surplus", {}


def twin_of(session: Session, assignment: Assignment) -> Assignment | None:
    """Another assignment of the same item to the same worker that is in hand or dealt with, the newest first."""
    statement = select(Assignment).where(
        Assignment.item_id == assignment.item_id,
        Assignment.worker_id == assignment.worker_id,
        Assignment.id != assignment.id,
        Assignment.state.in_(("active", "submitted", "skipped")),
    )
    return session.scalars(statement.order_by(Assignment.id.desc()).limit(1)).first()


def end_assignment(session: Session, assignment_id: int, state: str, now: datetime, skip_reason: str = "") -> None:
    """Write the end of an assignment; the caller has locked its item."""
    END.run(session, {"assignment_id": assignment_id, **_end(state, now, skip_reason)})


def _end(state: str, now: datetime, skip_reason: str = "") -> dict[str, Any]:
    return {"ended_as": state, "ended_at": now, "skip_reason": skip_reason}


def count_answer(session: Session, worker_id: int, project_id: int, day: str, step: int = 1, day_step: int = 1) -> int:
    """Count an answer in the project, and in the worker's day; returns the project's new count.

    Args:
        day: the present one, an ISO date in the worker's time zone; a new day starts from 0.
        step: 1 for a new answer, -1 for one that was taken back.
        day_step: the same for the day; 0 where the answer that was taken back is of an earlier one.
    """
    [(count,)] = COUNT_TOLD.rows(session, _counting(worker_id, project_id, day, step, day_step))
    return int(count)


def _counting(worker_id: int, project_id: int, day: str, step: int = 1, day_step: int = 1) -> dict[str, Any]:
    values = {"step": step, "day": day, "day_step": day_step, "first": max(0, step)}
    return {"who": worker_id, "where": project_id, **values}


def count_skip(session: Session, assignment: Assignment, step: int) -> None:
    """Count a skip in the worker's participation, or take one back with -1."""
    session.execute(
        update(PARTICIPATION)
        .where(PARTICIPATION.c.worker_id == assignment.worker_id, PARTICIPATION.c.project_id == assignment.project_id)
        .values(
            skip_count=PARTICIPATION.c.skip_count + step,
            since_gold=PARTICIPATION.c.since_gold + max(0, step),  # a card is a card: what was skipped counts as well
        )
    )


def _record(session: Session, standing: Standing, annotation: Mapping[str, Any], day: str) -> Standing:
    """Write an annotation, the end of its assignment, and the worker's count; returns their new standing.

    Args:
        standing: theirs before, read under a lock.
    """
    count = _counting(annotation["worker_id"], annotation["project_id"], day)
    values = {**annotation, **_end("submitted", annotation["created_at"]), **count}
    write_soon(session, values, END, INSERT, COUNT)
    counted = standing.annotation_count + 1
    return replace(standing, annotation_count=counted, since_gold=max(0, standing.since_gold + 1))


def _annotation(
    session: Session,
    project: Project,
    assignment: Assignment,
    label_id: str,
    value: dict[str, Any],
    state: str,
    now: datetime,
) -> dict[str, Any]:
    """The columns of a new annotation."""
    hint = hint_of(session, project, assignment.id)
    duration = max(0, int((now - assignment.leased_at).total_seconds() * 1000))
    return {
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
        "note": "",
        "guidelines_version": assignment.guidelines_version,
        "prediction_id": None if hint is None else hint.prediction_id,
        "duration_ms": duration,
        "price": project.price,
        "created_at": now,
    }
