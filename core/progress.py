"""How a job has gone so far: decided items over time, answers by the hour, who was active, how far people agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

import numpy as np
from sqlalchemy import BigInteger, ColumnElement, Label, bindparam, cast, extract, func, select, update
from sqlalchemy.orm import Session

from core.aggregation.agreement import share_alike
from core.db.tables import table_of
from core.models import Annotation, Batch, Item, Project
from core.runtime import Runtime

HOURS = 24
CURVE_POINTS = 60
SAMPLE_ITEMS = 500
"""So many items are looked at for the agreement."""
DECIDED = ("agreed", "adjudicated", "accepted")

ITEM, ANNOTATION, BATCH = table_of(Item), table_of(Annotation), table_of(Batch)
DONE = (
    select(func.count())
    .select_from(ITEM)
    .join(BATCH, BATCH.c.id == ITEM.c.batch_id)
    .where(ITEM.c.project_id == bindparam("project_id"), ITEM.c.purpose == "label", ITEM.c.state != "open")
    .where(BATCH.c.state == "published")
)


@dataclass(frozen=True, slots=True)
class Progress:
    """What has happened in a project up to a moment.

    curve: (seconds since the project was made, items decided until then), the oldest first; undone ones do not count.
    per_hour: answers in each of the last 24 hours, the present one last.
    active: people who answered in these 24 hours.
    agreement: of two people who answered the same item, how often they say the same; None where nobody did.
    """

    curve: tuple[tuple[float, int], ...]
    per_hour: tuple[int, ...]
    active: int
    agreement: float | None


def progress(session: Session, project: Project, now: datetime) -> Progress:
    """How `project` has gone; several aggregates, so never on the path of a tap."""
    per_hour, active = _last_day(session, project.id, now)
    return Progress(_curve(session, project, now), per_hour, active, agreement(session, project.id))


def count_done(runtime: Runtime, project_id: int) -> None:
    """Write down how many items of a project ask nobody for answers any more: what the cards of workers show.

    A model's label and "nobody can answer it" end an item like an agreement. It is counted without holding a writer up.
    """
    with runtime.reading() as session:
        done = session.scalar(DONE, {"project_id": project_id}) or 0
        if session.scalar(select(Project.done_count).where(Project.id == project_id)) == done:
            return
    with runtime.writing() as session:
        session.execute(update(Project).where(Project.id == project_id).values(done_count=done))


def agreement(session: Session, project_id: int) -> float | None:
    """How often two people who answered the same item say the same, over a sample of items with two answers or more.

    The sample is the same at every look, and blind to when items came: they are taken in the order of their hash.
    """
    sample = (
        select(ITEM.c.id)
        .where(ITEM.c.project_id == project_id, ITEM.c.submitted > 1)
        .order_by(ITEM.c.content_hash)
        .limit(SAMPLE_ITEMS)
    )
    answers = (
        select(ANNOTATION.c.item_id, ANNOTATION.c.label_id, func.count())
        .where(ANNOTATION.c.item_id.in_(sample.scalar_subquery()), ANNOTATION.c.state == "counted")
        .group_by(ANNOTATION.c.item_id, ANNOTATION.c.label_id)
    )
    items: dict[int, int] = {}
    given: dict[str | None, int] = {}
    cells = [
        (items.setdefault(item_id, len(items)), given.setdefault(label_id, len(given)), count)
        for item_id, label_id, count in session.execute(answers)
    ]
    votes = np.zeros((len(items), len(given)))
    for row, column, count in cells:
        votes[row, column] = count
    return share_alike(votes)


def _last_day(session: Session, project_id: int, now: datetime) -> tuple[tuple[int, ...], int]:
    since = now - timedelta(hours=HOURS)
    rows = session.execute(
        select(_steps(ANNOTATION.c.created_at, since, 3600), ANNOTATION.c.worker_id, func.count())
        .where(
            ANNOTATION.c.project_id == project_id,
            ANNOTATION.c.created_at > since,
            ANNOTATION.c.state.in_(("counted", "surplus", "control")),
        )
        .group_by("step", ANNOTATION.c.worker_id)
    ).all()
    answers: Counter[int] = Counter()
    for number, _, count in rows:
        answers[min(max(int(number), 0), HOURS - 1)] += count
    return tuple(answers[number] for number in range(HOURS)), len({worker_id for _, worker_id, _ in rows})


def _curve(session: Session, project: Project, now: datetime) -> tuple[tuple[float, int], ...]:
    width = max(1, int((now - project.created_at).total_seconds() / CURVE_POINTS))
    rows = session.execute(
        select(_steps(ITEM.c.decided_at, project.created_at, width), func.count())
        .where(ITEM.c.project_id == project.id, ITEM.c.state.in_(DECIDED), ITEM.c.decided_at.is_not(None))
        .group_by("step")
    ).all()
    ordered = sorted((max(int(number), 0), count) for number, count in rows)
    totals = accumulate(count for _, count in ordered)
    return tuple(((number + 1.0) * width, total) for (number, _), total in zip(ordered, totals, strict=True))


def _steps(column: ColumnElement[datetime | None], since: datetime, seconds: int) -> Label[int]:
    """How many whole steps of so many seconds lie between `since` and the moment in a column; named "step"."""
    return ((cast(extract("epoch", column), BigInteger) - int(since.timestamp())) // seconds).label("step")
