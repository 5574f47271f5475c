"""Which known items are set aside to check people, and what becomes of them when the coordinator decides otherwise.

Where few labels are known, all of them check people. Where nearly all are, a small share does, and the rest is labeled
like everything else and only compared. What is set aside has no slots: it costs answers only when it checks somebody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select, update
from sqlalchemy.orm import Session

from core.changes import change_quality
from core.db.tables import table_of
from core.gold_doubts import drop
from core.items import lock_item, lock_items, write_item
from core.models import Assignment, Batch, Gold, Item, Participation, Project
from core.quality import load

FEW = 0.5
"""Below this share of known items, all of them are set aside."""
SHARE = 0.05
MOST_OF_MANY = 50
"""Else this share of the items, and at most so many."""
MOST = 1000
ONE_BY_ONE = 4
"""Where fewer than one in so many items is known, the known ones are looked up one by one."""
LESSONS = 2
"""For each item of practice that everybody tries, so many are reserved; but never more than half of what is known."""

LOADED = ("published", "held")
"""States of batches that are whole, those that wait for the end of a pilot among them."""

ASSIGNMENT, GOLD, ITEM = table_of(Assignment), table_of(Gold), table_of(Item)
_OPEN = and_(ITEM.c.purpose == "label", ITEM.c.state == "open", ITEM.c.submitted == 0, ITEM.c.leased == 0)
UNTOUCHED = and_(_OPEN, ITEM.c.group_key.is_(None))
"""Known items that may be set aside; a gap in a document would tell which of its items are gold."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Known items of a project. known: all; hidden: asked blind, promoted verdicts too; practice: for lessons.

    served, missed: answers of people who did not know, and the wrong ones among them.
    """

    known: int
    hidden: int
    practice: int
    served: int
    missed: int


def pool_of(session: Session, project_id: int) -> Pool:
    """Counts of a project's known items; not for the path of a tap."""
    rows = session.execute(
        select(
            ITEM.c.purpose, ITEM.c.state, GOLD.c.state, func.count(), func.sum(GOLD.c.served), func.sum(GOLD.c.missed)
        )
        .join(ITEM, ITEM.c.id == GOLD.c.item_id)
        .where(GOLD.c.project_id == project_id)
        .group_by(ITEM.c.purpose, ITEM.c.state, GOLD.c.state)
    ).all()
    usable = [row for row in rows if row[2] == "active"]
    return Pool(
        known=sum(row[3] for row in rows),
        hidden=sum(row[3] for row in usable if row[0] == "gold" or (row[0] == "label" and row[1] == "adjudicated")),
        practice=sum(row[3] for row in usable if row[0] == "practice"),
        served=sum(int(row[4]) for row in rows),
        missed=sum(int(row[5]) for row in rows),
    )


def set_aside(session: Session, project: Project, batch_id: int, items: int | None = None) -> int:
    """Set known items of a batch aside, before it is published; returns how many. Does nothing where they only compare.

    The batch counts the items that are to be labeled.

    Args:
        items: how many the batch has, where the caller has just counted them.
    """
    if load(project.quality).gold_use != "check":
        return 0
    if items is None:
        items = session.scalar(select(func.count()).select_from(ITEM).where(ITEM.c.batch_id == batch_id)) or 0
    mine = GOLD.c.project_id == project.id
    few = (session.scalar(select(func.count()).select_from(GOLD).where(mine)) or 0) < items // ONE_BY_ONE
    everyone, free = (_known_of(project.id, batch_id, few, *also).subquery() for also in ((), (UNTOUCHED,)))
    known = session.scalar(select(func.count(everyone.c.place))) or 0
    in_order = select(free.c.item_id).where(free.c.place.is_not(None)).order_by(free.c.place)
    # By public ids: random, and the same at every look.
    chosen = list(session.scalars(in_order.limit(set_aside_of(items, known))))
    session.execute(update(ITEM).where(ITEM.c.id.in_(chosen), UNTOUCHED).values(purpose="gold"))
    _share_out(session, project)
    return len(chosen)


