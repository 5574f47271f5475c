"""Messages owed to workers: written with the event that owes them, sent by the bot's delivery loop after the commit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from core.attention import QUIET_HOURS, awake, quiet_now, quiet_until
from core.db.upsert import insert_or_ignore
from core.effects import WakeDelivery, add_effect
from core.lanes import Lane
from core.models import Membership, OutboxMessage, Project, Worker

BACKOFF_SECONDS = 2.0
BACKOFF_CAP_SECONDS = 300.0
KEEP_SENT = timedelta(days=7)
PUT_OFF_PER_SWEEP = 500
UNAWAITED = (OutboxMessage.state == "pending", OutboxMessage.lane >= Lane.OFFER)
"""Messages that nobody waits for: they respect quiet hours, and are not sent to who has paused."""


def owe(
    session: Session,
    *,
    worker_id: int,
    workspace_id: int,
    kind: str,
    params: dict[str, Any],
    dedupe_key: str,
    now: datetime,
    lane: Lane = Lane.NOTICE,
    expires_after: timedelta = timedelta(days=3),
    not_before: datetime | None = None,
) -> bool:
    """Put one message into the outbox; false where one with the same `dedupe_key` is or was there.

    One that nobody waits for (an offer and what stands below) is put off until the worker's quiet hours are over.

    Args:
        kind: which card `bot.cards` renders.
        params: ids and numbers for that card; never a text of a person.
        dedupe_key: makes the owing job idempotent.
        not_before: when it is sent at the earliest, now where nothing is said; `expires_after` counts from there.
    """
    earliest = not_before or now
    if lane >= Lane.OFFER:
        worker = session.get_one(Worker, worker_id)
        earliest = quiet_until(worker.time_zone, worker.quiet_from, worker.quiet_to, earliest) or earliest
    what = {"worker_id": worker_id, "workspace_id": workspace_id, "kind": kind, "params": params}
    when = {"not_before": earliest, "expires_at": earliest + expires_after, "created_at": now}
    sending = {"lane": int(lane), "state": "pending", "dedupe_key": dedupe_key, "attempts": 0}
    if not insert_or_ignore(session, OutboxMessage, what | when | sending):
        return False
    add_effect(session, WakeDelivery())
    return True


def owe_poster(
    session: Session, project: Project, kind: str, params: dict[str, Any], dedupe_key: str, now: datetime
) -> bool:
    """As `owe`, to whoever posted a project: what became of its models and their labels."""
    return owe(
        session,
        worker_id=project.created_by_id,
        workspace_id=project.workspace_id,
        kind=kind,
        params=params,
        dedupe_key=dedupe_key,
        now=now,
    )


def due(session: Session, now: datetime, limit: int = 50) -> list[OutboxMessage]:
    """The messages to send next, by lane and age.

    What nobody waits for stays where its worker has quiet hours, has paused, or is no member any more: they may have
    said so since it was owed.
    """
    ready = OutboxMessage.not_before <= now
    waiting = select(*QUIET_HOURS).join(OutboxMessage, OutboxMessage.worker_id == Worker.id)
    quiet = quiet_now(session, waiting.where(*UNAWAITED, ready), now)
    member = exists().where(
        Membership.worker_id == OutboxMessage.worker_id,
        Membership.workspace_id == OutboxMessage.workspace_id,
        Membership.status == "active",
    )
    statement = (
        select(OutboxMessage)
        .join(Worker, Worker.id == OutboxMessage.worker_id)
        .where(OutboxMessage.state == "pending", ready)
        .where(or_(OutboxMessage.lane < Lane.OFFER, and_(member, awake(quiet))))
        .order_by(OutboxMessage.lane, OutboxMessage.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def put_off(session: Session, now: datetime) -> int:
    """Move what waits for people whose quiet hours have begun to the end of these, and its expiry with it.

    Returns how many were moved, at most `PUT_OFF_PER_SWEEP`.
    """
    statement = (
        select(OutboxMessage.id, OutboxMessage.not_before, OutboxMessage.expires_at, *QUIET_HOURS)
        .join(Worker, Worker.id == OutboxMessage.worker_id)
        .where(*UNAWAITED, OutboxMessage.not_before <= now, OutboxMessage.expires_at > now)
        .where(Worker.quiet_from.is_not(None))
        .limit(PUT_OFF_PER_SWEEP)
    )
    moved = 0
    for row in session.execute(statement).all():
        until = quiet_until(row.time_zone, row.quiet_from, row.quiet_to, now)
        if until is not None:
            _finish(session, row.id, not_before=until, expires_at=until + (row.expires_at - row.not_before))
            moved += 1
    return moved


def mark_sent(session: Session, message_id: int, now: datetime) -> None:
    """The platform has taken it."""
    _finish(session, message_id, state="sent", sent_at=now)


def mark_expired(session: Session, message_id: int) -> None:
    """It makes no sense any more."""
    _finish(session, message_id, state="expired")


def mark_failed(session: Session, message_id: int) -> None:
    """The platform will never take it."""
    _finish(session, message_id, state="failed")


def postpone(session: Session, message: OutboxMessage, now: datetime, seconds: float = 0.0) -> None:
    """Try again later, with exponential back-off, for as long as the message makes sense."""
    attempts = message.attempts + 1
    wait = max(seconds, min(BACKOFF_CAP_SECONDS, BACKOFF_SECONDS * 2 ** min(attempts - 1, 10)))
    _finish(
        session,
        message.id,
        state="pending" if now + timedelta(seconds=wait) < message.expires_at else "expired",
        attempts=attempts,
        not_before=now + timedelta(seconds=wait),
    )


def _finish(session: Session, message_id: int, **values: Any) -> None:
    session.execute(
        update(OutboxMessage).where(OutboxMessage.id == message_id, OutboxMessage.state == "pending").values(**values)
    )


def sweep_outbox(session: Session, now: datetime) -> int:
    """Expire what is too late and forget what was sent long ago; returns how many were expired."""
    put_off(session, now)
    expired = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.state == "pending", OutboxMessage.expires_at <= now)
        .values(state="expired")
    )
    session.execute(
        delete(OutboxMessage).where(OutboxMessage.state != "pending", OutboxMessage.created_at < now - KEEP_SENT)
    )
    return int(getattr(expired, "rowcount", 0))


def pending_count(session: Session) -> int:
    """How many messages are owed."""
    return session.scalar(select(func.count()).select_from(OutboxMessage).where(OutboxMessage.state == "pending")) or 0
