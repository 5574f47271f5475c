"""What a pilot shows: whether people understand the question, before money is spent on the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any, Literal

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import labels
from core.aggregation.agreement import Agreement, Estimate, agreement
from core.db.tables import table_of
from core.forecast import Forecast, forecast
from core.models import Adjudication, Annotation, Assignment, Item, Project
from core.pilot import pilot_batch, waiting_items

Verdict = Literal["early", "good", "look", "stop"]
ENOUGH_SHARED = 10
"""Items with two answers or more, before anything is said about agreement."""
GOOD_ALPHA, POOR_ALPHA = 0.4, 0.15
"""People who understand a question alike reach the first; below the second, and surely below the first, they answer
nearly as if by chance."""
GOOD_PAIRS = 0.9
"""So often two people agree where all is well, even where nearly all labels are the same and alpha says little."""
MANY_SKIPS, MOST_SKIPS = 0.15, 0.5
"""Skips among all that was handed out and came back."""
MANY_DISPUTED = 0.3
CONFUSED = 2
"""So many pairs of labels are named."""
CONFUSED_FROM = 2

ITEM, ANNOTATION, ASSIGNMENT = table_of(Item), table_of(Annotation), table_of(Assignment)
ADJUDICATION = table_of(Adjudication)


@dataclass(frozen=True, slots=True)
class PilotReport:
    """A pilot so far.

    items: of the pilot; decided and disputed are among them. waiting: items that come after it. seconds: median time
    for an answer. alpha: Krippendorff's, pairs: how often two people agree. skips: by reason, empty for none given.
    confused: (label, label, items on which some said the one and some the other). unclear: adjudications that found
    the guidelines unclear. ahead: what the whole job will still take.
    """

    items: int
    decided: int
    disputed: int
    waiting: int
    answers: int
    people: int
    seconds: float | None
    alpha: Estimate
    pairs: Estimate
    shared: int
    skips: tuple[tuple[str, int], ...]
    confused: tuple[tuple[str, str, int], ...]
    unclear: int
    ahead: Forecast

    @property
    def skipped(self) -> int:
        """All skips."""
        return sum(count for _, count in self.skips)

    @property
    def skip_share(self) -> float:
        """Skips among all that was handed out and came back."""
        return self.skipped / max(1, self.skipped + self.answers)

    @property
    def verdict(self) -> Verdict:
        """Whether to go on: early (nothing can be said), good, look (at the guidelines), or stop."""
        return judge(self.alpha, self.pairs, self.shared, self.skip_share, self.disputed / max(1, self.items))


def judge(alpha: Estimate, pairs: Estimate, shared: int, skip_share: float, disputed_share: float) -> Verdict:
    """The verdict on a pilot.

    Args:
        shared: items with two answers or more.
    """
    if skip_share >= MOST_SKIPS:
        return "stop"
    if shared < ENOUGH_SHARED:
        return "early"
    agreed = (pairs.value or 0.0) >= GOOD_PAIRS
    if not agreed and alpha.value is not None and alpha.value < POOR_ALPHA and (alpha.high or 0.0) < GOOD_ALPHA:
        return "stop"
    understood = agreed or (alpha.value is not None and alpha.value >= GOOD_ALPHA)
    return "good" if understood and skip_share < MANY_SKIPS and disputed_share < MANY_DISPUTED else "look"


def report(session: Session, project: Project, now: datetime) -> PilotReport | None:
    """How the pilot of `project` has gone so far; nothing where it has none."""
    batch = pilot_batch(session, project)
    if batch is None:
        return None
    rows = _annotations(session, batch.id)
    states = _states(session, batch.id)
    found = _agreement(project, rows)
    return PilotReport(
        items=batch.item_count,
        decided=states.get("agreed", 0) + states.get("adjudicated", 0),
        disputed=states.get("disputed", 0),
        waiting=waiting_items(session, project.id),
        answers=len(rows),
        people=len({row.worker_id for row in rows}),
        seconds=median(row.duration_ms for row in rows) / 1000.0 if rows else None,
        alpha=found.alpha,
        pairs=found.pairwise,
        shared=found.items,
        skips=_skips(session, batch.id),
        confused=_confused(project, rows),
        unclear=_unclear(session, batch.id),
        ahead=forecast(session, project, now, behind_pilot=True),
    )


def _annotations(session: Session, batch_id: int) -> Sequence[Any]:
    columns = (ANNOTATION.c.item_id, ANNOTATION.c.worker_id, ANNOTATION.c.label_id, ANNOTATION.c.duration_ms)
    statement = select(*columns).join(ITEM, ITEM.c.id == ANNOTATION.c.item_id)
    return session.execute(statement.where(ITEM.c.batch_id == batch_id, ANNOTATION.c.state == "counted")).all()


def _states(session: Session, batch_id: int) -> dict[str, int]:
    statement = select(ITEM.c.state, func.count()).where(ITEM.c.batch_id == batch_id).group_by(ITEM.c.state)
    return {state: count for state, count in session.execute(statement)}


def _agreement(project: Project, rows: Iterable[Any]) -> Agreement:
    names = [label["id"] for label in project.label_schema["labels"]]
    columns = {label_id: place for place, label_id in enumerate(names)}
    places: dict[int, int] = {}
    given = [(places.setdefault(row.item_id, len(places)), columns[row.label_id]) for row in rows]
    votes = np.zeros((len(places), len(names)))
    for place, column in given:
        votes[place, column] += 1
    return agreement(votes)


def _skips(session: Session, batch_id: int) -> tuple[tuple[str, int], ...]:
    statement = (
        select(ASSIGNMENT.c.skip_reason, func.count())
        .join(ITEM, ITEM.c.id == ASSIGNMENT.c.item_id)
        .where(ITEM.c.batch_id == batch_id, ASSIGNMENT.c.state == "skipped")
        .group_by(ASSIGNMENT.c.skip_reason)
    )
    found = ((reason or "", count) for reason, count in session.execute(statement))
    return tuple(sorted(found, key=lambda pair: (-pair[1], pair[0])))


def _confused(project: Project, rows: Iterable[Any]) -> tuple[tuple[str, str, int], ...]:
    """The pairs of labels that were given to the same items most often, by their names."""
    by_item: dict[int, set[str]] = {}
    for row in rows:
        by_item.setdefault(row.item_id, set()).add(row.label_id)
    order = {label.id: (place, label.name) for place, label in enumerate(labels.load(project.label_schema).labels)}
    pairs: Counter[tuple[str, str]] = Counter()
    for given in by_item.values():
        ranked = sorted(given, key=lambda label_id: order[label_id])
        pairs.update((one, other) for place, one in enumerate(ranked) for other in ranked[place + 1 :])
    named = pairs.most_common(CONFUSED)
    return tuple((order[one][1], order[other][1], count) for (one, other), count in named if count >= CONFUSED_FROM)


def _unclear(session: Session, batch_id: int) -> int:
    statement = select(func.count()).select_from(ADJUDICATION).join(ITEM, ITEM.c.id == ADJUDICATION.c.item_id)
    found = statement.where(ITEM.c.batch_id == batch_id, ADJUDICATION.c.reason == "unclear")
    return session.scalar(found) or 0
