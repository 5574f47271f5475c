"""Labeling jobs: made, found within a workspace, paused and closed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import labels
from core.due import offer_effect
from core.effects import add_effect
from core.enrolment import record_act
from core.errors import InvalidInput, NotFound
from core.ids import is_public_id
from core.models import Project

DEFAULT_MIN_OVERLAP, DEFAULT_MAX_OVERLAP = 3, 8
OVERLAP_LIMIT = 100
MAX_QUESTION = 1000


def check_overlap(minimum: int, maximum: int) -> None:
    """Check a range of answers per item.

    Raises:
        InvalidInput: no job can have it.
    """
    if not 1 <= minimum <= maximum <= OVERLAP_LIMIT:
        raise InvalidInput("bad_overlap", minimum=minimum, maximum=maximum, limit=OVERLAP_LIMIT)


def create_project(
    session: Session,
    *,
    workspace_id: int,
    worker_id: int,
    question: str,
    schema: labels.LabelSchema,
    now: datetime,
    min_overlap: int = DEFAULT_MIN_OVERLAP,
    max_overlap: int = DEFAULT_MAX_OVERLAP,
    name: str = "",
    **options: Any,
) -> Project:
    """Make a labeling job; it has no items yet.

    Args:
        options: other columns of the project, for example `retrain_threshold`.

    Raises:
        InvalidInput: no question, or an overlap that cannot be.
    """
    question = question.strip()
    if not question:
        raise InvalidInput("empty_question")
    if len(question) > MAX_QUESTION:
        raise InvalidInput("question_too_long", length=len(question), limit=MAX_QUESTION)
    check_overlap(min_overlap, max_overlap)
    project = Project(
        workspace_id=workspace_id,
        name=(name.strip() or question)[:60],
        question=question,
        label_schema=labels.dump(schema),
        min_overlap=min_overlap,
        max_overlap=max_overlap,
        cron_checked_at=now,
        created_by_id=worker_id,
        created_at=now,
        **options,
    )
    session.add(project)
    session.flush()
    record_act(session, workspace_id, worker_id, "post", project.public_id, now)
    return project


def find_project(session: Session, workspace_id: int, public_id: str) -> Project:
    """A project of this workspace.

    Raises:
        NotFound: there is none; another workspace's project is not told apart from none.
    """
    project = None
    if is_public_id(public_id):
        statement = select(Project).where(Project.workspace_id == workspace_id, Project.public_id == public_id)
        project = session.scalars(statement).one_or_none()
    if project is None:
        raise NotFound("project_unknown", project=public_id[:40])
    return project


def list_projects(session: Session, workspace_id: int, *, only_open: bool = False, limit: int = 20) -> list[Project]:
    """Projects of a workspace, the oldest first where only open ones are wanted, else the newest first."""
    statement = select(Project).where(Project.workspace_id == workspace_id)
    if only_open:
        statement = statement.where(Project.state == "open").order_by(Project.id)
    else:
        statement = statement.order_by(Project.id.desc())
    return list(session.scalars(statement.limit(limit)))


def set_state(session: Session, project: Project, state: str, worker_id: int, now: datetime) -> None:
    """Pause, resume or close a project. Leases in hand may still be answered."""
    if project.state == state:
        return
    project.state = state
    record_act(session, project.workspace_id, worker_id, state, project.public_id, now)
    if state == "open":
        add_effect(session, offer_effect(project.id, now))
