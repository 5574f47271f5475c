"""Which jobs there are for somebody, in the order in which they are asked, and why not where they may not work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.assignment import active_lease, find_item
from core.eligibility import why_not
from core.models import Project
from core.offers import visible_slots

MAX_OPENINGS = 10
MAX_TRIED = 50


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


def by_urgency(session: Session, workspace_id: int, state: str = "open", limit: int = MAX_TRIED) -> list[Project]:
    """Projects of a workspace: the highest priority first, then the nearest deadline, then the oldest."""
    statement = (
        select(Project)
        .where(Project.workspace_id == workspace_id, Project.state == state)
        .order_by(Project.priority.desc(), Project.deadline.asc().nulls_last(), Project.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def openings(
    session: Session, workspace_id: int, worker_id: int, role: str | None, languages: Sequence[str]
) -> list[Opening]:
    """The open and paused jobs of a workspace for one person, at most `MAX_OPENINGS`.

    Looks for work in each of them: not for the path of a tap.
    """
    projects = by_urgency(session, workspace_id, limit=MAX_OPENINGS)
    projects += by_urgency(session, workspace_id, "paused", MAX_OPENINGS - len(projects))
    found = []
    for project in projects:
        reason = why_not(project, role, languages)
        if reason is None and not has_work(session, project, worker_id):
            reason = "why_nothing_left"
        slots = 0 if reason else visible_slots(session, project.id)
        found.append(
            Opening(
                public_id=project.public_id,
                name=project.name,
                price=project.price,
                deadline=project.deadline,
                language=project.language,
                slots=slots,
                reason=reason,
            )
        )
    return found


def has_work(session: Session, project: Project, worker_id: int) -> bool:
    """Whether an item of the project waits for this worker, or is in their hands."""
    held = active_lease(session, worker_id, project.id) is not None
    return held or find_item(session, project, worker_id, lease=False) is not None
