"""From which confidence on a model may label by itself, and when what it labeled has to be taken back. Pure.

The threshold is the lowest one of a few at which, by exact binomial tests on items that people labeled blind, the share
of wrong labels is at most the bound. Choosing the lowest of several would cheat, so their tests share one level: the
fallback procedure (Wiens and Dmitrienko 2005), a test of several hypotheses in a fixed order, here in the manner of
"learn then test" (Angelopoulos et al. 2021; for classifiers that may abstain: Geifman and El-Yaniv 2017). The order and
the numbers of items follow from the confidences alone, never from what turned out right.

What was accepted is watched by the answers of people to a random part of it. They come one by one and are looked at
each time, so the evidence is one that holds at every look: a mixture of likelihood ratios, which exceeds 20 in at
most 5 of 100 jobs where the bound holds (Ville 1939; Robbins 1970).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

from core.arrays import Floats

LEVEL = 0.05
"""Chance that a threshold is chosen whose true share of wrong labels exceeds the bound."""
STEPS = 6
"""Thresholds that are looked at."""
BROKEN = 20.0
"""Evidence from which on the bound counts as broken: 1 / 0.05."""
GRID = 400
"""Points of the mixture over how wrong a model could be."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A confidence from which on labels may be accepted.

    count, wrong: held-out items at or above it, and how many of them the model got wrong. upper: the share of wrong
    labels is at most this, with a confidence of 95 % (for this threshold by itself).
    """

    confidence: float
    count: int
    wrong: int
    upper: float


def choose_threshold(confidence: Floats, right: Bools, bound: float, level: float = LEVEL) -> Threshold | None:
    """The lowest confidence from which on at most a share `bound` is wrong; None where that cannot be shown.

    Args:
        confidence: of the model on held-out items, shape (n,). right: whether people say the same, shape (n,).
    """
    from scipy.special import bdtr  # as below: twenty megabytes, which the bot does without

    order = np.argsort(-confidence, kind="stable")
    sure, wrong = confidence[order], np.cumsum(~right[order])
    chosen, carried = None, 0.0
    sizes = _sizes(sure, bound, level)
    for count in sizes:
        mistakes = int(wrong[count - 1])
        allowed = carried + level / len(sizes)
        passed = bdtr(mistakes, count, bound) <= allowed
        carried = allowed if passed else 0.0
        if passed:
            chosen = Threshold(float(sure[count - 1]), count, mistakes, upper_bound(mistakes, count, level))
    return chosen


def _sizes(sure: Floats, bound: float, level: float) -> list[int]:
    """How many of the surest items lie above each threshold, fewest first; items of one confidence stay together."""
    least = ceil(log(level / STEPS) / log(1.0 - bound))
    if len(sure) < least:
        return []
    ends = np.unique(np.linspace(least, len(sure), STEPS).round().astype(int))
    return sorted({int(np.searchsorted(-sure, -sure[end - 1], side="right")) for end in ends})


def upper_bound(wrong: int, count: int, level: float = LEVEL) -> float:
    """The exact upper confidence bound of a share (Clopper and Pearson 1934).

    >>> round(upper_bound(0, 59), 3)
    0.05
    """
    from scipy.special import betaincinv

    return 1.0 if wrong >= count else float(betaincinv(wrong + 1, count - wrong, 1.0 - level))


def exact_interval(wrong: int, count: int, level: float = LEVEL) -> tuple[float, float]:
    """The exact two-sided confidence interval of a share (Clopper and Pearson 1934).

    >>> tuple(round(end, 3) for end in exact_interval(1, 20))
    (0.001, 0.249)
    """
    from scipy.special import betaincinv

    if count == 0:
        return 0.0, 1.0
    low = 0.0 if wrong == 0 else float(betaincinv(wrong, count - wrong + 1, level / 2))
    return low, upper_bound(wrong, count, level / 2)


def evidence(wrong: int, count: int, bound: float) -> float:
    """How strongly what was audited speaks for a share of wrong labels above `bound`; 1 before the first audit.

    May be looked at after every audit: where the bound holds it ever exceeds `BROKEN` with a chance of 5 % at most.
    """
    shares = bound + (1.0 - bound) * (np.arange(GRID) + 0.5) / GRID
    logs = wrong * np.log(shares / bound) + (count - wrong) * np.log((1.0 - shares) / (1.0 - bound))
    weights = (1.0 - shares) ** 4
    top = float(logs.max())
    return float(np.exp(min(top, 700.0)) * np.average(np.exp(logs - top), weights=weights))


def is_broken(wrong: int, count: int, bound: float) -> bool:
    """Whether the bound does not hold, by all that was audited so far."""
    return evidence(wrong, count, bound) >= BROKEN
