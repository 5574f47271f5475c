"""Where guidelines are unclear, and what experts would have them say: collected for coordinators until it is done.

A suggestion is an adjudication of the reason "unclear" with what its expert wrote. Done, it becomes "clarified", and
the item takes its usual place among the disputes again. What workers skipped as unclear or hard is counted beside it,
as long as the guidelines are still those that they had before them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from core import labels
from core.attention import local_day
from core.db.tables import table_of
from core.dispute_order import CLARIFIED
from core.disputes import find_item
from core.enrolment import record_act
from core.errors import Conflict, InvalidInput
from core.finishing import responsible
from core.items import lock_item
from core.lanes import Lane
from core.models import Adjudication, Assignment, Item, Project, Worker
from core.outbox import owe
from core.texts import beginning

UNCLEAR = "unclear"
SKIPS = ("unclear", "hard")
"""Reasons of skips that say something about the guidelines."""
MANY_SKIPS = 2
"""From so many such skips on an item is named."""
PAGE = 4
MAX_NOTE = 500
NOTES = 3
EXCERPT = 120
GATHER = timedelta(hours=1)
"""How long a digest waits for further suggestions."""

ADJUDICATION, ASSIGNMENT = table_of(Adjudication), table_of(Assignment)
ITEM, PROJECT = table_of(Item), table_of(Project)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An item that the guidelines do not cover. notes: in experts' words; skips: of workers, for the same reason."""

    item_public_id: str
    project_public_id: str
    project: str
    text: str
    notes: tuple[str, ...]
    skips: int = 0


@dataclass(frozen=True, slots=True)
class SuggestionPage:
    """Some suggestions, the oldest first, of `total`. skipped: further items that people skip, with how often."""

    suggestions: tuple[Suggestion, ...]
    page: int
    pages: int
    total: int
    skipped: tuple[tuple[str, int], ...] = ()


def keep_suggestion(
    session: Session, workspace_id: int, worker_id: int, item_public_id: str, text: str, now: datetime
) -> Project:
    """What the guidelines should say, from the expert who found them unclear; a second text replaces the first.

    Whoever coordinates the job hears of it in their next digest.

    Raises:
        NotFound: no such item in this workspace.
        InvalidInput: longer than `MAX_NOTE`, or empty.
        Conflict: this expert did not call it unclear, or it is done already.
    """
    text = text.strip()
    if not 0 < len(text) <= MAX_NOTE:
        raise InvalidInput("suggestion_long", length=len(text), limit=MAX_NOTE)
    item, project = find_item(session, workspace_id, item_public_id)
    mine = (
        ADJUDICATION.c.item_id == item.id,
        ADJUDICATION.c.worker_id == worker_id,
        ADJUDICATION.c.reason == UNCLEAR,
    )
    newest = session.scalar(select(func.max(ADJUDICATION.c.id)).where(*mine))
    if newest is None:
        raise Conflict("suggestion_gone")
    session.execute(delete(ADJUDICATION).where(*mine, ADJUDICATION.c.id < newest))
    session.execute(update(ADJUDICATION).where(ADJUDICATION.c.id == newest).values(note=text))
    owe_digest(session, project, now)
    return project


def mark_done(session: Session, workspace_id: int, worker_id: int, item_public_id: str, now: datetime) -> Project:
    """The guidelines say more now, or need not: the item counts as disputed like any other again.

    Raises:
        NotFound: no such item in this workspace.
        Conflict: it is done already.
    """
    item, project = find_item(session, workspace_id, item_public_id)
    lock_item(session, item.id)
    done = session.execute(
        update(ADJUDICATION)
        .where(ADJUDICATION.c.item_id == item.id, ADJUDICATION.c.reason == UNCLEAR)
        .values(reason=CLARIFIED)
    )
    if getattr(done, "rowcount", 0) < 1:
        raise Conflict("suggestion_gone")
    record_act(session, workspace_id, worker_id, "clarify", item.public_id, now)
    return project


