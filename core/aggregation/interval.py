"""How sure a share is that was seen in a sample."""

from __future__ import annotations

from math import sqrt

NORMAL_95 = 1.959964
"""Quantile of the normal distribution that leaves 95 % between its two signs."""


def wilson_interval(hits: float, trials: float, quantile: float = NORMAL_95) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927): sane for few trials and for shares near 0 and 1.

    >>> tuple(round(bound, 3) for bound in wilson_interval(1, 12))
    (0.015, 0.354)
    """
    if trials == 0:
        return 0.0, 1.0
    share, weight = hits / trials, quantile**2 / trials
    centre = (share + weight / 2) / (1 + weight)
    half = quantile * sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    return max(0.0, centre - half), min(1.0, centre + half)
