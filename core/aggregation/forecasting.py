"""The answers that a job will still take: from how its items have gone so far, and from a simulated crowd.

Each item asks for one more answer until it stops. The chance that it stops with its n-th answer is learnt from the
items that have come so far (the hazard of Kaplan & Meier 1958, where an item that is still open counts up to its
answers), and where few have, from simulated items under the same rule (`core.aggregation.value`). Drawing these chances
from their Beta distributions, and then how the open items go, gives the answers left with an interval that holds both
kinds of doubt. What neither knows, that a crowd is not the same tomorrow, was learnt from replays of real crowds
(`benchmarks/forecasts.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.aggregation.value import average_information
from core.arrays import Floats, Ints

SIMULATED_ITEMS = 1000
MODEL_ITEMS, MODEL_SHARE = 20.0, 0.5
"""Items that the simulated crowd is worth in each chance to stop: so many, and for each item of the job so much more.

It knows the crowd of today; the items that stopped long ago knew less."""
LEAST_WEIGHT = 1e-6
"""Keeps a Beta distribution proper where a chance is 0 or 1."""
DRAWS = 1000
LEARNING = 0.03
"""Share of the forecast answers that are not needed, because re-estimation gets to know the crowd meanwhile."""
DRIFT, START, BEGUN, SHIFT = 0.06, 0.1, 0.15, 0.02
"""How far replays went from their forecasts, as standard deviations of the logarithm: at any time; what comes on top
while all is still to come; where all open items are begun, which are harder to foresee than fresh ones; and what
re-estimation moves of these, for each answer so far on one that is left."""
INTERVAL = (0.1, 0.9)
"""Quantiles of every interval: it holds the truth in 80 of 100 cases."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When an item stops: with at least `minimum` answers once another pays no more, at the latest with `maximum`.

    information: the share of what an answer tells about a fresh item that a further one has to tell, to be asked for.
    """

    minimum: int
    maximum: int
    information: float


@dataclass(frozen=True, slots=True)
class Simulated:
    """Items that were played through under a rule.

    chances: that one stops with its n-th answer, having come that far, shape (maximum + 1,); 1 at the maximum.
    confidences: of their leading labels when they stopped, shape (items,).
    """

    chances: Floats
    confidences: Floats


@dataclass(frozen=True, slots=True)
class Spread:
    """A number with the ends of its 80 % interval."""

    middle: float
    low: float
    high: float


def simulate(
    prior: Floats, pooled: Floats, workers: Floats, rule: Rule, *, items: int = SIMULATED_ITEMS, seed: int = 0
) -> Simulated:
    """Play items through, from their first answer to their last.

    Args:
        prior: P(label). pooled: P(answer | label) of an average worker. workers: the same of single ones, shape
            (workers, labels, answers); whoever answers is drawn from them.
    """
    rng = np.random.default_rng(seed)
    labels = rng.choice(len(prior), size=items, p=prior / prior.sum())
    beliefs = np.tile(prior / prior.sum(), (items, 1))
    wanted = rule.information * average_information(beliefs[:1], pooled)[0]
    going, chances, confidences = np.ones(items, dtype=np.bool_), np.zeros(rule.maximum + 1), np.zeros(items)
    for count in range(1, rule.maximum + 1):
        beliefs = _answered(rng, beliefs, labels, workers)
        confidences = np.where(going, beliefs.max(axis=1), confidences)
        if count >= rule.minimum:
            stops = going & (average_information(beliefs, pooled) <= wanted)
            chances[count] = stops.sum() / going.sum() if going.any() else 0.5
            going &= ~stops
    chances[rule.maximum] = 1.0
    return Simulated(chances, confidences)


def answers_left(
    open_at: Ints, stopped_at: Ints, simulated: Floats, rule: Rule, *, least: int = 0, seed: int = 0
) -> Floats:
    """Draws of the answers that a job will still take, shape (`DRAWS`,); all zero where no item is open.

    Args:
        open_at: open items by the answers they have; stopped_at: the others likewise. Shape (maximum + 1,); what has
            more answers than the maximum counts as having just as many.
        simulated: chances as of `simulate`. least: answers that are asked for in any case.
    """
    rng = np.random.default_rng(seed)
    chances = _chances(rng, open_at, stopped_at, simulated, rule)
    going, total = np.zeros(DRAWS, dtype=np.int64), np.zeros(DRAWS)
    for count in range(1, rule.maximum + 1):
        going = going + open_at[count - 1]
        total += going
        going = rng.binomial(going, 1.0 - chances[:, count])
    used = float(((open_at + stopped_at) * np.arange(len(open_at))).sum())
    doubt = _doubt(float(total.mean()), used, float(open_at[1:].sum() / max(1, open_at.sum())))
    drawn = total * (1.0 - LEARNING) * np.exp(doubt * rng.standard_normal(DRAWS))
    low, high = (max(float(least), _up_to(open_at, end)) for end in (rule.minimum, rule.maximum))
    bounded: Floats = np.clip(drawn, low, high)
    return bounded


def spread(draws: Floats) -> Spread:
    """The mean of draws, and the ends of their 80 % interval."""
    low, high = np.quantile(draws, INTERVAL)
    return Spread(float(draws.mean()), float(low), float(high))


def _doubt(left: float, used: float, begun: float) -> float:
    """Standard deviation of the logarithm of the answers left; `begun`: share of the open items that have answers."""
    if left <= 0.0:
        return 0.0
    parts = DRIFT, START * left / (left + used), BEGUN * begun, SHIFT * begun * used / left
    return float(np.sqrt(sum(part**2 for part in parts)))


def _up_to(open_at: Ints, answers: int) -> float:
    """The answers that bring every open item to so many; one for each that has them already, and may have more."""
    there = np.arange(len(open_at))
    return float((open_at * np.maximum(answers - there, there < len(open_at) - 1)).sum())


def _chances(rng: np.random.Generator, open_at: Ints, stopped_at: Ints, simulated: Floats, rule: Rule) -> Floats:
    """Draws of the chances to stop, shape (draws, maximum + 1): those seen, with the simulated ones as their prior."""
    came = (open_at + stopped_at)[::-1].cumsum()[::-1]
    weight = MODEL_ITEMS + MODEL_SHARE * came
    stop = stopped_at + weight * simulated + LEAST_WEIGHT
    go = came - stopped_at + weight * (1.0 - simulated) + LEAST_WEIGHT
    chances: Floats = rng.beta(stop, go, size=(DRAWS, rule.maximum + 1))
    chances[:, : rule.minimum] = 0.0
    chances[:, rule.maximum] = 1.0
    return chances


def _answered(rng: np.random.Generator, beliefs: Floats, labels: Ints, workers: Floats) -> Floats:
    """The beliefs after one more answer about each item, by a worker drawn for it."""
    who = rng.integers(len(workers), size=len(labels))
    chances = workers[who, labels].cumsum(axis=1)
    answers = (rng.random((len(labels), 1)) * chances[:, -1:] > chances).sum(axis=1)
    told = beliefs * workers[who, :, answers]
    updated: Floats = told / told.sum(axis=1, keepdims=True)
    return updated
