"""Replays: a crowd's labels come one by one, and the engine of production takes or passes each without seeing it.

The protocol is in docs/replay.md. Each row of the file is one visit: this worker is free and could answer this item.
What is taken costs 1; what is passed is gone. The labels come from what was taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from core.aggregation.controllers import toward_accuracy
from core.aggregation.correctness import Beliefs, expected_accuracy, shared_mistakes
from core.aggregation.engine import Engine, decided, learn, start, take, wants
from core.aggregation.policy import ERROR_COST, information_of
from core.aggregation.result import Result, accuracy
from core.arrays import Floats, Ints
from core.crowd_table import CrowdTable

ENOUGH_DECIDED = 20
"""Items that have to be decided before they say anything about how accurate labels are."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What dynamic overlap follows. information: what an answer has to be worth, at first where there is a target.

    target: wanted share of right labels.
    """

    information: float = information_of(ERROR_COST)
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """One replay. accuracy: share of right labels among the items with gold; items that nobody was asked about count.

    annotations: how many were taken. posteriors: P(label) of each item at the end, shape (items, classes).
    """

    accuracy: float
    annotations: int
    posteriors: Floats


def orders(rows: int, seeds: int) -> Iterator[Ints]:
    """The seeded random orders of so many rows, one for each seed from 0."""
    for seed in range(seeds):
        yield np.random.default_rng(seed).permutation(rows)


def replay(table: CrowdTable, gold: Ints, order: Iterable[int], aim: Aim) -> Replayed:
    """Let the rows of a table come in an order, and label its items with what was taken.

    Args:
        gold: as `core.crowd_table.read_gold` returns it; it is only held against the labels at the end.
    """
    items, workers, answers = (column.tolist() for column in (table.item_index, table.worker_index, table.answer_index))
    item_count, worker_count, classes = table.shape
    engine = start((item_count, worker_count, max(2, classes)), aim.information)
    for row in order:
        if wants(engine, items[row], workers[row]) and take(engine, items[row], workers[row], answers[row]):
            learn(engine)
            _steer(engine, aim)
    posteriors = learn(engine).posteriors
    every_item = np.ones(item_count, dtype=np.int64)
    result = Result(posteriors, np.zeros(worker_count), None)
    return Replayed(accuracy(result, gold, every_item) or 0.0, len(engine.items), posteriors)


def _steer(engine: Engine, aim: Aim) -> None:
    """One step towards the target, as re-estimation does in production."""
    if aim.target is None:
        return
    sure = decided(engine).max(axis=1)
    if len(sure) < ENOUGH_DECIDED:
        return
    expected = expected_accuracy(Beliefs(sure, np.ones(len(sure))), shared_mistakes())
    if expected is not None:
        engine.information = toward_accuracy(engine.information, expected, aim.target)