def list_suggestions(
    session: Session, workspace_id: int, project_id: int | None = None, page: int = 0
) -> SuggestionPage:
    """One page of what is not done, from 0; a page that is not there gives the nearest."""
    waiting = _within(
        select(ADJUDICATION.c.item_id, func.min(ADJUDICATION.c.id).label("first"))
        .join(PROJECT, PROJECT.c.id == ADJUDICATION.c.project_id)
        .where(ADJUDICATION.c.reason == UNCLEAR)
        .group_by(ADJUDICATION.c.item_id),
        workspace_id,
        project_id,
    )
    total = session.scalar(select(func.count()).select_from(waiting.subquery())) or 0
    pages = max(1, -(-total // PAGE))
    page = min(max(0, page), pages - 1)
    rows = session.execute(waiting.order_by("first").limit(PAGE).offset(page * PAGE)).all()
    suggestions = _described(session, [row.item_id for row in rows])
    skipped = _skipped(session, workspace_id, project_id) if page == pages - 1 else ()
    return SuggestionPage(suggestions, page, pages, total, skipped)


def owe_digest(session: Session, project: Project, now: datetime) -> None:
    """Owe whoever coordinates a job a word about suggestions: at most one a day, outside their quiet hours."""
    worker_id = responsible(session, project)
    if worker_id is None:
        return
    day = local_day(session.get_one(Worker, worker_id).time_zone, now)
    owe(
        session,
        worker_id=worker_id,
        workspace_id=project.workspace_id,
        kind="suggestions",
        params={},
        dedupe_key=f"suggestions-{project.workspace_id}-{worker_id}-{day}",
        now=now,
        lane=Lane.REMINDER,
        not_before=now + GATHER,
    )


def _described(session: Session, item_ids: list[int]) -> tuple[Suggestion, ...]:
    """Items in the order of their ids in the list, with what was said about each."""
    facts = select(ITEM.c.id, ITEM.c.public_id, ITEM.c.content, PROJECT.c.public_id.label("job"), PROJECT.c.name)
    found = facts.join(PROJECT, PROJECT.c.id == ITEM.c.project_id).where(ITEM.c.id.in_(item_ids))
    rows: dict[int, Any] = {row.id: row for row in session.execute(found)}
    said = select(ADJUDICATION.c.item_id, ADJUDICATION.c.note).where(
        ADJUDICATION.c.item_id.in_(item_ids), ADJUDICATION.c.reason == UNCLEAR, ADJUDICATION.c.note != ""
    )
    notes: dict[int, list[str]] = {}
    for row in session.execute(said.order_by(ADJUDICATION.c.id)):
        notes.setdefault(row.item_id, []).append(" ".join(row.note.split()))
    skips = _skips_of(session, item_ids)
    return tuple(_suggestion(rows[item_id], notes.get(item_id, ()), skips.get(item_id, 0)) for item_id in item_ids)


def _suggestion(row: Any, notes: Iterable[str], skips: int) -> Suggestion:
    return Suggestion(row.public_id, row.job, row.name, _excerpt(row.content), tuple(notes)[:NOTES], skips)


def _skips() -> Select[Any]:
    """Skips for a reason of the guidelines, made under those that hold now, by item."""
    return (
        select(ASSIGNMENT.c.item_id, func.count().label("skips"))
        .join(PROJECT, PROJECT.c.id == ASSIGNMENT.c.project_id)
        .where(ASSIGNMENT.c.state == "skipped", ASSIGNMENT.c.skip_reason.in_(SKIPS))
        .where(ASSIGNMENT.c.guidelines_version == PROJECT.c.guidelines_version)
        .group_by(ASSIGNMENT.c.item_id)
    )


def _skips_of(session: Session, item_ids: list[int]) -> dict[int, int]:
    rows = session.execute(_skips().where(ASSIGNMENT.c.item_id.in_(item_ids)))
    return {row.item_id: row.skips for row in rows}


def _skipped(session: Session, workspace_id: int, project_id: int | None) -> tuple[tuple[str, int], ...]:
    """The items that people skip most, of those that no expert has called unclear."""
    named = select(ADJUDICATION.c.item_id).where(ADJUDICATION.c.reason == UNCLEAR)
    skips = _within(_skips(), workspace_id, project_id).where(ASSIGNMENT.c.item_id.not_in(named))
    most = skips.having(func.count() >= MANY_SKIPS).order_by(func.count().desc(), ASSIGNMENT.c.item_id).limit(PAGE)
    counted = session.execute(most).all()
    contents = select(ITEM.c.id, ITEM.c.content).where(ITEM.c.id.in_([row.item_id for row in counted]))
    texts = {row.id: _excerpt(row.content) for row in session.execute(contents)}
    return tuple((texts[row.item_id], row.skips) for row in counted)


def _within(statement: Select[Any], workspace_id: int, project_id: int | None) -> Select[Any]:
    inside = statement.where(PROJECT.c.workspace_id == workspace_id)
    return inside if project_id is None else inside.where(PROJECT.c.id == project_id)


def _excerpt(content: list[dict[str, Any]]) -> str:
    return beginning(labels.item_text(content), EXCERPT)
