"""What an expert's verdict on a disputed item is worth: which one to ask for first."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

URGENT_HOURS = 24.0
"""A deadline this near has two thirds of its full weight still to come."""
URGENCY = 2.0
"""By how much a deadline that is over adds to the weight of a job without one, which is 1."""
TEACHING = 0.1
"""What each answer adds that the verdict lets us judge, relative to the error that it removes."""
MOST_TAUGHT = 10
PRIORITY_STEP = 10.0
"""Twice the weight for so many points of priority more."""


def verdict_value(posterior: Sequence[float], answers: int, priority: int, hours_left: float | None) -> float:
    """Expected error that a verdict removes, weighted by how much it is needed; larger is asked first.

        value = (1 - max posterior) * (1 + 0.1 * min(answers, 10)) * 2^(priority / 10) * (1 + 2 * exp(-hours / 24))

    The first factor is the probability that the leading label is wrong, which is what a verdict takes away. The second
    is what it teaches: the confusion matrix of everybody who answered is calibrated by it. The last two are the
    coordinator's words about the job; a deadline that is over counts as zero hours, none as infinitely many.

    >>> verdict_value([0.5, 0.5], 0, 0, None)
    0.5
    >>> verdict_value([0.9, 0.1], 2, 0, None) < verdict_value([0.5, 0.5], 2, 0, None)
    True
    """
    wrong = 1.0 - max(posterior, default=0.0)
    teaches = 1.0 + TEACHING * min(answers, MOST_TAUGHT)
    urgent = 1.0 if hours_left is None else 1.0 + URGENCY * exp(-max(0.0, hours_left) / URGENT_HOURS)
    return float(wrong * teaches * 2.0 ** (priority / PRIORITY_STEP) * urgent)
