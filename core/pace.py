"""How fast a crowd answers, and whether anybody is left who can."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from core.db.tables import table_of
from core.eligibility import eligible
from core.models import Annotation, Assignment, Batch, Item, Membership, Participation, Project, Worker

SAMPLE_ANSWERS = 2000
ENOUGH_ANSWERS = 10
MEMORY = timedelta(days=7)
DAY = timedelta(days=1)
SHORTEST_SPAN = timedelta(minutes=10)
"""Answers of a first few minutes are not multiplied up to an hour's pace."""
ITEMS_TRIED = 500
"""Open items that are held against the people, to find somebody who has not had one of them yet."""
ANSWERING = ("worker", "expert")
HAD = ("active", "submitted", "skipped", "barred")
"""States of assignments after which their item does not come to the same person again."""

ITEM, ANNOTATION = table_of(Item), table_of(Annotation)


def pace_at_work(session: Session, project_ids: Sequence[int], lease_seconds: int, now: datetime) -> float | None:
    """Answers per second while somebody was working, over the last week, from the newest ones; None for too few.

    Args:
        lease_seconds: time for one item; a pause of the crowd longer than that is no work.
    """
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


def pace_of_the_day(session: Session, project_id: int, now: datetime) -> float:
    """Answers an hour since the first answer of the last 24 hours; 0 where there was none."""
    answers = select(func.count(), func.min(ANNOTATION.c.created_at)).where(
        ANNOTATION.c.project_id == project_id, ANNOTATION.c.created_at >= now - DAY, ANNOTATION.c.state == "counted"
    )
    count, first = session.execute(answers).one()
    if not count:
        return 0.0
    return float(count / (max(now - first, SHORTEST_SPAN).total_seconds() / 3600))


def nobody_left(session: Session, project: Project) -> bool:
    """Whether items ask for answers, none is in anybody's hands, and everybody who could answer them has had them.

    That takes a job that somebody has begun. Looks at `ITEMS_TRIED` items; people are workers and experts, and whoever
    else has answered in the project.
    """
    begun = select(Assignment.id).where(Assignment.project_id == project.id)
    asking = (
        select(ITEM.c.id)
        .join(Batch, Batch.id == ITEM.c.batch_id)
        .where(ITEM.c.project_id == project.id, ITEM.c.slots > 0, Batch.state == "published")
        .order_by(ITEM.c.rank)
        .limit(ITEMS_TRIED)
    ).subquery()
    had = exists().where(
        Assignment.item_id == asking.c.id, Assignment.worker_id == Membership.worker_id, Assignment.state.in_(HAD)
    )
    free = (
        select(asking.c.id)
        .join(Membership, Membership.workspace_id == project.workspace_id)
        .join(Worker, Worker.id == Membership.worker_id)
        .where(*_may_answer(project), ~had)
    )
    looks = select(asking.c.id), begun, begun.where(Assignment.state == "active"), free
    asked, started, taken, somebody = (session.scalar(one.limit(1)) is not None for one in looks)
    return bool(asked and started and not taken and not somebody)


def _may_answer(project: Project) -> list[ColumnElement[bool]]:
    """That a person may be given items, as conditions on `Membership` and `Worker`."""
    mine = exists().where(Participation.worker_id == Membership.worker_id, Participation.project_id == project.id)
    return [
        Membership.status == "active",
        or_(Membership.role.in_(ANSWERING), mine.where(Participation.annotation_count > 0)),
        ~mine.where(Participation.restriction.in_(("training", "paused"))),
        *eligible(project),
    ]
