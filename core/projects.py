"""Labeling jobs: what their settings may be; made, found within a workspace, paused and closed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from core import labels
from core.due import offer_effect
from core.effects import add_effect
from core.enrolment import record_act
from core.errors import Conflict, InvalidInput, NotFound
from core.ids import is_public_id
from core.models import Batch, Item, Project

DEFAULT_MIN_OVERLAP, DEFAULT_MAX_OVERLAP = 3, 8
OVERLAP_LIMIT = 100
MAX_QUESTION = 1000
MAX_NAME = 60
NAMED_ALIKE = 6
"""So many jobs of one name are found."""
MAX_GUIDELINES = 8000
MAX_PRICE = 100_000
"""In hundredths of the workspace's currency."""
MIN_LEASE_SECONDS, MAX_LEASE_SECONDS = 1, 7 * 24 * 3600
MAX_PRIORITY = 100
AUDIENCES = ("everyone", "experts")
FROM_STATES = {"paused": ("open",), "closed": ("open", "paused"), "open": ("paused", "closed")}
"""From which states a job may be put into another."""
FAILED = exists().where(Batch.project_id == Project.id, Batch.state == "failed")
POSTED = exists().where(Batch.project_id == Project.id, Batch.state != "failed")
WITHDRAWN = and_(Project.state == "closed", FAILED, ~POSTED)
"""Of a project: closed, because nothing of what was posted could be loaded. No list shows it."""
SECOND_LOOK = Project.learning["second_look_of"].as_integer().is_not(None)
"""Of a project: it asks doubtful labels of another one again, so nothing is added to it or learned from it."""
_LANGUAGE = re.compile(r"|[a-z]{2}")


def check_overlap(minimum: int, maximum: int) -> None:
    """Check a range of answers per item.

    Raises:
        InvalidInput: no job can have it.
    """
    if not 1 <= minimum <= maximum <= OVERLAP_LIMIT:
        raise InvalidInput("bad_overlap", minimum=minimum, maximum=maximum, limit=OVERLAP_LIMIT)


def check_question(question: str) -> str:
    """A question as it is stored.

    Raises:
        InvalidInput: empty_question or question_too_long.
    """
    question = question.strip()
    if not question:
        raise InvalidInput("empty_question")
    if len(question) > MAX_QUESTION:
        raise InvalidInput("question_too_long", length=len(question), limit=MAX_QUESTION)
    return question


