"""Offers of a shortfall to idle workers: at most one unanswered offer per person, silence where there is nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from core.assignment import find_item, leave_in_peace, set_standing
from core.clock import bucket
from core.db.tables import table_of
from core.due import offer_effect
from core.effects import EnqueueJob, add_effect
from core.lanes import Lane
from core.models import Assignment, Batch, Identity, Item, Membership, Participation, Project
from core.outbox import owe
from core.projects import list_projects
from core.queue import ASSIGNMENTS, OFFER

UNANSWERED_AFTER = timedelta(minutes=5)
"""An offer that nobody took by then counts as declined: the worker is left in peace until they speak."""
OFFERS_PER_RUN = 50
SLOTS_SEEN = 200
DECLINED_PER_RUN = 1000

ITEM = table_of(Item)


def offer_work(session: Session, project_id: int, now: datetime, after_worker_id: int = 0) -> int:
    """Offer what is open to idle workers who could take it; returns how many were asked.

    Where idle workers remain behind outstanding offers, the next run is scheduled for when those count as declined.
    Looks at `OFFERS_PER_RUN` people; where that was not enough, a further job goes on after the last of them.
    """
    project = session.get(Project, project_id)
    if project is None or project.state != "open":
        return 0
    _decline_unanswered(session, now)
    open_slots = visible_slots(session, project_id) - _outstanding(session, project_id)
    idle = idle_workers(session, project, OFFERS_PER_RUN, after_worker_id) if _has_slots(session, project_id) else []
    asked, waiting = 0, 0
    for worker_id in idle:
        if find_item(session, project, worker_id, lease=False) is None:
            set_standing(session, worker_id, project_id, "idle", now)
        elif asked >= open_slots:
            waiting += 1
        elif _offer(session, project, worker_id, now):
            asked += 1
    if waiting or _outstanding(session, project_id):
        add_effect(session, offer_effect(project_id, now + UNANSWERED_AFTER))
    if len(idle) == OFFERS_PER_RUN and not waiting:
        add_effect(session, _go_on(project_id, idle[-1], now))
    return asked


def offered_on_joining(session: Session, workspace_id: int, worker_id: int, now: datetime) -> None:
    """A welcome with its Start button is an offer: nothing more is sent until the person speaks."""
    for project in list_projects(session, workspace_id, only_open=True):
        if session.get(Participation, (worker_id, project.id)) is None:
            _mark_offered(session, project.id, worker_id, now)


def visible_slots(session: Session, project_id: int) -> int:
    """Open slots of published items, counted up to `SLOTS_SEEN` items."""
    batch = table_of(Batch)
    seen = (
        select(ITEM.c.slots)
        .join(batch, batch.c.id == ITEM.c.batch_id)
        .where(ITEM.c.project_id == project_id, ITEM.c.slots > 0, batch.c.state == "published")
        .limit(SLOTS_SEEN)
    ).subquery()
    return session.scalar(select(func.coalesce(func.sum(seen.c.slots), 0))) or 0


def idle_workers(session: Session, project: Project, limit: int, after_worker_id: int = 0) -> list[int]:
    """Active, reachable members who are free, by id: without an assignment and without an unanswered offer."""
    reachable = exists().where(
        Identity.worker_id == Membership.worker_id,
        Identity.workspace_id == project.workspace_id,
        Identity.blocked_at.is_(None),
    )
    busy = exists().where(Assignment.worker_id == Membership.worker_id, Assignment.state == "active")
    anywhere = aliased(Participation)
    offered = exists().where(anywhere.worker_id == Membership.worker_id, anywhere.state == "offered")
    here = and_(Participation.worker_id == Membership.worker_id, Participation.project_id == project.id)
    statement = (
        select(Membership.worker_id)
        .outerjoin(Participation, here)
        .where(
            Membership.workspace_id == project.workspace_id,
            Membership.worker_id > after_worker_id,
            Membership.status == "active",
            Membership.role.in_(("worker", "expert")),
            or_(Participation.state.is_(None), Participation.state == "idle"),
            reachable,
            ~busy,
            ~offered,
        )
        .order_by(Membership.worker_id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def _offer(session: Session, project: Project, worker_id: int, now: datetime) -> bool:
    _mark_offered(session, project.id, worker_id, now)
    return owe(
        session,
        worker_id=worker_id,
        workspace_id=project.workspace_id,
        kind="offer",
        params={"project_id": project.id},
        dedupe_key=f"offer-{project.id}-{worker_id}-{bucket(now)}",
        now=now,
        lane=Lane.OFFER,
        expires_after=UNANSWERED_AFTER,
    )


def _mark_offered(session: Session, project_id: int, worker_id: int, now: datetime) -> None:
    set_standing(session, worker_id, project_id, "offered", now)
    session.execute(
        update(Participation)
        .where(Participation.worker_id == worker_id, Participation.project_id == project_id)
        .values(offered_at=now)
    )


def _decline_unanswered(session: Session, now: datetime) -> None:
    declined = select(Participation.worker_id).where(
        Participation.state == "offered", Participation.offered_at <= now - UNANSWERED_AFTER
    )
    leave_in_peace(session, sorted(set(session.scalars(declined.limit(DECLINED_PER_RUN)))))


def _outstanding(session: Session, project_id: int) -> int:
    statement = select(func.count()).select_from(Participation)
    offered = statement.where(Participation.project_id == project_id, Participation.state == "offered")
    return session.scalar(offered) or 0


def _has_slots(session: Session, project_id: int) -> bool:
    return visible_slots(session, project_id) > 0


def _go_on(project_id: int, last_worker_id: int, now: datetime) -> EnqueueJob:
    job_id = f"offer-{project_id}-{bucket(now)}-after-{last_worker_id}"
    return EnqueueJob(ASSIGNMENTS, OFFER, (project_id, last_worker_id), job_id)
