"""How many labels of a job are right: expected, with an interval, and the chance that all of them are, or a share.

The posteriors of items say how sure their answers make us. They do not say what people get wrong together: on real
crowds fewer labels are right than the posteriors promise. So an item is right with its posterior times 1 - e, where the
shared mistakes e have a Beta distribution: learnt from replays (`benchmarks/forecasts.py`), and for one job from its
known items. Items that an expert settled are right.

Forecasts, steering towards a target and replays all take the share of right labels from here (docs/replay.md).

The number of right items is a Poisson-binomial variable given e. It is summed exactly by its characteristic function
(Hong 2013) up to `EXACT_ITEMS` items; above, by the normal approximation with a term for the skewness (Volkova 1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, erf, exp, pi, sqrt

import numpy as np

from core.aggregation.forecasting import INTERVAL, Spread
from core.arrays import Floats, Ints

SHARED_MISTAKES = (1.7, 17.0)
"""The Beta distribution of e: 2 to 17 of 100 in eight of ten crowds, and 9 on average."""
GRID = 64
EXACT_ITEMS = 2000
BINS = 200
"""Posteriors are rounded to so many steps where a job has more items than that."""


@dataclass(frozen=True, slots=True)
class Beliefs:
    """How sure the items of a job are: `times[i]` items whose label is right with probability `confidences[i]`.

    settled: further items, that an expert settled.
    """

    confidences: Floats
    times: Floats
    settled: int = 0

    @property
    def items(self) -> int:
        """All of them."""
        return round(float(self.times.sum())) + self.settled


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What is believed of the shared mistakes: `shares` with the probability of each."""

    shares: Floats
    weights: Floats


def shared_mistakes(known: int = 0, right: float = 0.0, confidence: float = 1.0) -> Mistakes:
    """The shared mistakes of a job, from `known` items that were labeled without regard to it, `right` of them right.

    Args:
        confidence: mean posterior of the known items.
    """
    shares = (np.arange(GRID) + 0.5) / GRID * 0.6
    first, second = SHARED_MISTAKES
    chance = np.clip(confidence * (1.0 - shares), 1e-9, 1.0 - 1e-9)
    log = (first - 1.0) * np.log(shares) + (second - 1.0) * np.log1p(-shares)
    log += right * np.log(chance) + (known - right) * np.log1p(-chance)
    weights = np.exp(log - log.max())
    return Mistakes(shares, weights / weights.sum())


def audited(mistakes: Mistakes, found: float) -> Mistakes:
    """The same after audits that find, and have asked again, the share `found` of what is wrong."""
    return Mistakes(mistakes.shares * (1.0 - found), mistakes.weights)


def expected_accuracy(beliefs: Beliefs, mistakes: Mistakes) -> float | None:
    """The share of right labels to expect; nothing where there are no items."""
    if not beliefs.items:
        return None
    right = float(beliefs.times @ beliefs.confidences) * (1.0 - float(mistakes.weights @ mistakes.shares))
    return (right + beliefs.settled) / beliefs.items


def accuracy(beliefs: Beliefs, mistakes: Mistakes, *, draws: int = 4000, seed: int = 0) -> Spread | None:
    """The share of right labels as of `expected_accuracy`, with its 80 % interval."""
    middle = expected_accuracy(beliefs, mistakes)
    if middle is None:
        return None
    rng = np.random.default_rng(seed)
    share = rng.choice(mistakes.shares, size=draws, p=mistakes.weights)
    chance = beliefs.confidences[:, None] * (1.0 - share)  # (beliefs, draws)
    mean = beliefs.times @ chance + beliefs.settled
    deviation = np.sqrt(beliefs.times @ (chance * (1.0 - chance)))
    rates = np.clip((mean + deviation * rng.standard_normal(draws)) / beliefs.items, 0.0, 1.0)
    low, high = np.quantile(rates, INTERVAL)
    return Spread(middle, float(low), float(high))


def all_right(beliefs: Beliefs, mistakes: Mistakes) -> float:
    """The chance that every label is right: a product over the items, summed up in logarithms."""
    log = beliefs.times @ np.log(np.maximum(beliefs.confidences, 1e-300))
    return float(mistakes.weights @ np.exp(log + beliefs.times.sum() * np.log1p(-mistakes.shares)))


def share_right(beliefs: Beliefs, mistakes: Mistakes, share: float) -> float:
    """The chance that at least `share` of the labels are right."""
    wanted = ceil(round(share * beliefs.items, 9)) - beliefs.settled
    chances, times = _binned(beliefs)
    return float(
        sum(
            weight * at_least(chances * (1.0 - mistake), times, wanted)
            for mistake, weight in zip(mistakes.shares, mistakes.weights, strict=True)
            if weight > 1e-6
        )
    )


def at_least(chances: Floats, times: Ints, wanted: int) -> float:
    """P(at least `wanted` hits) among independent trials: `times[i]` of them hit with probability `chances[i]`."""
    trials = int(times.sum())
    if wanted <= 0 or wanted > trials:
        return float(wanted <= 0)
    if trials > EXACT_ITEMS:
        return 1.0 - _approximate_cdf(chances, times, wanted - 1)
    turn = np.exp(2j * pi * np.arange(trials + 1) / (trials + 1))
    terms = (1.0 + np.outer(turn - 1.0, chances)) ** times
    hits = np.fft.fft(terms.prod(axis=1)).real / (trials + 1)
    return float(np.clip(hits[wanted:].sum(), 0.0, 1.0))


def _approximate_cdf(chances: Floats, times: Ints, count: int) -> float:
    """P(at most `count` hits), after Volkova."""
    mean, variance = float(times @ chances), float(times @ (chances * (1.0 - chances)))
    if variance <= 0.0:
        return float(count >= mean)
    deviation = sqrt(variance)
    skewness = float(times @ (chances * (1.0 - chances) * (1.0 - 2.0 * chances))) / deviation**3
    z = (count + 0.5 - mean) / deviation
    density = exp(-z * z / 2.0) / sqrt(2.0 * pi)
    return min(1.0, max(0.0, 0.5 * (1.0 + erf(z / sqrt(2.0))) + skewness * (1.0 - z * z) * density / 6.0))


def _binned(beliefs: Beliefs) -> tuple[Floats, Ints]:
    """Whole numbers of items by their chance; many chances are rounded, which no one can tell apart."""
    rounded = beliefs.confidences
    if len(rounded) > BINS:
        rounded = np.round(rounded * BINS) / BINS
    chances, place = np.unique(rounded, return_inverse=True)
    exact = np.bincount(place, weights=beliefs.times, minlength=len(chances)).cumsum()
    return chances, np.diff(np.round(exact), prepend=0.0).astype(np.int64)
