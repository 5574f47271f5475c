"""A crowd at work on one job: the decisions and the learning of production, on tables in memory.

Production keeps the same state in the database and calls the same functions: `value.worth` says what somebody's answer
about an item is worth (assignment allows people for noise besides, and starves no item), `online.update` and
`confusion.add_answer` learn from it at once, `estimate` learns from all answers after each further share of them.
Replays, simulated attacks and forecasts run on this.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.aggregation.annotations import Annotations
from core.aggregation.confusion import Counts, Matrix, add_answer, column, default_pooled, empty_counts
from core.aggregation.estimate import Estimate, counts_of, estimate, is_grown
from core.aggregation.online import uniform, update
from core.aggregation.value import average_information, expected_information, fresh_information, worth
from core.arrays import Floats, Ints


@dataclass(slots=True)
class Engine:
    """A job as far as it has come; items, workers and labels are indexes from 0.

    shape: numbers of items, workers and classes, at least two classes. information: what an answer has to be worth,
    see `core.aggregation.value.pays`. known: items with a known label, which checks people and is not asked for.
    fresh, own: nats of an answer about an item nobody has answered, by an average worker and by each worker; None
    where it has to be computed anew.
    """

    shape: tuple[int, int, int]
    information: float
    known: dict[int, int] = field(default_factory=dict)
    prior: list[float] = field(default_factory=list)
    pooled: Matrix = ()
    fresh: float = 0.0
    posteriors: list[list[float] | None] = field(default_factory=list)
    counts: list[Counts] = field(default_factory=list)
    own: list[float | None] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    estimated: int = 0
    """Answers that the last estimate has seen."""


def start(shape: tuple[int, int, int], information: float, known: dict[int, int] | None = None) -> Engine:
    """A job before its first answer."""
    item_count, worker_count, classes = shape
    engine = Engine(shape, information, known or {}, uniform(classes), default_pooled(classes))
    engine.posteriors = [None] * item_count
    for item, label in engine.known.items():
        engine.posteriors[item] = [float(label == other) for other in range(classes)]
    engine.counts = [empty_counts(classes) for _ in range(worker_count)]
    _forget_own(engine)
    return engine


def wants(engine: Engine, item: int, worker: int) -> bool:
    """Whether this worker's answer about this item pays; what `value.pays` says, which it computes in steps."""
    counts, own = engine.counts[worker], engine.own[worker]
    if own is None:
        own = engine.own[worker] = expected_information(engine.prior, counts, engine.pooled)
    posterior = engine.posteriors[item]
    told = own if posterior is None else expected_information(posterior, counts, engine.pooled)
    return worth(told, own, engine.fresh) > engine.information


def take(engine: Engine, item: int, worker: int, answer: int) -> bool:
    """Learn from one answer; true where so many have come that `learn` is due."""
    counts = engine.counts[worker]
    posterior = engine.posteriors[item]
    if item not in engine.known:
        posterior = update(posterior or engine.prior, column(counts, engine.pooled, answer))
        engine.posteriors[item] = posterior
    assert posterior is not None  # noqa: S101 (known items have one from the start)
    add_answer(counts, posterior, answer)
    engine.own[worker] = None
    engine.items.append(item)
    engine.workers.append(worker)
    engine.answers.append(answer)
    return is_grown(len(engine.items), engine.estimated)


def learn(engine: Engine) -> Estimate:
    """Estimate the whole job anew, and go on from there."""
    annotations = taken(engine)
    estimated = estimate(annotations, _fixed(engine))
    engine.prior, engine.pooled = estimated.prior.tolist(), estimated.pooled.tolist()
    for item in set(engine.items):
        engine.posteriors[item] = estimated.posteriors[item].tolist()
    engine.counts = [counts_of(estimated, worker) for worker in range(engine.shape[1])]
    engine.estimated = len(engine.items)
    _forget_own(engine)
    return estimated


def discard(engine: Engine, workers: set[int]) -> None:
    """Take out all answers of some workers; `learn` afterwards. What they alone decided is asked again."""
    kept = [place for place, worker in enumerate(engine.workers) if worker not in workers]
    for item in set(engine.items) - engine.known.keys():
        engine.posteriors[item] = None
    for entries in (engine.items, engine.workers, engine.answers):
        entries[:] = [entries[place] for place in kept]


def taken(engine: Engine) -> Annotations:
    """All answers that were taken, in their order."""
    columns: list[Ints] = [np.array(one, dtype=np.int64) for one in (engine.items, engine.workers, engine.answers)]
    return Annotations(columns[0], columns[1], columns[2], engine.shape)


def decided(engine: Engine) -> Floats:
    """Posteriors of the items about which no average worker's further answer pays, shape (items, classes)."""
    answered = [posterior for posterior in engine.posteriors if posterior is not None]
    posteriors = np.array(answered).reshape(-1, engine.shape[2])
    enough: Floats = posteriors[average_information(posteriors, engine.pooled) <= engine.information * engine.fresh]
    return enough


def _forget_own(engine: Engine) -> None:
    engine.own = [None] * engine.shape[1]
    engine.fresh = fresh_information(engine.prior, engine.pooled)


def _fixed(engine: Engine) -> Floats | None:
    if not engine.known:
        return None
    fixed = np.full((engine.shape[0], engine.shape[2]), np.nan)
    fixed[list(engine.known)] = np.eye(engine.shape[2])[list(engine.known.values())]
    return fixed
