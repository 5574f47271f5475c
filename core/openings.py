"""Which jobs there are for somebody, in the order in which they are asked, and why not where they may not work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.eligibility import why_not
from core.leases import active_lease
from core.models import Batch, Participation, Project
from core.offers import count_slots
from core.qualification import is_shut_out
from core.search import find_item

PAGE = 10
"""Jobs that are shown at a time."""
MAX_LISTED = 500
MAX_TRIED = 50
RESTRICTED = {"paused": "why_paused_here", "training": "why_training"}
"""Restrictions that keep somebody from the items of a job, and the codes that say so."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A job as a worker sees it. `price` in hundredths of the workspace's currency; `language` of ISO 639-1."""

    public_id: str
    name: str
    price: int
    deadline: datetime | None
    language: str
    slots: int
    """Answers that are wanted now from anybody, counted up to `core.offers.SLOTS_SEEN` items."""
    reason: str | None
    """Why they cannot work in it, as the code of a sentence."""
    more: bool = False
    """Whether more answers are wanted than were counted."""


@dataclass(frozen=True, slots=True)
class OpeningsPage:
    """Some of the jobs of a workspace; pages count from 1."""

    openings: tuple[Opening, ...]
    page: int = 1
    pages: int = 1


def by_urgency(
    session: Session,
    workspace_id: int,
    now: datetime,
    state: str = "open",
    limit: int = MAX_TRIED,
    *,
    newest_first: bool = False,
) -> list[Project]:
    """Projects of a workspace: the highest priority first, then those that fall behind, then the nearest deadline.

    Args:
        newest_first: of those that are alike in all this; else the oldest.
    """
    age = Project.id.desc() if newest_first else Project.id.asc()
    statement = (
        select(Project)
        .where(Project.workspace_id == workspace_id, Project.state == state)
        .order_by(Project.priority.desc(), Project.deadline.asc().nulls_last(), age)
        .limit(limit)
    )
    projects = list(session.scalars(statement))
    due = [project.id for project in projects if project.deadline is not None]
    items = _item_counts(session, due) if len(projects) > 1 else {}
    return sorted(projects, key=lambda one: (-one.priority, not _behind(one, items.get(one.id, 0), now)))


def falls_behind(started: datetime, deadline: datetime, now: datetime, done: int, items: int) -> bool:
    """Whether a job that has come so far since it started misses its deadline at the same pace.

    Without a pace yet it does not: then the nearness of the deadline alone counts.
    """
    if now >= deadline:
        return done < items
    return done > 0 and (now - started) * (items - done) > (deadline - now) * done


def openings(
    session: Session,
    workspace_id: int,
    worker_id: int,
    role: str | None,
    languages: Sequence[str],
    now: datetime,
    page: int = 1,
) -> OpeningsPage:
    """One page of the open and paused jobs of a workspace for one person: what is urgent first, then the newest.

    Looks for work in each that it shows: not for the path of a tap. A page that is not there gives the nearest.
    """
    projects = [
        project
        for state in ("open", "paused")
        for project in by_urgency(session, workspace_id, now, state, MAX_LISTED, newest_first=True)
    ]
    pages = max(1, -(-len(projects) // PAGE))
    page = min(max(1, page), pages)
    shown = projects[(page - 1) * PAGE : page * PAGE]
    restricted = restrictions(session, worker_id, [project.id for project in shown])

    def reason_of(project: Project) -> str | None:
        reason = why_not(project, role, languages)
        if reason is None and is_shut_out(session, project, worker_id):
            reason = "why_quiz"
        if reason is None and not has_work(session, project, worker_id, now):
            reason = restricted.get(project.id, "why_nothing_left")
        return reason

    return OpeningsPage(tuple(_opening(session, one, reason_of(one)) for one in shown), page, pages)


def _opening(session: Session, project: Project, reason: str | None) -> Opening:
    slots, more = (0, False) if reason else count_slots(session, project.id)
    return Opening(
        public_id=project.public_id,
        name=project.name,
        price=project.price,
        deadline=project.deadline,
        language=project.language,
        slots=slots,
        reason=reason,
        more=more,
    )


def has_work(session: Session, project: Project, worker_id: int, now: datetime) -> bool:
    """Whether an item of the project waits for this worker, or is in their hands."""
    if active_lease(session, worker_id, project.id) is not None:
        return True
    paused = restrictions(session, worker_id, [project.id]).get(project.id) == RESTRICTED["paused"]
    return not paused and find_item(session, project, worker_id, now) is not None


def restrictions(session: Session, worker_id: int, project_ids: Sequence[int]) -> dict[int, str]:
    """By project, the code of why this worker does not get its usual items, where rules have led to that."""
    statement = select(Participation.project_id, Participation.restriction).where(
        Participation.worker_id == worker_id,
        Participation.project_id.in_(project_ids),
        Participation.restriction.in_(RESTRICTED),
    )
    return {project_id: RESTRICTED[restriction] for project_id, restriction in session.execute(statement)}


def _item_counts(session: Session, project_ids: Sequence[int]) -> dict[int, int]:
    if not project_ids:
        return {}
    published = Batch.project_id.in_(project_ids), Batch.state == "published"
    counts = select(Batch.project_id, func.sum(Batch.item_count)).where(*published).group_by(Batch.project_id)
    return {project_id: int(count) for project_id, count in session.execute(counts)}


def _behind(project: Project, items: int, now: datetime) -> bool:
    due = project.deadline
    return due is not None and falls_behind(project.created_at, due, now, project.done_count, items)