def check_settings(settings: Mapping[str, Any], now: datetime) -> None:
    """Check columns of a project that its coordinator sets.

    Args:
        settings: any of name, price, lease_seconds, deadline, priority, audience, language, guidelines; others are not
            looked at.

    Raises:
        InvalidInput: bad_name, bad_price, bad_lease, deadline_past, bad_priority, bad_audience, bad_language or
            guidelines_too_long.
    """
    if not 0 < len(str(settings.get("name", "-")).strip()) <= MAX_NAME:
        raise InvalidInput("bad_name", limit=MAX_NAME)
    if not 0 <= settings.get("price", 0) <= MAX_PRICE:
        raise InvalidInput("bad_price", limit=MAX_PRICE // 100)
    if not MIN_LEASE_SECONDS <= settings.get("lease_seconds", MIN_LEASE_SECONDS) <= MAX_LEASE_SECONDS:
        raise InvalidInput("bad_lease", least=MIN_LEASE_SECONDS, days=MAX_LEASE_SECONDS // 86400)
    if (deadline := settings.get("deadline")) is not None and deadline <= now:
        raise InvalidInput("deadline_past")
    if abs(settings.get("priority", 0)) > MAX_PRIORITY:
        raise InvalidInput("bad_priority", limit=MAX_PRIORITY)
    if settings.get("audience", AUDIENCES[0]) not in AUDIENCES:
        raise InvalidInput("bad_audience")
    if _LANGUAGE.fullmatch(settings.get("language", "")) is None:
        raise InvalidInput("bad_language", language=str(settings["language"])[:40])
    if (length := len(settings.get("guidelines", ""))) > MAX_GUIDELINES:
        raise InvalidInput("guidelines_too_long", length=length, limit=MAX_GUIDELINES)


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
        name: as people read it in lists; else the beginning of the question.
        options: other columns of the project, for example `price`.

    Raises:
        InvalidInput: no question, an overlap that cannot be, or as `check_settings`.
    """
    check_settings(options, now)
    check_overlap(min_overlap, max_overlap)
    project = Project(
        workspace_id=workspace_id,
        name=" ".join((name.strip() or question).split())[:MAX_NAME].rstrip(),
        question=check_question(question),
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


def named_projects(session: Session, workspace_id: int, wanted: str) -> list[Project]:
    """The projects of a workspace that a person means by an id or a name, whatever its case; the newest first.

    Raises:
        NotFound: there is none.
    """
    found, rest = leading_projects(session, workspace_id, wanted)
    return found if found and not rest else [find_project(session, workspace_id, " ".join(wanted.split()))]


def leading_projects(session: Session, workspace_id: int, text: str) -> tuple[list[Project], str]:
    """The projects with whose id or name a text begins, whatever its case, and what the text says after it.

    Of several names the longest is meant; where several projects have it, the newest comes first. Where there is none,
    the whole text is what is said.
    """
    said = text.casefold().split()
    columns = select(Project.id, Project.public_id, Project.name).where(Project.workspace_id == workspace_id)
    leads = [  # compared here and not by the database: SQLite knows the case of ASCII letters alone
        (len(words), by_id, project_id)
        for project_id, public_id, name in session.execute(columns.where(~WITHDRAWN))
        for words, by_id in ((name.casefold().split(), False), ([public_id], True))
        if words and words == said[: len(words)]
    ]
    if not leads:
        return [], text.strip()
    length, by_id, _ = max(leads)
    alike = sorted((one[2] for one in leads if one[:2] == (length, by_id)), reverse=True)[:NAMED_ALIKE]
    found = session.scalars(select(Project).where(Project.id.in_(alike)).order_by(Project.id.desc()))
    return list(found), "".join(text.split(maxsplit=length)[length:])


def list_projects(
    session: Session, workspace_id: int, *, only_open: bool = False, limit: int | None = 20
) -> list[Project]:
    """Projects of a workspace without those withdrawn: open ones from the oldest on, all from the newest on.

    Args:
        limit: None: all there are.
    """
    statement = select(Project).where(Project.workspace_id == workspace_id, ~WITHDRAWN)
    if only_open:
        statement = statement.where(Project.state == "open").order_by(Project.id)
    else:
        statement = statement.order_by(Project.id.desc())
    return list(session.scalars(statement.limit(limit)))


def pickable_projects(session: Session, workspace_id: int, offset: int, limit: int) -> list[Project]:
    """What a command that names no project can mean: an open one, or any where none is open; the newest first.

    Second looks are none of them.
    """
    mine = Project.workspace_id == workspace_id, ~SECOND_LOOK
    statement = select(Project).where(*mine, ~WITHDRAWN).order_by(Project.id.desc())
    if session.scalar(select(exists().where(*mine, Project.state == "open"))):
        statement = statement.where(Project.state == "open")
    return list(session.scalars(statement.offset(offset).limit(limit)))


def growing_projects(session: Session, workspace_id: int, limit: int) -> list[Project]:
    """Open projects to which items may be added, the oldest first: all but second looks."""
    mine = Project.workspace_id == workspace_id, Project.state == "open", ~SECOND_LOOK, ~WITHDRAWN
    return list(session.scalars(select(Project).where(*mine).order_by(Project.id).limit(limit)))


def count_open_items(session: Session, project_id: int) -> int:
    """Items that still ask for answers."""
    statement = (
        select(func.count())
        .select_from(Item)
        .where(Item.project_id == project_id, Item.state == "open", Item.purpose == "label")
    )
    return session.scalar(statement) or 0


def withdraw(session: Session, project: Project, worker_id: int, now: datetime) -> bool:
    """Close a project of which no batch could be loaded; false where there is another, or it is closed."""
    statement = select(Project.id).where(Project.id == project.id, Project.state != "closed", FAILED, ~POSTED)
    if session.scalar(statement) is None:
        return False
    set_state(session, project, "closed", worker_id, now)
    return True


def is_withdrawn(session: Session, project: Project) -> bool:
    """Whether a project is closed because nothing of what was posted could be loaded."""
    return session.scalar(select(Project.id).where(Project.id == project.id, WITHDRAWN)) is not None


def set_state(session: Session, project: Project, state: str, worker_id: int, now: datetime) -> None:
    """Pause, resume or close a project. Leases in hand may still be answered; nothing new is handed out.

    Raises:
        Conflict: it is closed, so it cannot be paused.
    """
    if project.state == state:
        return
    if project.state not in FROM_STATES[state]:
        raise Conflict("job_is_closed", project=project.name)
    project.state = state
    record_act(session, project.workspace_id, worker_id, state, project.public_id, now)
    if state == "open":
        add_effect(session, offer_effect(project.id, now))
