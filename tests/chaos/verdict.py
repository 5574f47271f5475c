"""What must be true whatever went wrong, read from the rows while nobody is in the middle of anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.costs import spent
from core.models import Annotation, Assignment, Item, OutboxMessage, Project, Worker
from tests.acceptance.people import read_ledger
from tests.invariants import check_redundancy

STANDING = ("counted", "surplus")
LATE = timedelta(seconds=60)


def check(session: Session, ledger: Path, project_id: int, now: datetime) -> int:
    """Hold everything against the ledger that people keep; returns how many answers were compared.

    Raises:
        AssertionError: it says what is not as it must be.
    """
    standing = check_answers(session, ledger, project_id)
    check_redundancy(session)
    check_leases(session, now)
    check_money(session, project_id, standing)
    return standing


def check_answers(session: Session, ledger: Path, project_id: int) -> int:
    """Each acknowledged answer stands exactly once with its label, and nothing stands that nobody gave."""
    told = read_ledger(ledger)
    names = {one["id"]: one["name"] for one in session.get_one(Project, project_id).label_schema["labels"]}
    rows = session.execute(
        select(Worker.name, Item.content, Annotation.label_id)
        .join(Item, Item.id == Annotation.item_id)
        .join(Worker, Worker.id == Annotation.worker_id)
        .where(Annotation.project_id == project_id, Annotation.state.in_(STANDING))
    )
    stored = sorted((name, content[0]["text"], names[label_id]) for name, content, label_id in rows)
    acknowledged = sorted((name, item, label) for (name, item), label in told.items())
    lost = [one for one in acknowledged if one not in stored]
    invented = [one for one in stored if one not in acknowledged]
    assert stored == acknowledged, f"lost: {lost}; nobody was told of: {invented}; {len(stored)} are stored"
    return len(told)


def check_leases(session: Session, now: datetime) -> None:
    """No lease outlives its time by more than a minute."""
    active = select(Assignment.id, Assignment.expires_at).where(Assignment.state == "active")
    late = [(number, now - deadline) for number, deadline in session.execute(active) if deadline + LATE < now]
    assert not late, f"leases are still out so long after their end: {late}"


def check_money(session: Session, project_id: int, standing: int) -> None:
    """What is owed is the price of each answer that was accepted."""
    project = session.get_one(Project, project_id)
    answers = spent(session, project).answers
    assert (answers.count, answers.amount) == (standing, standing * project.price), f"{answers} of {standing} answers"


def owed(session: Session, now: datetime) -> int:
    """How many messages are due and not sent yet."""
    due = (OutboxMessage.state == "pending", OutboxMessage.not_before <= now)
    return session.scalar(select(func.count()).select_from(OutboxMessage).where(*due)) or 0


def leased(session: Session) -> int:
    """How many leases are out."""
    return session.scalar(select(func.count()).select_from(Assignment).where(Assignment.state == "active")) or 0
