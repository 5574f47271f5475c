"""What a worker does with answers already given: take one back, say why it was given."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from core import labels
from core.assignment import end_lease, set_standing
from core.attention import local_day
from core.budget import affords
from core.consensus import withdraw
from core.db.tables import table_of
from core.due import expiry_effect
from core.effects import add_effect
from core.errors import Conflict, InvalidInput
from core.gold_answers import forget_control, known_label, may_undo
from core.items import ItemState, lock_items, write_item
from core.labeling import count_answer, count_skip, end_assignment, lock_assignment, own_assignment, twin_of
from core.models import Annotation, Assignment, Participation, Project
from core.standing import load_standing
from core.training_runs import trained_since

ANNOTATION, ASSIGNMENT = table_of(Annotation), table_of(Assignment)
PARTICIPATION, PROJECT = table_of(Participation), table_of(Project)
STANDING = ("counted", "surplus", "control")
GIVEN = (*STANDING, "rejected")
"""States of an answer that its worker has not taken back."""
UNDOABLE_ITEM_STATES = ("open", "agreed", "disputed")
MAX_NOTE = 500
"""Characters of a note."""

NEWEST = (
    select(ANNOTATION.c.id)
    .where(
        ANNOTATION.c.worker_id == PARTICIPATION.c.worker_id,
        ANNOTATION.c.project_id == PARTICIPATION.c.project_id,
        ANNOTATION.c.state.in_(GIVEN),
    )
    .order_by(ANNOTATION.c.id.desc())
    .limit(1)
    .correlate(PARTICIPATION)
    .scalar_subquery()
)
# One seek in an index for each project, however many answers there are.
NEWEST_BY_PROJECT = (
    select(NEWEST.label("id"))
    .select_from(PARTICIPATION.join(PROJECT, PROJECT.c.id == PARTICIPATION.c.project_id))
    .where(
        PARTICIPATION.c.worker_id == bindparam("worker_id"),
        PROJECT.c.workspace_id == bindparam("workspace_id"),
    )
    .subquery()
)
LAST = select(func.max(NEWEST_BY_PROJECT.c.id))


def last_answer(session: Session, worker_id: int, workspace_id: int) -> Annotation | None:
    """The last answer that the worker gave in any job of the workspace and has not taken back."""
    annotation_id = session.scalar(LAST, {"worker_id": worker_id, "workspace_id": workspace_id})
    return None if annotation_id is None else session.get_one(Annotation, annotation_id)


def undo(
    session: Session, *, worker_id: int, assignment_public_id: str, version: int, now: datetime, time_zone: str = ""
) -> Project:
    """Withdraw an answer and give the item back to the same worker, in place of the one they hold.

    Args:
        time_zone: as in `core.labeling.submit`.

    Raises:
        Refused: not this worker's assignment.
        Conflict: nothing to undo, or the answer is already used: settled by an expert, audited, or by training.
    """
    assignment, project = own_assignment(session, worker_id, assignment_public_id, version)
    _lock_both(session, assignment)
    item = lock_assignment(session, assignment, version)
    if assignment.state == "skipped":
        return _reopen_skipped(session, assignment, project, item, now)
    annotation = _given(session, assignment)
    if annotation is None:
        raise Conflict("nothing_to_undo")
    _check_undoable(session, project, item, annotation)
    session.execute(update(ANNOTATION).where(ANNOTATION.c.id == annotation.id).values(state="withdrawn"))
    day = local_day(time_zone, now)
    day_step = -1 if local_day(time_zone, annotation.created_at) == day else 0
    count = count_answer(session, worker_id, project.id, day, -1, day_step)
    if annotation.state == "surplus":
        end_assignment(session, assignment.id, "released", now)
        assignment.version += 1
        return project
    _release_others(session, assignment, now)
    _reactivate(session, assignment, project, now)
    if annotation.state == "control":
        write_item(session, item, now, leased=item.leased + 1)
        forget_control(session, project, item, annotation, count, now)
        return project
    answer = labels.index_of(labels.load(project.label_schema), str(annotation.label_id))
    counts = {"submitted": item.submitted - 1, "leased": item.leased + 1}
    withdraw(session, project, item, worker_id, answer, count, now, **counts)
    return project


def add_note(session: Session, worker_id: int, workspace_id: int, annotation_public_id: str, text: str) -> None:
    """Keep why the worker answered so; a second note replaces the first.

    Raises:
        InvalidInput: longer than `MAX_NOTE`.
        Conflict: that answer does not stand any more, or was never theirs.
    """
    check_note(text)
    mine = select(PROJECT.c.id).where(PROJECT.c.workspace_id == workspace_id)
    changed = session.execute(
        update(ANNOTATION)
        .where(
            ANNOTATION.c.public_id == annotation_public_id,
            ANNOTATION.c.worker_id == worker_id,
            ANNOTATION.c.state.in_(STANDING),
            ANNOTATION.c.project_id.in_(mine),
        )
        .values(note=text.strip())
    )
    if getattr(changed, "rowcount", 0) != 1:
        raise Conflict("note_too_late")


def check_note(text: str) -> None:
    """Refuse a note that would have to be cut.

    Raises:
        InvalidInput: longer than `MAX_NOTE`.
    """
    if len(text.strip()) > MAX_NOTE:
        raise InvalidInput("note_too_long", length=len(text.strip()), limit=MAX_NOTE)


def _lock_both(session: Session, assignment: Assignment) -> None:
    """Hold the item that comes back, and the one that gives way to it: the same person may tap it on another device."""
    held = select(ASSIGNMENT.c.item_id).where(
        ASSIGNMENT.c.worker_id == assignment.worker_id,
        ASSIGNMENT.c.project_id == assignment.project_id,
        ASSIGNMENT.c.state == "active",
    )
    lock_items(session, {assignment.item_id, *session.scalars(held)})


def _check_undoable(session: Session, project: Project, item: ItemState, annotation: Annotation) -> None:
    if annotation.state == "control" and known_label(session, item) is None:
        used = True  # the item is asked like all others by now, and has no place to give back
    elif annotation.state == "control":
        standing = load_standing(session, annotation.worker_id, project.id)
        # No model trains on it, but the items around it could not be taken back any more either.
        used = trained_since(session, project.id, annotation.created_at)
        used = used or not may_undo(project, item, annotation, standing)
    else:
        used = item.state not in UNDOABLE_ITEM_STATES or item.trained_at is not None
    if used or annotation.state == "rejected" or annotation.audit_state != "unaudited":
        raise Conflict("too_late_to_undo")


def _given(session: Session, assignment: Assignment) -> Annotation | None:
    """The answer to an assignment, as it is now that its item is locked."""
    statement = select(Annotation).where(Annotation.assignment_id == assignment.id, Annotation.state.in_(GIVEN))
    newest = statement.order_by(Annotation.id.desc()).limit(1)
    return session.scalars(newest.execution_options(populate_existing=True)).first()


def _reopen_skipped(
    session: Session, assignment: Assignment, project: Project, item: ItemState, now: datetime
) -> Project:
    free = item.slots > 0 or (known_label(session, item) is not None and affords(session, project))
    if not free or twin_of(session, assignment) is not None:
        raise Conflict("too_late_to_undo")
    _release_others(session, assignment, now)
    _reactivate(session, assignment, project, now)
    count_skip(session, assignment, -1)
    write_item(session, item, now, leased=item.leased + 1)
    return project


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
            reminded_at=None,
            skip_reason="",
            guidelines_version=project.guidelines_version,
        )
    )
    set_standing(session, assignment.worker_id, project.id, "working", now)
    add_effect(session, expiry_effect(project.id, expires_at))