def _known_of(project_id: int, batch_id: int, few: bool, *also: ColumnElement[bool]) -> Select[Any]:
    """`item_id` and `place`, the public id, of known items of a batch; with `few` places are null for those of others.

    A join reads all of a batch, which may have been written just now. A few are looked up one by one instead.
    """
    wanted = (ITEM.c.id == GOLD.c.item_id, ITEM.c.batch_id == batch_id, *also)
    if not few:
        return select(GOLD.c.item_id, ITEM.c.public_id.label("place")).join(ITEM, and_(*wanted))
    place = select(ITEM.c.public_id).where(*wanted).scalar_subquery()
    return select(GOLD.c.item_id, place.label("place")).where(GOLD.c.project_id == project_id)


def change_gold(session: Session, project: Project, worker_id: int, now: datetime, **values: object) -> bool:
    """Change settings about gold and lessons, and let the known items follow; false where nothing is other than before.

    Raises:
        InvalidInput: as `core.quality.change`.
    """
    before = load(project.quality)
    if not change_quality(session, project, worker_id, now, **values):
        return False
    after = load(project.quality)
    if after.gold_use != before.gold_use:
        _follow_use(session, project, after.gold_use, now)
    _share_out(session, project)
    if (after.gold_use, after.gold_every, after.gold_rarest) != (
        before.gold_use,
        before.gold_every,
        before.gold_rarest,
    ):
        drawn = update(Participation).where(Participation.project_id == project.id)
        session.execute(drawn.values(gold_due=0))  # the next gap is drawn anew
    return True


def ask_like_others(session: Session, project: Project, item_public_id: str, worker_id: int, now: datetime) -> None:
    """Drop a doubtful known label, and have its item labeled like any other.

    Raises:
        NotFound, Conflict: as `core.gold_doubts.drop`.
    """
    _put_back(session, [drop(session, project, item_public_id, worker_id, now)], now)


def set_aside_of(items: int, known: int) -> int:
    """How many of `known` items among `items` are set aside where they check people."""
    if known < FEW * items:
        return min(known, MOST)
    return min(MOST_OF_MANY, int(SHARE * items))


def _follow_use(session: Session, project: Project, use: str, now: datetime) -> None:
    """Set known items aside, or put those back that nobody has dealt with, in the batches that there are."""
    batches = list(session.scalars(select(Batch).where(Batch.project_id == project.id, Batch.state.in_(LOADED))))
    if use == "check":
        for batch in batches:
            batch.item_count -= set_aside(session, project, batch.id)
        return
    touched = exists().where(ASSIGNMENT.c.item_id == ITEM.c.id)
    mine = ITEM.c.project_id == project.id, ITEM.c.purpose != "label"
    untouched = session.scalars(select(ITEM.c.id).where(*mine, ~touched).order_by(ITEM.c.id))
    _put_back(session, list(untouched), now)


def _put_back(session: Session, item_ids: list[int], now: datetime) -> None:
    """Have items that were set aside labeled; each takes a fresh rank, since people's cursors have passed it."""
    lock_items(session, item_ids)
    for item_id in item_ids:
        item = lock_item(session, item_id)
        if item.purpose == "label":
            continue
        write_item(session, item, now, purpose="label", overlap=max(item.overlap, item.leased))
        batch_id = session.scalar(select(ITEM.c.batch_id).where(ITEM.c.id == item_id))
        session.execute(update(Batch).where(Batch.id == batch_id).values(item_count=Batch.item_count + 1))


def _share_out(session: Session, project: Project) -> None:
    """Reserve known items for practice, those first that nobody was ever asked; or give back those untouched."""
    settings = load(project.quality)
    active = [GOLD.c.project_id == project.id, GOLD.c.state == "active"]
    mine = select(ITEM.c.id).join(GOLD, GOLD.c.item_id == ITEM.c.id).where(*active)
    lessons = list(session.scalars(mine.where(ITEM.c.purpose == "practice")))
    if not settings.practice:  # what somebody has practised on told them its answer, and stays what it is
        touched = exists().where(ASSIGNMENT.c.item_id == ITEM.c.id)
        session.execute(update(ITEM).where(ITEM.c.id.in_(lessons), ~touched).values(purpose="gold"))
        return
    hidden = mine.where(ITEM.c.purpose == "gold").order_by(GOLD.c.served, ITEM.c.public_id.desc())
    all_hidden = list(session.scalars(hidden))
    wanted = min(settings.practice * LESSONS, (len(all_hidden) + len(lessons)) // 2) - len(lessons)
    if wanted > 0:
        session.execute(update(ITEM).where(ITEM.c.id.in_(all_hidden[:wanted])).values(purpose="practice"))
