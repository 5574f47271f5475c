"""How many answers a job will take, what they cost and how long they last: from what the workspace has seen so far.

Both forecasts are plain on purpose, and say None where nothing is known:

- answers: as many per item that is through, relative to the minimum of its job, times the items;
- time: at the pace of the crowd. Before a job is posted that is its pace while somebody was working, so that an idle
  week does not count; of a job that runs it is the pace of the last day, nights included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.db.tables import table_of
from core.models import Annotation, Batch, Item, Project

THROUGH = ("agreed", "adjudicated", "disputed")
"""States of items that ask for no more answers, whatever came of them."""
ANSWERS_TO_MINIMUM = 1.4
"""Answers per item, in minima, where a workspace has no history."""
RECENT_PROJECTS = 10
SAMPLE_ITEMS = 2000
SAMPLE_ANSWERS = 2000
ENOUGH_ITEMS = 20
"""Fewer items that are through say too little about a job."""
ENOUGH_ANSWERS = 10
MEMORY = timedelta(days=7)
DAY = timedelta(days=1)
SHORTEST_SPAN = timedelta(minutes=10)
"""Answers of a first few minutes are not multiplied up to an hour's pace."""

ITEM, ANNOTATION = table_of(Item), table_of(Annotation)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a job that is not posted yet will take.

    answers: over all items; cost: of them, in hundredths of the workspace's currency.
    seconds: of working time of the whole crowd; nights and pauses come on top. None where nobody has worked lately.
    """

    answers: int
    cost: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a job that runs will still take.

    cost_left: in hundredths of the workspace's currency. per_hour: answers an hour over the last day at most.
    done_at: None where nobody has answered in the last day.
    """

    answers_left: int
    cost_left: int
    done_at: datetime | None
    per_hour: float


def estimate_job(
    session: Session,
    workspace_id: int,
    items: int,
    min_overlap: int,
    max_overlap: int,
    price: int,
    lease_seconds: int,
    now: datetime,
) -> Estimate:
    """What `items` new items would take.

    Args:
        price: of an answer, in hundredths of the currency.
        lease_seconds: time for one item; a pause of the crowd longer than that is no work.
    """
    newest = select(Project.id).where(Project.workspace_id == workspace_id).order_by(Project.id.desc())
    project_ids = list(session.scalars(newest.limit(RECENT_PROJECTS)))
    per_item = min(max(min_overlap * _minima_per_item(session, project_ids), min_overlap), max_overlap)
    answers = round(items * per_item)
    pace = _pace_at_work(session, project_ids, lease_seconds, now)
    return Estimate(answers, answers * price, None if pace is None else answers / pace)


def forecast(session: Session, project: Project, now: datetime) -> Forecast:
    """What the open items of `project` will still take."""
    items, submitted, owed = _open_items(session, project.id)
    per_item = min(project.min_overlap * _minima_per_item(session, [project.id]), project.max_overlap)
    left = max(owed, round(items * per_item) - submitted)
    per_hour = _pace_of_the_day(session, project.id, now)
    done_at = now if not left else now + timedelta(hours=left / per_hour) if per_hour else None
    return Forecast(left, left * project.price, done_at, per_hour)


def _minima_per_item(session: Session, project_ids: Sequence[int]) -> float:
    """Answers per item that is through, in minima of its project: at least 1."""
    sample = (
        select(ITEM.c.submitted, Project.min_overlap)
        .join(Project, Project.id == ITEM.c.project_id)
        .where(ITEM.c.project_id.in_(project_ids), ITEM.c.state.in_(THROUGH), ITEM.c.submitted > 0)
        .limit(SAMPLE_ITEMS)
    )
    rows = session.execute(sample).all()
    if len(rows) < ENOUGH_ITEMS:
        return ANSWERS_TO_MINIMUM
    return max(1.0, fmean(submitted / minimum for submitted, minimum in rows))


def _pace_at_work(session: Session, project_ids: Sequence[int], lease_seconds: int, now: datetime) -> float | None:
    """Answers per second while somebody was working, over the last week, from the newest ones."""
    newest = (
        select(ANNOTATION.c.created_at)
        .where(
            ANNOTATION.c.project_id.in_(project_ids),
            ANNOTATION.c.created_at >= now - MEMORY,
            ANNOTATION.c.state == "counted",
        )
        .order_by(ANNOTATION.c.id.desc())
        .limit(SAMPLE_ANSWERS)
    )
    moments = session.scalars(newest).all()
    if len(moments) < ENOUGH_ANSWERS:
        return None
    gaps = ((later - earlier).total_seconds() for earlier, later in pairwise(sorted(moments)))
    worked = sum(gap for gap in gaps if gap <= lease_seconds)
    return (len(moments) - 1) / worked if worked else None


def _pace_of_the_day(session: Session, project_id: int, now: datetime) -> float:
    """Answers an hour since the first answer of the last 24 hours; 0 where there was none."""
    answers = select(func.count(), func.min(ANNOTATION.c.created_at)).where(
        ANNOTATION.c.project_id == project_id, ANNOTATION.c.created_at >= now - DAY, ANNOTATION.c.state == "counted"
    )
    count, first = session.execute(answers).one()
    if not count:
        return 0.0
    return float(count / (max(now - first, SHORTEST_SPAN).total_seconds() / 3600))


def _open_items(session: Session, project_id: int) -> tuple[int, int, int]:
    """Open items of published batches, the answers they have, and those that they still ask for at least."""
    published = select(Batch.id).where(Batch.project_id == project_id, Batch.state == "published")
    missing = ITEM.c.overlap - ITEM.c.submitted
    totals = select(func.count(), func.coalesce(func.sum(ITEM.c.submitted), 0), func.coalesce(func.sum(missing), 0))
    row = session.execute(
        totals.where(
            ITEM.c.project_id == project_id,
            ITEM.c.state == "open",
            ITEM.c.purpose == "label",
            ITEM.c.batch_id.in_(published),
        )
    ).one()
    return int(row[0]), int(row[1]), int(row[2])
