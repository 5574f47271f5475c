"""Known items among the others: when one is due for a worker, and which. Nothing about it may look different.

The gap to the next one is geometric, so that each card is as likely to be one as any other, whatever came before: who
watches the order learns nothing. The mean grows from `gold_every` to `gold_rarest` as the worker becomes known.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import log
from random import SystemRandom
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    exists,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from core.aggregation.interval import wilson_interval
from core.db.prepared import Prepared
from core.db.tables import table_of
from core.db.together import rows_along
from core.models import Adjudication, Assignment, Batch, Gold, Item, Participation, Project
from core.quality import QualitySettings, load
from core.standing import Standing

Kind = Literal["gold", "quiz", "practice"]
"""gold: blind, among the others; quiz: blind, before the first item of a job; practice: its answer is told."""
CONSIDERED = 60
"""The least exposed known items that are looked at."""
TRIES = 4
WATCHED_FACTOR = 0.5
"""Whoever is watched meets known items twice as often."""
SHORTEST_MEAN = 2.0
QUIZ_BELOW = "k"
"""Where a job has a quiz, known items whose public id sorts before this are for it: half of them, for ever the same.
The others are taken where these are used up, and the other way round."""

GOLD, ITEM, BATCH = table_of(Gold), table_of(Item), table_of(Batch)
ASSIGNMENT, ADJUDICATION, PARTICIPATION = table_of(Assignment), table_of(Adjudication), table_of(Participation)
# Statements of the hot path are built once; `or_` instead of lists, which cannot be prepared.
SEEN = exists().where(
    ASSIGNMENT.c.item_id == GOLD.c.item_id,
    ASSIGNMENT.c.worker_id == bindparam("worker_id"),
    or_(*(ASSIGNMENT.c.state == literal(state) for state in ("active", "submitted", "skipped"))),
)
SETTLED_BY_THEM = exists().where(
    ADJUDICATION.c.item_id == GOLD.c.item_id, ADJUDICATION.c.worker_id == bindparam("worker_id")
)
SERVABLE = and_(GOLD.c.state == "active", or_(BATCH.c.state == "published", BATCH.c.state == "held"))
"""Of a known item with its batch: it may be asked to check people. What waits for the end of a pilot waits to be
labeled; its known items check the people of the pilot."""
# Written into the statements: PostgreSQL sees there that the partial index of items holds it, and SQLite wants the very
# condition of that index.
SET_ASIDE = and_(ITEM.c.purpose != literal_column("'label'"), ITEM.c.purpose == literal_column("'gold'"))
FOR_PRACTICE = and_(ITEM.c.purpose != literal_column("'label'"), ITEM.c.purpose == literal_column("'practice'"))
PROMOTED = and_(ITEM.c.purpose == literal_column("'label'"), ITEM.c.state == literal_column("'adjudicated'"))
HIDDEN = or_(SET_ASIDE, PROMOTED)
"""Items that are asked blind: those set aside, and those that an expert has settled and promoted."""
FOR_QUIZ = ITEM.c.public_id < QUIZ_BELOW


def _unseen_where(purpose: ColumnElement[bool]) -> Select[Any]:
    """Known items, read by the indexes of items: most of what is known only waits to be compared, and is not read."""
    return (
        select(
            GOLD.c.item_id, GOLD.c.label_id, FOR_QUIZ.label("for_quiz"), GOLD.c.served.label("served"), ITEM.c.public_id
        )
        .join(ITEM, ITEM.c.id == GOLD.c.item_id)
        .join(BATCH, BATCH.c.id == ITEM.c.batch_id)
        .where(ITEM.c.project_id == bindparam("project_id"), purpose, SERVABLE, ~SEEN, ~SETTLED_BY_THEM)
    )


BLIND = union_all(_unseen_where(SET_ASIDE), _unseen_where(PROMOTED))
PRACTICE = union_all(_unseen_where(FOR_PRACTICE))
GROUP = Prepared(select(ITEM.c.group_key).where(ITEM.c.id == bindparam("item_id")))
LAST_GROUP = Prepared(
    select(ITEM.c.group_key)
    .join(ASSIGNMENT, ASSIGNMENT.c.item_id == ITEM.c.id)
    .where(ASSIGNMENT.c.worker_id == bindparam("worker_id"), ASSIGNMENT.c.project_id == bindparam("project_id"))
    .where(or_(ASSIGNMENT.c.state == "submitted", ASSIGNMENT.c.state == "skipped"))
    .order_by(ASSIGNMENT.c.ended_at.desc(), ASSIGNMENT.c.id.desc())
    .limit(literal_column("1"))
)
# Read anew under the lock: the verdict that made an item known may have been taken back since it was chosen.
FREE = Prepared(
    select(ITEM.c.id).where(ITEM.c.id == bindparam("item_id"), HIDDEN | FOR_PRACTICE).with_for_update(skip_locked=True)
)
COUNT_LEASE = Prepared(update(ITEM).where(ITEM.c.id == bindparam("item_id")).values(leased=ITEM.c.leased + 1))
BEGIN_GAP = Prepared(
    update(PARTICIPATION)
    .where(PARTICIPATION.c.worker_id == bindparam("who"), PARTICIPATION.c.project_id == bindparam("where"))
    .values(since_gold=0, gold_due=bindparam("due"))
)
_random = SystemRandom()


class Unseen(NamedTuple):
    """A known item that a worker has not dealt with, its label, and whether it is meant for the quiz."""

    item_id: int
    label_id: str
    for_quiz: bool


def is_due(standing: Standing) -> bool:
    """Whether the gap that was drawn for a worker is over; no statement, so that the others wait for nothing."""
    return 0 < standing.gold_due <= standing.since_gold


def mean_gap(settings: QualitySettings, standing: Standing) -> float:
    """About how many answers shall lie between two known items for this worker; 0 where the job asks none.

    How well they are known is read off the interval of their share of right answers to known items.
    """
    if settings.gold_use != "check" or settings.gold_every <= 0:
        return 0.0
    least, most = wilson_interval(standing.gold_right, standing.gold_count)
    known = (1.0 - (most - least)) ** 2
    mean = settings.gold_every + known * max(0.0, settings.gold_rarest - settings.gold_every)
    return max(SHORTEST_MEAN, mean * WATCHED_FACTOR) if standing.restriction == "watched" else max(1.0, mean)


def draw_gap(mean: float, uniform: float) -> int:
    """A geometric gap of this mean, at least 1. The chance that it ends at the next answer never changes.

    Args:
        uniform: a random number from 0 up to but not including 1.

    >>> [draw_gap(8.0, uniform) for uniform in (0.0, 0.5, 0.99)]
    [1, 6, 35]
    """
    if mean <= 1.0:
        return 1
    return 1 + int(log(1.0 - uniform) / log(1.0 - 1.0 / mean))


def begin_gap(session: Session, project: Project, worker_id: int, standing: Standing) -> None:
    """Draw when the next known item comes for a worker who has a participation."""
    settings = load(project.quality)
    mean = mean_gap(settings, standing) or float(settings.gold_rarest)
    BEGIN_GAP.run(session, {"who": worker_id, "where": project.id, "due": draw_gap(mean, _random.random())})


def in_the_middle(session: Session, project: Project, worker_id: int, next_item_id: int) -> bool:
    """Whether the item that comes next goes on with the document of the last one: a known item would stand out there.

    Asked only when a known item is due; it then waits for the end of the document.
    """
    last = LAST_GROUP.row(session, {"worker_id": worker_id, "project_id": project.id})
    return last is not None and last[0] is not None and last == GROUP.row(session, {"item_id": next_item_id})


def hidden_control(session: Session, project: Project, worker_id: int, standing: Standing) -> int | None:
    """The known item that is due for this worker, leased like any other, and the next gap; nothing where none is left.

    Returns:
        The item's id; its `leased` is counted up, and `core.assignment.open_lease` writes the assignment.
    """
    begin_gap(session, project, worker_id, standing)
    if not mean_gap(load(project.quality), standing):
        return None
    return next_control(session, project, worker_id, kind="gold")


def next_control(session: Session, project: Project, worker_id: int, *, kind: Kind = "gold") -> int | None:
    """A known item that this worker has not dealt with yet; nothing where they have been through all of them.

    Never waits for another transaction's row, like `core.assignment.next_assignment`.

    Returns:
        The item's id; its `leased` is counted up, and `core.assignment.open_lease` writes the assignment.
    """
    has_quiz = load(project.quality).quiz > 0
    rows = _unseen_by(session, project, worker_id, kind, has_quiz=has_quiz)
    if has_quiz and kind != "practice":
        reserved = [row for row in rows if bool(row.for_quiz) == (kind == "quiz")]
        rows = reserved or rows
    for item_id in _by_turns(rows):
        if _lease(session, item_id):
            return item_id
    return None


def is_left(session: Session, project: Project, worker_id: int, *, kind: Kind) -> bool:
    """Whether there is a known item of a kind that this worker has not dealt with, whoever holds it just now."""
    keys = {"worker_id": worker_id, "project_id": project.id}
    return bool(rows_along(session, _any_unseen(kind), keys))


def _unseen_by(session: Session, project: Project, worker_id: int, kind: Kind, *, has_quiz: bool) -> list[Unseen]:
    keys = {"worker_id": worker_id, "project_id": project.id}
    return [Unseen(*row) for row in rows_along(session, _unseen(kind, has_quiz), keys)]


@cache
def _any_unseen(kind: Kind) -> Prepared:
    """One of them, in no order: so the first that is found will do."""
    found = (PRACTICE if kind == "practice" else BLIND).subquery()
    return Prepared(select(found.c.item_id).limit(literal_column("1")))


@cache
def _unseen(kind: Kind, has_quiz: bool) -> Prepared:
    """Known items of a kind, those first that are meant for it, of these the least exposed."""
    found = (PRACTICE if kind == "practice" else BLIND).subquery()
    statement = select(found.c.item_id, found.c.label_id, found.c.for_quiz)
    if has_quiz:
        statement = statement.order_by(found.c.for_quiz.desc() if kind == "quiz" else found.c.for_quiz)
    return Prepared(statement.order_by(found.c.served, found.c.public_id).limit(literal_column(str(CONSIDERED))))


def _by_turns(rows: Sequence[Unseen]) -> list[int]:
    """A few candidates at random, each first of a random label: who always says the same is right no more than that."""
    by_label: dict[str, list[int]] = {}
    for row in rows:
        by_label.setdefault(row.label_id, []).append(row.item_id)
    chosen: list[int] = []
    while by_label and len(chosen) < TRIES:
        label = _random.choice(sorted(by_label))
        least_served = by_label[label][: max(3, len(by_label[label]) // 2)]
        item_id = _random.choice(least_served)
        chosen.append(item_id)
        by_label[label].remove(item_id)
        if not by_label[label]:
            del by_label[label]
    return chosen


def _lease(session: Session, item_id: int) -> bool:
    if session.get_bind().dialect.name == "postgresql" and FREE.row(session, {"item_id": item_id}) is None:
        return False
    COUNT_LEASE.run(session, {"item_id": item_id})
    return True
