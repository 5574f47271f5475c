"""Offers of a shortfall to idle workers: at most one unanswered offer per person, silence where there is nothing.

Whoever has quiet hours is asked after them, by a job that waits for their end.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, update
from sqlalchemy.orm import Session

from core.aggregation.assignment_score import Prospect, score
from core.aggregation.value import expected_information, fresh_information
from core.assignment import leave_in_peace, set_standing
from core.attention import QUIET_HOURS, QuietHours, awake, quiet_now
from core.clock import bucket
from core.db.tables import table_of
from core.due import offer_effect
from core.effects import EnqueueJob, add_effect
from core.eligibility import eligible, why_not
from core.enrolment import CONSENT_VERSION
from core.lanes import Lane
from core.models import Assignment, Batch, Identity, Item, Membership, Participation, Project, Worker
from core.outbox import owe
from core.projects import list_projects
from core.qualification import asks_qualification
from core.queue import ASSIGNMENTS, OFFER
from core.search import find_item
from core.skills import crowd_model, load_many

UNANSWERED_AFTER = timedelta(minutes=5)
"""An offer that nobody took by then counts as declined: the worker is left in peace until they speak."""
OFFERS_PER_RUN = 50
SLOTS_SEEN = 200
DECLINED_PER_RUN = 1000

ITEM = table_of(Item)


def offer_work(session: Session, project_id: int, now: datetime, after_worker_id: int = 0) -> int:
    """Offer what is open to idle workers who could take it; returns how many were asked.

    Where idle workers remain behind outstanding offers, the next run is scheduled for when those count as declined;
    where some have quiet hours, for when the first of these are over. Looks at `OFFERS_PER_RUN` people; where that was
    not enough, a further job goes on after the last of them.
    """
    project = session.get(Project, project_id)
    if project is None or project.state != "open":
        return 0
    _decline_unanswered(session, now)
    open_slots = visible_slots(session, project_id) - _outstanding(session, project_id)
    idle = _awake_and_idle(session, project, now, after_worker_id) if _has_slots(session, project_id) else []
    asked, waiting = 0, 0
    for worker_id in _best_first(session, project, idle):
        if find_item(session, project, worker_id, now) is None:
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


def _awake_and_idle(session: Session, project: Project, now: datetime, after_worker_id: int) -> list[int]:
    quiet = _quiet(session, project, now)
    if quiet:
        add_effect(session, offer_effect(project.id, min(quiet.values())))
    return idle_workers(session, project, OFFERS_PER_RUN, after_worker_id, quiet)


def next_offer(session: Session, project: Project, now: datetime) -> datetime | None:
    """When the next run of `offer_work` has something to do: now, or as soon as the first quiet hours are over.

    Nothing where no slot is open, or nobody is there whom to ask or wait for.
    """
    if project.state != "open" or not _has_slots(session, project.id):
        return None
    quiet = _quiet(session, project, now)
    if idle_workers(session, project, 1, quiet=quiet) or _outstanding(session, project.id):
        return now
    return min(quiet.values(), default=None)


def ask_again(session: Session, workspace_id: int, now: datetime) -> None:
    """Look for somebody to ask in every open project: a person may be asked now who could not be before."""
    for project in list_projects(session, workspace_id, only_open=True, limit=None):
        add_effect(session, offer_effect(project.id, now))


def offered_on_joining(session: Session, workspace_id: int, worker_id: int, now: datetime) -> None:
    """A welcome with its Start button is an offer: nothing more is sent until the person speaks."""
    for project in list_projects(session, workspace_id, only_open=True):
        if session.get(Participation, (worker_id, project.id)) is None:
            _mark_offered(session, project.id, worker_id, now)


def offered_with_guidelines(session: Session, project: Project, worker_id: int, now: datetime) -> None:
    """The guidelines of a job are shown with a button that leads to its first item: an offer, and they are seen."""
    _mark_offered(session, project.id, worker_id, now)
    mine = Participation.worker_id == worker_id, Participation.project_id == project.id
    session.execute(update(Participation).where(*mine).values(guidelines_seen=project.guidelines_version))


def visible_slots(session: Session, project_id: int) -> int:
    """Open slots of published items, counted up to `SLOTS_SEEN` items."""
    return count_slots(session, project_id)[0]


def count_slots(session: Session, project_id: int) -> tuple[int, bool]:
    """As `visible_slots`, and whether there may be more than were counted."""
    batch = table_of(Batch)
    seen = (
        select(ITEM.c.slots)
        .join(batch, batch.c.id == ITEM.c.batch_id)
        .where(ITEM.c.project_id == project_id, ITEM.c.slots > 0, batch.c.state == "published")
        .limit(SLOTS_SEEN)
    ).subquery()
    slots, items = session.execute(select(func.coalesce(func.sum(seen.c.slots), 0), func.count(seen.c.slots))).one()
    return int(slots), items == SLOTS_SEEN


def projects_with_work(session: Session, workspace_id: int, worker_id: int) -> list[Project]:
    """Open projects that want answers and in which this person may work, at most 20; not for the path of a tap."""
    who = select(Membership.role, Worker.languages).join(Worker, Worker.id == Membership.worker_id)
    mine = Membership.workspace_id == workspace_id, Membership.worker_id == worker_id
    person = session.execute(who.where(*mine)).one_or_none()
    if person is None:
        return []
    open_projects = list_projects(session, workspace_id, only_open=True)
    mine_too = (project for project in open_projects if why_not(project, person.role, person.languages) is None)
    return [project for project in mine_too if _has_slots(session, project.id)]


def idle_workers(
    session: Session,
    project: Project,
    limit: int,
    after_worker_id: int = 0,
    quiet: dict[QuietHours, datetime] | None = None,
) -> list[int]:
    """Active, reachable members who may work here and are free, by id: without an assignment or an unanswered offer.

    Args:
        quiet: quiet hours that run now; who keeps them is left out.
    """
    statement = select(Membership.worker_id).join(Worker, Worker.id == Membership.worker_id).where(*_idle(project))
    statement = statement.where(Membership.worker_id > after_worker_id, awake(quiet or {}))
    return list(session.scalars(statement.order_by(Membership.worker_id).limit(limit)))


def _best_first(session: Session, project: Project, worker_ids: list[int]) -> list[int]:
    """Whom to ask before others: who tells most, reads the language, and has not had all the work so far."""
    if len(worker_ids) < 2:
        return worker_ids
    crowd = crowd_model(project)
    counts = load_many(session, worker_ids, project.id, crowd.classes)
    people = select(Worker.id, Worker.languages, func.coalesce(Participation.annotation_count, 0).label("answers"))
    here = (Participation.worker_id == Worker.id) & (Participation.project_id == project.id)
    rows = session.execute(people.outerjoin(Participation, here).where(Worker.id.in_(worker_ids))).all()
    most = max(row.answers for row in rows) or 1
    fresh = fresh_information(crowd.prior, crowd.pooled)

    def worth(row: Any) -> float:
        tells = expected_information(crowd.prior, counts[row.id], crowd.pooled)
        reads = bool(project.language) and project.language in row.languages
        return score(Prospect(tells, 0.0, fresh, reads=reads, load=row.answers / most))

    return [row.id for row in sorted(rows, key=lambda row: (-worth(row), row.id))]


def _quiet(session: Session, project: Project, now: datetime) -> dict[QuietHours, datetime]:
    """The quiet hours that run now among idle workers."""
    people = select(*QUIET_HOURS).join(Membership, Membership.worker_id == Worker.id).where(*_idle(project))
    return quiet_now(session, people, now)


def _idle(project: Project) -> list[ColumnElement[bool]]:
    """That a worker is idle, as conditions on `Membership` and `Worker`."""
    reachable = exists().where(
        Identity.worker_id == Membership.worker_id,
        Identity.workspace_id == project.workspace_id,
        Identity.blocked_at.is_(None),
    )
    holds = exists().where(Assignment.worker_id == Membership.worker_id, Assignment.state == "active")
    mine = exists().where(Participation.worker_id == Membership.worker_id)
    offered = mine.where(Participation.state == "offered")
    failed = Participation.qualification == "failed" if asks_qualification(project) else false()
    engaged = mine.where(Participation.project_id == project.id, or_(Participation.state != "idle", failed))
    # Whoever was left in peace is so in all jobs, also in those that came since: their last offer still stands there.
    here = mine.where(
        Participation.project_id.in_(select(Project.id).where(Project.workspace_id == project.workspace_id))
    )
    silent = and_(here.where(Participation.state == "away"), ~here.where(Participation.state.in_(("idle", "working"))))
    return [
        Membership.workspace_id == project.workspace_id,
        Membership.status == "active",
        Membership.consent_version >= CONSENT_VERSION,
        Membership.role.in_(("worker", "expert")),
        reachable,
        ~holds,
        ~offered,
        ~engaged,
        ~silent,
        ~mine.where(Participation.project_id == project.id, Participation.restriction == "paused"),
        *eligible(project),
    ]


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
