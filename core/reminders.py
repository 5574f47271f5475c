"""A word before a lease runs out: at most one for an assignment, and seldom to the same person."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, update
from sqlalchemy.orm import Session, aliased

from core.assignment import end_lease, leave_in_peace, set_standing
from core.attention import quiet_until
from core.enrolment import CONSENT_VERSION
from core.errors import Conflict, Refused
from core.labeling import own_assignment
from core.lanes import Lane
from core.models import Assignment, Identity, Membership, OutboxMessage, Project, Worker
from core.outbox import owe

SHARE = 5
"""A reminder comes when less than a fifth of the lease is left,"""
LEAST, MOST = timedelta(seconds=60), timedelta(hours=1)
"""but never with less than a minute to go, nor earlier than an hour; of a short lease half has to be over."""
PAUSE = timedelta(hours=6)
"""Between two reminders to one person."""
REMINDERS_PER_RUN = 500


def notice_for(lease_seconds: int) -> timedelta:
    """How long before its end a lease of so many seconds is reminded of."""
    lease = timedelta(seconds=lease_seconds)
    return min(max(lease / SHARE, LEAST), lease / 2, MOST)


def remind(session: Session, now: datetime) -> int:
    """Owe a reminder to whoever lets a lease run out; returns how many, at most `REMINDERS_PER_RUN`.

    Rows that another transaction holds are left for the next run: this one never waits for a tap.
    """
    reminded: set[int] = set()
    for row in _candidates(session, now):
        quiet = quiet_until(row.time_zone, row.quiet_from, row.quiet_to, now) is not None
        if quiet or row.worker_id in reminded:
            continue
        reminded.add(row.worker_id)
        session.execute(update(Assignment).where(Assignment.id == row.id).values(reminded_at=now))
        owe(
            session,
            worker_id=row.worker_id,
            workspace_id=row.workspace_id,
            kind="reminder",
            params={"assignment_id": row.id, "minutes": ceil((row.expires_at - now) / timedelta(minutes=1))},
            dedupe_key=f"reminder-{row.id}",
            now=now,
            lane=Lane.REMINDER,
            expires_after=row.expires_at - now,
        )
    return len(reminded)


def _candidates(session: Session, now: datetime) -> list[Any]:
    """Active assignments that end soon, of people who may be written to, the most urgent first."""
    reachable = exists().where(
        Identity.worker_id == Worker.id,
        Identity.workspace_id == Project.workspace_id,  # elsewhere the buttons would not work
        Identity.blocked_at.is_(None),
    )
    earlier = aliased(OutboxMessage)
    lately = exists().where(
        earlier.worker_id == Worker.id, earlier.kind == "reminder", earlier.created_at > now - PAUSE
    )
    statement = (
        select(
            Assignment.id,
            Assignment.worker_id,
            Assignment.expires_at,
            Project.workspace_id,
            Worker.time_zone,
            Worker.quiet_from,
            Worker.quiet_to,
        )
        .join(Project, Project.id == Assignment.project_id)
        .join(Worker, Worker.id == Assignment.worker_id)
        .join(
            Membership,
            (Membership.worker_id == Worker.id) & (Membership.workspace_id == Project.workspace_id),
        )
        .where(Assignment.state == "active", Assignment.reminded_at.is_(None))
        .where(Assignment.expires_at > now, _ends_soon(session, now))
        .where(Membership.status == "active", Membership.consent_version >= CONSENT_VERSION, reachable, ~lately)
        .order_by(Assignment.expires_at, Assignment.id)
        .limit(REMINDERS_PER_RUN)
        .with_for_update(of=Assignment, skip_locked=True)
    )
    return list(session.execute(statement))


def _ends_soon(session: Session, now: datetime) -> ColumnElement[bool]:
    lengths = session.scalars(select(Project.lease_seconds).distinct()).all()
    soon = (
        and_(Project.lease_seconds == length, Assignment.expires_at <= now + notice_for(length)) for length in lengths
    )
    return or_(false(), *soon)


def give_back(session: Session, *, worker_id: int, workspace_id: int, assignment_public_id: str, now: datetime) -> None:
    """End the lease of an assignment at once; the worker is then left in peace until they speak. Twice is as once.

    Raises:
        Refused: the assignment is not this worker's, or of another workspace.
        Conflict: it was answered or skipped before.
    """
    assignment, project = own_assignment(session, worker_id, assignment_public_id)
    if project.workspace_id != workspace_id:
        raise Refused("not_your_assignment")
    if end_lease(session, assignment.id, assignment.item_id, "released", now):
        set_standing(session, worker_id, project.id, "away", now)
        leave_in_peace(session, [worker_id], workspace_id)
        return
    session.refresh(assignment)
    if assignment.state in ("submitted", "skipped"):
        raise Conflict(f"already_{assignment.state}")
