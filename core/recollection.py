"""Asking again what one person alone decided, after a ban, or in one job after a pause there: their annotations go
where no others carry the decision.

Owed from the log entry "recollect" until an entry "recollected" follows it, so that no lost job loses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from core import labels
from core.answers import STANDING
from core.attention import local_day
from core.consensus import withdraw
from core.db.tables import table_of
from core.effects import EnqueueJob, add_effect, drop_after, mark
from core.enrolment import Account, record_act
from core.errors import Conflict, Refused
from core.ids import PUBLIC_ID_LENGTH
from core.items import ITEM, lock_item, lock_items
from core.labeling import count_answer
from core.members import Member
from core.membership import may_act_on
from core.models import Annotation, LogEntry, Membership, Participation, Project, Worker
from core.outbox import owe
from core.queue import DEFAULT, RECOLLECT
from core.runtime import Runtime

ANNOTATION = table_of(Annotation)
CHUNK = 200
"""Items looked at in one transaction."""
RECONSIDERED = ("open", "agreed", "disputed")
REASON = "ban"


@dataclass(frozen=True, slots=True)
class Order:
    """Who is to be asked after again, in which workspace, by whose word."""

    entry_id: int
    workspace_id: int
    worker_id: int
    subject: str
    """Of the log entry: the public id of the worker, and where it is about one job, that of the project."""
    by_id: int | None
    since: datetime
    project_id: int | None = None
    """Nothing where it is about all jobs of the workspace."""


def order_recollection(session: Session, account: Account, member: Member, now: datetime) -> None:
    """Have everything asked again that a banned member alone decided.

    Raises:
        Refused: the account may not act on that member.
        Conflict: it was ordered before and is under way.
    """
    if account.workspace_id is None or not may_act_on(account, member):
        raise Refused("member_above")
    if _order(session, account.workspace_id, member.worker_id) is not None:
        raise Conflict("recollect_running")
    record_act(session, account.workspace_id, account.worker.id, "recollect", member.public_id, now)
    add_effect(session, _job(account.workspace_id, member.worker_id))


def order_in_project(session: Session, project: Project, worker: Worker, by_id: int | None, now: datetime) -> None:
    """Have everything asked again that somebody alone decided who was paused in a job; once is enough.

    Args:
        by_id: the coordinator who paused them; None where a rule of the job did.
    """
    if _order(session, project.workspace_id, worker.id, project.id) is not None:
        return
    record_act(session, project.workspace_id, by_id, "recollect", f"{worker.public_id} {project.public_id}", now)
    add_effect(session, _job(project.workspace_id, worker.id, project.id))


def restore(session: Session, project_id: int, worker_id: int, since: datetime) -> int:
    """Give back the credit for what was rejected after a pause that has turned out to be wrong; returns how many.

    The answers stand and are paid again, also where a budget is used up by now, but fill no slot: their items have been
    asked again.
    """
    other = ANNOTATION.alias()
    stands = exists().where(
        other.c.item_id == ANNOTATION.c.item_id, other.c.worker_id == worker_id, other.c.state.in_(STANDING)
    )
    restored = session.execute(
        update(ANNOTATION)
        .where(ANNOTATION.c.project_id == project_id, ANNOTATION.c.worker_id == worker_id, ~stands)
        .where(ANNOTATION.c.state == "rejected", ANNOTATION.c.audit_reason == REASON, ANNOTATION.c.audited_at >= since)
        .values(state="surplus", audit_state="unaudited", audit_reason="", audited_by_id=None, audited_at=None)
    )
    count = int(getattr(restored, "rowcount", 0))
    mine = Participation.worker_id == worker_id, Participation.project_id == project_id
    credited = Participation.annotation_count + count
    session.execute(update(Participation).where(*mine).values(annotation_count=credited))
    return count


def unfinished_recollections(session: Session) -> list[EnqueueJob]:
    """Jobs of all orders that have not been carried out, for the sweep."""
    return [_job(order.workspace_id, order.worker_id, order.project_id) for order in _orders(session)]


def is_owed(session: Session, project: Project) -> bool:
    """Whether answers in this project are still to be taken out, so that what it has decided is not what will stand."""
    orders = (order for order in _orders(session) if order.workspace_id == project.workspace_id)
    return any(order.project_id in (None, project.id) for order in orders)


def recollect(
    runtime: Runtime,
    workspace_id: int,
    worker_id: int,
    clock: Callable[[], datetime],
    project_id: int | None = None,
) -> None:
    """Carry out an order, `CHUNK` items per transaction; run again it goes on with what is left, or does nothing."""
    with runtime.reading() as session:
        order = _order(session, workspace_id, worker_id, project_id)
    after: int | None = 0
    while order is not None and after is not None:
        with runtime.writing() as session:
            after = _reconsider(session, order, after, clock())
    if order is not None:
        with runtime.writing() as session:
            _finish(session, order, clock())


def _reconsider(session: Session, order: Order, after: int, now: datetime) -> int | None:
    """Look at the next annotations; the id of the last one, or nothing where none is left or it was all undone."""
    table = table_of(Project)
    statement = (
        select(ANNOTATION.c.id, ANNOTATION.c.item_id, ANNOTATION.c.project_id, ANNOTATION.c.label_id)
        .join(ITEM, ITEM.c.id == ANNOTATION.c.item_id)
        .join(table, table.c.id == ANNOTATION.c.project_id)
        .where(ANNOTATION.c.worker_id == order.worker_id, ANNOTATION.c.id > after, ANNOTATION.c.state == "counted")
        .where(ANNOTATION.c.audit_state != "accepted", ITEM.c.state.in_(RECONSIDERED))
        .where(*_still_wanted(order))
        .order_by(ANNOTATION.c.id)
        .limit(CHUNK)
    )
    rows = session.execute(statement).all()
    lock_items(session, (row.item_id for row in rows))
    for row in rows:
        _reject_if_alone(session, order, row, now)
    return rows[-1].id if rows else None


def _still_wanted(order: Order) -> tuple[ColumnElement[bool], ...]:
    """The annotations that the order is about, and that its worker is still banned, or paused in its job."""
    project = table_of(Project)
    if order.project_id is None:
        banned = exists().where(Membership.worker_id == order.worker_id, Membership.status == "banned")
        inside = project.c.workspace_id == order.workspace_id
        return inside, banned.where(Membership.workspace_id == order.workspace_id)
    paused = exists().where(Participation.worker_id == order.worker_id, Participation.restriction == "paused")
    return project.c.id == order.project_id, paused.where(Participation.project_id == order.project_id)


def _reject_if_alone(session: Session, order: Order, row: Any, now: datetime) -> None:
    """Try the item without the annotation: where the others agree on the same label, nothing changes."""
    project = session.get_one(Project, row.project_id)
    answer = labels.index_of(labels.load(project.label_schema), str(row.label_id))
    label = select(ITEM.c.label_id).where(ITEM.c.id == row.item_id)
    position, savepoint = mark(session), session.begin_nested()
    item, before = lock_item(session, row.item_id), session.scalar(label)
    rejected = session.execute(
        update(ANNOTATION)
        .where(ANNOTATION.c.id == row.id, ANNOTATION.c.state == "counted")
        .values(
            state="rejected", audit_state="rejected", audit_reason=REASON, audited_by_id=order.by_id, audited_at=now
        )
    )
    if getattr(rejected, "rowcount", 0) == 1:
        count = count_answer(session, order.worker_id, project.id, local_day("", now), -1, 0)
        state = withdraw(session, project, item, order.worker_id, answer, count, now, submitted=item.submitted - 1)
        if (item.state, before) != (state, session.scalar(label)) or state != "agreed":
            savepoint.commit()
            return
    savepoint.rollback()
    drop_after(session, position)


def _finish(session: Session, order: Order, now: datetime) -> None:
    """Write down that the order was carried out, once, and tell who gave it."""
    session.execute(select(Worker.id).where(Worker.id == order.worker_id).with_for_update())
    if _order(session, order.workspace_id, order.worker_id, order.project_id) is None:
        return
    record_act(session, order.workspace_id, None, "recollected", order.subject, now)
    if order.by_id is None:
        return
    inside = select(Project.id).where(Project.workspace_id == order.workspace_id)
    if order.project_id is not None:
        inside = inside.where(Project.id == order.project_id)
    mine = select(func.count()).where(Annotation.worker_id == order.worker_id, Annotation.project_id.in_(inside))
    rejected = mine.where(Annotation.audit_reason == REASON, Annotation.audited_at >= order.since)
    params = {
        "banned_id": order.worker_id,
        "rejected": session.scalar(rejected) or 0,
        "kept": session.scalar(mine.where(Annotation.state == "counted")) or 0,
    }
    owe(
        session,
        worker_id=order.by_id,
        workspace_id=order.workspace_id,
        kind="recollected",
        params=params,
        dedupe_key=f"recollected-{order.entry_id}",
        now=now,
    )


def _order(session: Session, workspace_id: int, worker_id: int, project_id: int | None = None) -> Order | None:
    wanted = (workspace_id, worker_id, project_id)
    return next((one for one in _orders(session) if (one.workspace_id, one.worker_id, one.project_id) == wanted), None)


def _orders(session: Session) -> list[Order]:
    """Orders that no entry "recollected" follows, the newest of a worker's first. Linked workers count as one."""
    done = aliased(LogEntry)
    carried_out = exists().where(
        done.act == "recollected",
        done.workspace_id == LogEntry.workspace_id,
        done.subject == LogEntry.subject,
        done.id > LogEntry.id,
    )
    statement = (
        select(LogEntry, Worker, Project.id)
        .join(Worker, Worker.public_id == func.substr(LogEntry.subject, 1, PUBLIC_ID_LENGTH))
        .outerjoin(Project, Project.public_id == func.substr(LogEntry.subject, PUBLIC_ID_LENGTH + 2))
        .where(LogEntry.act == "recollect", ~carried_out)
        .order_by(LogEntry.id.desc())
    )
    return [
        Order(
            entry_id=entry.id,
            workspace_id=entry.workspace_id or 0,
            worker_id=worker.merged_into_id or worker.id,
            subject=entry.subject,
            by_id=entry.worker_id,
            since=entry.created_at,
            project_id=project_id,
        )
        for entry, worker, project_id in session.execute(statement)
    ]


def _job(workspace_id: int, worker_id: int, project_id: int | None = None) -> EnqueueJob:
    args = (workspace_id, worker_id) if project_id is None else (workspace_id, worker_id, project_id)
    return EnqueueJob(DEFAULT, RECOLLECT, args, "-".join(("recollect", *map(str, args))))
