"""Crowds that are made up: people of a known skill, and people who do not do their work."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from core.aggregation.confusion import STRENGTH
from core.aggregation.dawid_skene import fit
from core.aggregation.filters import AnswerLog, Finding, Skills, find

Answerer = Callable[["Crowd", int, int], int]
"""A worker: what they say to an item, from the crowd so far, the item, and how many they have answered."""


@dataclass
class Crowd:
    """Items with their true labels, and the answers so far in the order in which they came."""

    seed: int
    items: int = 300
    classes: int = 3
    given: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """By item: (worker, answer)."""
    rows: list[tuple[int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.truth = self.random.integers(self.classes, size=self.items)

    def honest(self, accuracy: float) -> Answerer:
        """Right as often as that, and else evenly wrong."""

        def say(crowd: Crowd, item: int, _: int) -> int:
            if crowd.random.random() < accuracy:
                return int(crowd.truth[item])
            return int((crowd.truth[item] + crowd.random.integers(1, crowd.classes)) % crowd.classes)

        return say

    def answers_of(self, item: int) -> list[int]:
        """What was said to an item so far."""
        return [answer for _, answer in self.given[item]]

    def work(self, people: list[Answerer], each: int = 100) -> None:
        """Everybody answers `each` items at random, all of them mixed."""
        turns = [(worker, item) for worker in range(len(people)) for item in self._drawn(each)]
        self.random.shuffle(turns)
        counts: Counter[int] = Counter()
        for worker, item in turns:
            answer = people[worker](self, item, counts[worker])
            counts[worker] += 1
            self.given[item].append((worker, answer))
            self.rows.append((item, worker, answer))

    def _drawn(self, each: int) -> list[int]:
        return [int(item) for item in self.random.choice(self.items, size=each, replace=False)]

    def log(self, known_share: float = 0.0, **columns: object) -> AnswerLog:
        """All of it, as the filters want it."""
        items, workers, answers = (np.array(column, dtype=np.int64) for column in zip(*self.rows, strict=True))
        known = np.where(np.random.default_rng(self.seed).random(self.items) < known_share, self.truth, -1)
        shape = (self.items, int(workers.max()) + 1, self.classes)
        return AnswerLog(items, workers, answers, shape, known, **columns)  # type: ignore[arg-type]


def random_answers(crowd: Crowd, _item: int, _count: int) -> int:
    """Whatever comes."""
    return int(crowd.random.integers(crowd.classes))


def constant(crowd: Crowd, _item: int, _count: int) -> int:
    """Always the last label."""
    return crowd.classes - 1


def alternating(crowd: Crowd, _item: int, count: int) -> int:
    """One label after the other."""
    return count % crowd.classes


def last_answer(crowd: Crowd, item: int, _count: int) -> int:
    """What somebody just said; a guess where nobody has."""
    before = crowd.answers_of(item)
    return before[-1] if before else random_answers(crowd, item, 0)


def majority(crowd: Crowd, item: int, _count: int) -> int:
    """What most have said so far; a guess where nobody has."""
    before = Counter(crowd.answers_of(item)).most_common(1)
    return before[0][0] if before else random_answers(crowd, item, 0)


def skills_of(log: AnswerLog) -> Skills:
    """As the flagging job estimates them."""
    fixed = np.full((log.shape[0], log.shape[2]), np.nan)
    if log.known is not None:
        fixed[log.known >= 0] = np.eye(log.shape[2])[log.known[log.known >= 0]]
    fitted = fit(log.items, log.workers, log.answers, log.shape, strength=STRENGTH, fixed=fixed)
    return Skills(fitted.prior, fitted.confusion)


def found_in(log: AnswerLog, **options: float) -> dict[int, list[Finding]]:
    """The findings by worker."""
    found = defaultdict(list)
    for one in find(log, skills_of(log), **options):
        found[one.worker].append(one)
    return dict(found)
