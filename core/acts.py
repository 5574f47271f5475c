"""The log of privileged acts as its readers know them: who, what, when, with names in place of ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from core.ids import is_public_id
from core.labels import item_text
from core.models import Item, LogEntry, Membership, Project, Worker
from core.texts import beginning

PAGE = 10
ITEM_CHARACTERS = 40


@dataclass(frozen=True, slots=True)
class Act:
    """One privileged act."""

    who: str | None
    """Nothing where nobody did it by hand; empty where they have erased their account since."""
    act: str
    subject: tuple[tuple[str, bool], ...]
    """What it was done to, word by word: the name of something in place of its id, marked with true, or a word."""
    at: datetime


@dataclass(frozen=True, slots=True)
class ActsPage:
    """Some acts, the newest first. `older` continues after them; nothing where they are the oldest."""

    acts: tuple[Act, ...]
    older: int | None


def list_acts(session: Session, workspace_id: int, before: int | None = None) -> ActsPage:
    """The acts of a workspace that came before the entry `before`, or the newest ones."""
    kept = aliased(Worker)
    statement = (
        select(LogEntry, Worker.name, kept.name)
        .outerjoin(Worker, Worker.id == LogEntry.worker_id)
        .outerjoin(kept, kept.id == Worker.merged_into_id)
        .where(LogEntry.workspace_id == workspace_id)
        .order_by(LogEntry.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        statement = statement.where(LogEntry.id < before)
    rows = session.execute(statement).all()
    shown = rows[:PAGE]
    names = _names(session, workspace_id, (entry.subject for entry, _, _ in shown))
    acts = tuple(
        Act(None if name is None else linked or name, entry.act, _in_words(entry.subject, names), entry.created_at)
        for entry, name, linked in shown
    )
    return ActsPage(acts, shown[-1][0].id if len(rows) > PAGE else None)


def _names(session: Session, workspace_id: int, subjects: Iterable[str]) -> dict[str, str]:
    """What the public ids in some subjects stand for, within the workspace."""
    ids = {word for subject in subjects for word in subject.split() if is_public_id(word)}
    if not ids:
        return {}
    projects = select(Project.public_id, Project.name).where(Project.workspace_id == workspace_id)
    items = (
        select(Item.public_id, Item.content)
        .join(Project, Project.id == Item.project_id)
        .where(Project.workspace_id == workspace_id, Item.public_id.in_(ids))
    )
    named = {public_id: beginning(item_text(content), ITEM_CHARACTERS) for public_id, content in session.execute(items)}
    named |= {public_id: name for public_id, name in session.execute(projects.where(Project.public_id.in_(ids)))}
    return {public_id: f"“{name}”" for public_id, name in named.items()} | _people(session, workspace_id, ids)


def _people(session: Session, workspace_id: int, ids: Iterable[str]) -> dict[str, str]:
    """Names of members, also where the account of that id was linked to another one since."""
    kept = aliased(Worker)
    statement = (
        select(Worker.public_id, Worker.name, kept.name)
        .outerjoin(kept, kept.id == Worker.merged_into_id)
        .join(Membership, Membership.worker_id.in_((Worker.id, Worker.merged_into_id)))
        .where(Worker.public_id.in_(ids), Membership.workspace_id == workspace_id)
    )
    return {public_id: linked or name for public_id, name, linked in session.execute(statement)}


def _in_words(subject: str, names: dict[str, str]) -> tuple[tuple[str, bool], ...]:
    """Ids of what has no name are left out."""
    words = ((names.get(word, word), word in names) for word in subject.split())
    return tuple((word, named) for word, named in words if named or not is_public_id(word))
