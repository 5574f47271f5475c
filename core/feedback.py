"""What experts made of a worker's answers: one friendly digest per worker and day, read when it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from core import labels
from core.attention import local_day
from core.consensus import STANDS
from core.dispute_order import UNDECIDED
from core.lanes import Lane
from core.models import Adjudication, Annotation, Item, Membership, OutboxMessage, Project, Worker
from core.outbox import owe
from core.texts import beginning

KIND = "feedback"
GATHER = timedelta(hours=1)
"""How long a digest waits for further verdicts."""
EXPIRES_AFTER = timedelta(days=2)
EXAMPLES = 3
EXAMPLE_LENGTH = 80
MOST = 200
"""Verdicts that one digest counts, the newest first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A verdict that is not what the worker said."""

    text: str
    verdict: str
    said: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """The verdicts on items that a worker answered."""

    count: int
    same: int
    """Of `count`, those that the worker answered alike."""
    differences: tuple[Difference, ...]
    """At most `EXAMPLES`."""


def owe_feedback(session: Session, project: Project, item_id: int, expert_id: int, now: datetime) -> None:
    """Owe everybody whose answer to a settled item stands their digest of the day, but the expert themselves.

    Those who are paused are left in peace.
    """
    statement = (
        select(Worker.id, Worker.time_zone)
        .join(Annotation, Annotation.worker_id == Worker.id)
        .join(Membership, Membership.worker_id == Worker.id)
        .where(Annotation.item_id == item_id, STANDS, Worker.id != expert_id)
        .where(Membership.workspace_id == project.workspace_id, Membership.status == "active")
    )
    for worker_id, time_zone in session.execute(statement).all():
        _owe_digest(session, worker_id, project.workspace_id, time_zone, now)


def _owe_digest(session: Session, worker_id: int, workspace_id: int, time_zone: str, now: datetime) -> None:
    """Today's digest takes the verdict along; where it has gone out already, tomorrow's does."""
    for days in (0, 1):
        key = f"feedback-{workspace_id}-{worker_id}-{local_day(time_zone, now + timedelta(days=days))}"
        owed = owe(
            session,
            worker_id=worker_id,
            workspace_id=workspace_id,
            kind=KIND,
            params={"since": now.isoformat()},
            dedupe_key=key,
            now=now,
            lane=Lane.REMINDER,
            expires_after=EXPIRES_AFTER,
            not_before=now + max(GATHER, timedelta(days=days)),
        )
        if owed or session.scalar(select(OutboxMessage.state).where(OutboxMessage.dedupe_key == key)) == "pending":
            return


def was_told(session: Session, project: Project, item_id: int, since: datetime) -> bool:
    """Whether a digest that may have told of a verdict on an item since a moment has gone out."""
    sent = (
        select(OutboxMessage.id)
        .join(Annotation, Annotation.worker_id == OutboxMessage.worker_id)
        .where(Annotation.item_id == item_id, STANDS, *_digests(project.workspace_id))
        .where(OutboxMessage.state == "sent", OutboxMessage.sent_at >= since)
    )
    return session.scalars(sent.limit(1)).first() is not None


def withdraw_feedback(session: Session, project: Project, item_id: int) -> None:
    """Drop the digests that wait for those who answered an item, where they have nothing else to tell any more."""
    waiting = (
        select(OutboxMessage)
        .join(Annotation, Annotation.worker_id == OutboxMessage.worker_id)
        .where(Annotation.item_id == item_id, STANDS, *_digests(project.workspace_id))
        .where(OutboxMessage.state == "pending")
    )
    for message in session.scalars(waiting).all():
        since = datetime.fromisoformat(message.params["since"])
        if feedback_of(session, message.worker_id, project.workspace_id, since) is None:
            session.delete(message)


def _digests(workspace_id: int) -> tuple[ColumnElement[bool], ...]:
    return OutboxMessage.kind == KIND, OutboxMessage.workspace_id == workspace_id


def feedback_of(session: Session, worker_id: int, workspace_id: int, since: datetime) -> Feedback | None:
    """The verdicts since a moment on items that this worker answered; nothing where there are none.

    Only what they answered themselves is told: a verdict that has become gold stays unknown to everybody else.
    """
    rows = session.execute(_verdicts(worker_id, workspace_id, since)).all()
    other = [row for row in rows if row.verdict != row.said]
    differences = tuple(_difference(row) for row in other[:EXAMPLES])
    return Feedback(len(rows), len(rows) - len(other), differences) if rows else None


def _difference(row: Row[Any]) -> Difference:
    schema = labels.load(row.label_schema)
    text = beginning(labels.item_text(row.content), EXAMPLE_LENGTH)
    return Difference(text, labels.name_of(schema, row.verdict), labels.name_of(schema, row.said))


def _verdicts(worker_id: int, workspace_id: int, since: datetime) -> Select[Any]:
    return (
        select(
            Item.label_id.label("verdict"),
            Annotation.label_id.label("said"),
            Project.label_schema,
            Item.content,
        )
        .select_from(Adjudication)
        .join(Item, Item.id == Adjudication.item_id)
        .join(Project, Project.id == Adjudication.project_id)
        .join(Annotation, Annotation.item_id == Item.id)
        .where(Annotation.worker_id == worker_id, STANDS)
        .where(Project.workspace_id == workspace_id, Item.state == "adjudicated")
        .where(Adjudication.reason == UNDECIDED, Adjudication.created_at >= since)
        .order_by(Adjudication.id.desc())
        .limit(MOST)
    )
