"""A job that has come to its end says so by itself, once, and brings its labels along."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, exists, select, update
from sqlalchemy.orm import Session

from core import learning
from core.exporting import request_result
from core.models import Batch, Item, Membership, Project
from core.recollection import is_owed

COORDINATING = ("coordinator", "owner")


def look_for_end(session: Session, project_id: int, now: datetime) -> bool:
    """Whether a project has come to its end just now: it is open, has items, and none asks for answers any more.

    While answers are still to be taken out, it has not: their items may be asked again in a moment. At the end its
    labels are exported for its creator, but not those of a second look, which tells of its outcome itself. Where items
    ask for answers again, it may come to its end again. Called by background jobs, as often as they like.
    """
    project = session.get_one(Project, project_id)
    ended = has_ended(session, project_id)
    if project.finished_at is not None:
        if not ended:
            session.execute(update(Project).where(Project.id == project_id).values(finished_at=None))
        return False
    if not ended or project.state != "open" or is_owed(session, project):
        return False
    first = update(Project).where(Project.id == project_id, Project.finished_at.is_(None)).values(finished_at=now)
    if cast("CursorResult[Any]", session.execute(first)).rowcount != 1:
        return False
    is_second_look = bool(learning.load(project.learning).second_look_of)
    if not is_second_look and (worker_id := responsible(session, project)) is not None:
        request_result(session, project, worker_id, now)
    return True


def has_ended(session: Session, project_id: int) -> bool:
    """Whether a project has items, and none of them, nor any that still loads or waits, asks for answers."""
    items = (
        exists()
        .where(Item.project_id == project_id, Item.purpose == "label")
        .where(Batch.id == Item.batch_id, Batch.state == "published")
    )
    to_come = exists().where(Batch.project_id == project_id, Batch.state.in_(("loading", "held")))
    found = session.execute(select(items, items.where(Item.state == "open"), to_come)).one()
    return bool(found[0] and not found[1] and not found[2])


def responsible(session: Session, project: Project) -> int | None:
    """Who is told about a job: who made it, while they may coordinate; else whoever has coordinated for longest."""
    coordinators = (
        select(Membership.worker_id)
        .where(Membership.workspace_id == project.workspace_id, Membership.role.in_(COORDINATING))
        .where(Membership.status.not_in(("banned", "suspended")))
        .order_by(Membership.worker_id != project.created_by_id, Membership.id)
    )
    return session.scalars(coordinators.limit(1)).first()
