"""Messages owed to workers: written with the event that owes them, sent by the bot's delivery loop after the commit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from core.db.upsert import insert_or_ignore
from core.effects import WakeDelivery, add_effect
from core.lanes import Lane
from core.models import OutboxMessage

BACKOFF_SECONDS = 2.0
BACKOFF_CAP_SECONDS = 300.0
KEEP_SENT = timedelta(days=7)


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
) -> bool:
    """Put one message into the outbox; false where one with the same `dedupe_key` is or was there.

    Args:
        kind: which card `bot.cards` renders.
        params: ids and numbers for that card; never a text of a person.
        dedupe_key: makes the owing job idempotent.
    """
    inserted = insert_or_ignore(
        session,
        OutboxMessage,
        {
            "worker_id": worker_id,
            "workspace_id": workspace_id,
            "kind": kind,
            "params": params,
            "lane": int(lane),
            "state": "pending",
            "dedupe_key": dedupe_key,
            "attempts": 0,
            "not_before": now,
            "expires_at": now + expires_after,
            "created_at": now,
        },
    )
    if inserted:
        add_effect(session, WakeDelivery())
    return bool(inserted)


def due(session: Session, now: datetime, limit: int = 50) -> list[OutboxMessage]:
    """The messages to send next, by lane and age."""
    statement = (
        select(OutboxMessage)
        .where(OutboxMessage.state == "pending", OutboxMessage.not_before <= now)
        .order_by(OutboxMessage.lane, OutboxMessage.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


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
