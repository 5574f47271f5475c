"""What a worker is told about their own work. No query looks at the work of others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import Session

from core.answers import STANDING
from core.attention import local_day, zone_of
from core.consensus import DECIDED
from core.costs import PAID
from core.models import Annotation, Gold, Item, Participation, Project, Worker, Workspace

AGREEMENT_ANSWERS = 1000
"""Agreement looks at so many of the last answers."""
AGREEMENT_FROM = 20
"""Decided items that it takes to tell an agreement; below that, single answers could be read off it."""
AGREEMENT_STEP = 0.05
CROWD = 3
"""Answers that make a crowd: of an item with fewer, agreement with oneself would be counted."""
STREAK_ANSWERS = 5000
"""A streak is told as far as so many of the last answers reach back."""


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """What a worker has done in a workspace."""

    annotations: int
    skips: int
    projects: int
    today: int
    """Answers on their present day, in all their jobs."""
    goal: int
    """That they have set themselves for a day; 0: none."""
    streak: int
    """Days in a row with an answer, up to today or yesterday."""
    agreement: float | None
    """Share of their answers that the crowd came to agree with, in steps of `AGREEMENT_STEP`; None: too few."""
    earned: int | None
    """Hundredths of `currency` for all answers that stand; None where no job of theirs pays."""
    currency: str
    by_project: tuple[tuple[str, int], ...] = ()
    """(name of a job, answers in it)."""
    rejected: int = 0
    """Answers that were taken out after a check; they are among those of their day, and of no other count."""


def worker_stats(session: Session, worker: Worker, workspace_id: int, now: datetime) -> WorkerStats:
    """What a worker did in the projects of one workspace, and on their present day in all."""
    rows = session.execute(
        select(Project.name, Project.price, Participation.annotation_count, Participation.skip_count)
        .join(Project, Project.id == Participation.project_id)
        .where(Participation.worker_id == worker.id, Project.workspace_id == workspace_id)
        .order_by(Project.id)
    ).all()
    today = session.scalar(
        select(func.sum(Participation.today_count)).where(
            Participation.worker_id == worker.id, Participation.today == local_day(worker.time_zone, now)
        )
    )
    answered = tuple((row.name, row.annotation_count) for row in rows if row.annotation_count)
    earned = _earned(session, worker.id, workspace_id)
    pays = bool(earned) or any(row.price for row in rows)
    return WorkerStats(
        annotations=sum(row.annotation_count for row in rows),
        skips=sum(row.skip_count for row in rows),
        projects=len(answered),
        today=today or 0,
        goal=worker.daily_goal,
        streak=_streak(session, worker, workspace_id, now),
        agreement=_agreement(session, worker.id, workspace_id),
        earned=earned if pays else None,
        currency=session.get_one(Workspace, workspace_id).currency,
        by_project=answered,
        rejected=_rejected(session, worker.id, workspace_id),
    )


def _rejected(session: Session, worker_id: int, workspace_id: int) -> int:
    statement = (
        select(func.count())
        .select_from(Annotation)
        .join(Project, Project.id == Annotation.project_id)
        .where(Annotation.worker_id == worker_id, Annotation.state == "rejected", Project.workspace_id == workspace_id)
    )
    return session.scalar(statement) or 0


def _earned(session: Session, worker_id: int, workspace_id: int) -> int:
    """Hundredths for all answers that stand, each at the price it was given at."""
    price = func.coalesce(Annotation.price, Project.price)
    statement = (
        select(func.coalesce(func.sum(price), 0))
        .join(Project, Project.id == Annotation.project_id)
        .where(Annotation.worker_id == worker_id, Annotation.state.in_(PAID), Project.workspace_id == workspace_id)
    )
    return int(session.scalar(statement) or 0)


def _agreement(session: Session, worker_id: int, workspace_id: int) -> float | None:
    """Gold items are left out, and the share is rounded: it must not tell which answer was right."""
    last = (
        select(Annotation.label_id, Item.label_id.label("decided"))
        .join(Item, Item.id == Annotation.item_id)
        .join(Project, Project.id == Annotation.project_id)
        .where(
            Annotation.worker_id == worker_id,
            Annotation.state == "counted",
            Project.workspace_id == workspace_id,
            Item.purpose == "label",
            Item.state.in_(DECIDED),
            Item.submitted >= CROWD,
            ~exists().where(Gold.item_id == Item.id),
        )
        .order_by(Annotation.id.desc())
        .limit(AGREEMENT_ANSWERS)
    ).subquery()
    same = func.sum(case((last.c.label_id == last.c.decided, 1), else_=0))
    count, agreed = session.execute(select(func.count(), same).select_from(last)).one()
    if count < AGREEMENT_FROM:
        return None
    return float(round(round(agreed / count / AGREEMENT_STEP) * AGREEMENT_STEP, 2))


def _streak(session: Session, worker: Worker, workspace_id: int, now: datetime) -> int:
    zone = zone_of(worker.time_zone)
    last = session.scalars(
        select(Annotation.created_at)
        .join(Project, Project.id == Annotation.project_id)
        .where(
            Annotation.worker_id == worker.id,
            Annotation.state.in_(STANDING),
            Project.workspace_id == workspace_id,
        )
        .order_by(Annotation.id.desc())
        .limit(STREAK_ANSWERS)
    )
    days = {moment.astimezone(zone).date() for moment in last}
    day = now.astimezone(zone).date()
    if day not in days:  # a day that has only begun breaks nothing
        day -= timedelta(days=1)
    length = 0
    while day in days:
        day, length = day - timedelta(days=1), length + 1
    return length
