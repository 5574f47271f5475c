"""Two workers become one: they count once on every item, and never get an item that either has dealt with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from core import labels
from core.assignment import end_lease
from core.attention import local_day
from core.consensus import withdraw
from core.db.tables import table_of
from core.errors import Conflict
from core.gold_answers import forget_control
from core.items import lock_item, lock_items
from core.labeling import count_answer
from core.merged_rows import unite_rows
from core.models import Annotation, Assignment, Membership, OutboxMessage, Participation, Project, Worker

ANNOTATION, ASSIGNMENT = table_of(Annotation), table_of(Assignment)
STANDING = ("counted", "surplus", "control")
DEALT_WITH = ("submitted", "skipped", "barred")
CHUNK = 500
"""Rows that one statement names."""
TRIES = 20
"""Each takes milliseconds; more than a few are needed only while both accounts are answering without a pause."""


def merge(session: Session, keep_id: int, other_id: int, now: datetime) -> None:
    """Make everything that `other` is and has done `keep`'s; `other` stays as an empty row that points to `keep`.

    Statements over all rows, but for the items that both answered: of the two annotations the later one is superseded,
    its slot given back and the item decided anew, which takes about a millisecond for each.

    Raises:
        Conflict: one of them has gone, or is answering so fast that the items of both cannot be held.
    """
    keep, other = _hold(session, keep_id, other_id)
    if keep.merged_into_id or other.merged_into_id or keep.forgotten_at or other.forgotten_at:
        raise Conflict("link_gone")
    other.merged_into_id = keep.id
    keep.name = keep.name or other.name
    keep.time_zone = keep.time_zone or other.time_zone
    keep.languages = [*keep.languages, *(code for code in other.languages if code not in keep.languages)]
    if keep.quiet_from is None:
        keep.quiet_from, keep.quiet_to = other.quiet_from, other.quiet_to
    other.name, other.time_zone, other.languages, other.quiet_from, other.quiet_to = "", "", [], None, None
    _unite(session, keep, other, now)


def merge_strays(session: Session, now: datetime) -> int:
    """Move what a tap wrote for a merged worker after the merge had looked; returns for how many workers.

    Only on PostgreSQL, and only by a tap of the very moment in which the accounts were joined.
    """
    owns = or_(
        exists().where(Participation.worker_id == Worker.id),
        exists().where(OutboxMessage.worker_id == Worker.id, OutboxMessage.state == "pending"),
    )
    strays = session.execute(
        select(Worker.id, Worker.merged_into_id).where(Worker.merged_into_id.is_not(None), owns)
    ).all()
    for other_id, keep_id in strays:
        if keep_id is not None:
            _unite(session, *_hold(session, keep_id, other_id), now)
    return len(strays)


def _unite(session: Session, keep: Worker, other: Worker, now: datetime) -> None:
    session.flush()
    day = local_day(keep.time_zone, now)
    for pair in _answered_by_both(session, keep.id, other.id):
        _supersede_later(session, pair, day, now)
    _release_doubles(session, keep.id, other.id, now)
    unite_rows(session, keep.id, other.id, now)
    session.flush()
    session.expire_all()  # what others in this transaction have loaded has moved


def _hold(session: Session, keep_id: int, other_id: int) -> tuple[Worker, Worker]:
    """Lock the items that the merge will change, then both workers: nothing more can be leased or submitted by them.

    An insert of a lease or an annotation locks its worker's row by its foreign key, and waits here. What was inserted
    before is seen by the second look; where that finds a further item, the locks are let go in favour of their order.
    """
    for _ in range(TRIES):
        savepoint = session.begin_nested()
        held = _items_to_change(session, keep_id, other_id)
        for start in range(0, len(held), CHUNK):
            lock_items(session, held[start : start + CHUNK])
        statement = select(Worker).where(Worker.id.in_((keep_id, other_id))).order_by(Worker.id).with_for_update()
        found = {one.id: one for one in session.scalars(statement.execution_options(populate_existing=True))}
        if set(_items_to_change(session, keep_id, other_id)) <= set(held):
            savepoint.commit()
            return found[keep_id], found[other_id]
        savepoint.rollback()
    raise Conflict("link_busy")


def _items_to_change(session: Session, keep_id: int, other_id: int) -> list[int]:
    leased = session.scalars(
        select(ASSIGNMENT.c.item_id).where(
            ASSIGNMENT.c.worker_id.in_((keep_id, other_id)), ASSIGNMENT.c.state == "active"
        )
    )
    return sorted({*leased, *(pair.item_id for pair in _answered_by_both(session, keep_id, other_id))})


def _answered_by_both(session: Session, keep_id: int, other_id: int) -> Sequence[Any]:
    """(item_id, earlier annotation, later annotation) of the items on which both stand, by item."""
    mine, theirs = ANNOTATION.alias(), ANNOTATION.alias()
    statement = (
        select(mine.c.item_id, mine.c.id.label("mine"), theirs.c.id.label("theirs"))
        .join(theirs, theirs.c.item_id == mine.c.item_id)
        .where(mine.c.worker_id == keep_id, mine.c.state.in_(STANDING))
        .where(theirs.c.worker_id == other_id, theirs.c.state.in_(STANDING))
    )
    return session.execute(statement.order_by(mine.c.item_id)).all()


def _supersede_later(session: Session, pair: Any, day: str, now: datetime) -> None:
    item = lock_item(session, pair.item_id)
    later = max(
        session.execute(select(ANNOTATION).where(ANNOTATION.c.id.in_((pair.mine, pair.theirs)))).all(),
        key=lambda row: (row.created_at, row.id),
    )
    session.execute(update(ANNOTATION).where(ANNOTATION.c.id == later.id).values(state="superseded"))
    count = count_answer(session, later.worker_id, later.project_id, day, -1, 0)
    project = session.get_one(Project, later.project_id)
    if later.state == "control":
        forget_control(session, project, item, later, count, now)
    if later.state != "counted":
        return
    answer = labels.index_of(labels.load(project.label_schema), str(later.label_id))
    withdraw(session, project, item, later.worker_id, answer, count, now, submitted=item.submitted - 1)


def _release_doubles(session: Session, keep_id: int, other_id: int, now: datetime) -> None:
    """Give back what one holds and either has dealt with or is kept from; then `other`'s lease where both hold one."""
    active = select(ASSIGNMENT).where(ASSIGNMENT.c.worker_id.in_((keep_id, other_id)), ASSIGNMENT.c.state == "active")
    held = session.execute(active.order_by(ASSIGNMENT.c.item_id)).all()
    done = select(ASSIGNMENT.c.item_id).where(
        ASSIGNMENT.c.worker_id.in_((keep_id, other_id)),
        ASSIGNMENT.c.item_id.in_([lease.item_id for lease in held]),
        ASSIGNMENT.c.state.in_(DEALT_WITH),
    )
    dealt_with = set(session.scalars(done))
    closed = _kept_from(session, keep_id, other_id)
    staying = {lease.project_id for lease in held if lease.worker_id == keep_id and lease.item_id not in dealt_with}
    for lease in held:
        doubled = lease.worker_id == other_id and lease.project_id in staying
        if lease.item_id in dealt_with or lease.project_id in closed or doubled:
            end_lease(session, lease.id, lease.item_id, "released", now)


def _kept_from(session: Session, keep_id: int, other_id: int) -> set[int]:
    """Projects in which either may hold nothing: paused there, or paused or shut out in their workspace."""
    both = (keep_id, other_id)
    paused = select(Participation.project_id).where(
        Participation.worker_id.in_(both), Participation.restriction == "paused"
    )
    away = (
        select(Project.id)
        .join(Membership, Membership.workspace_id == Project.workspace_id)
        .where(Membership.worker_id.in_(both), Membership.status != "active")
    )
    return {*session.scalars(paused), *session.scalars(away)}
