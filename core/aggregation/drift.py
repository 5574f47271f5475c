"""Whether a stream of numbers has fallen: ADWIN, which asks of every cut whether both sides have the same mean.

Bifet and Gavaldà 2007, "Learning from time-changing data with adaptive windowing", SIAM SDM: equation 3.1, with every
cut of the window (ADWIN0) and one side only, since what rises needs no new model.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

DELTA = 0.05
"""About how often a stream that does not fall is taken for one that does."""
MIN_SIDE = 10
"""So many numbers have to stand on each side of a cut."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known from before the stream: so many numbers in [0, 1] with this mean and variance."""

    count: int = 0
    mean: float = 0.0
    variance: float = 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A fall. at: how many of the stream lie before it; before, after: the means of both sides."""

    at: int
    before: float
    after: float


def fallen(values: NDArray[Any], reference: Reference | None = None, delta: float = DELTA) -> Change | None:
    """The clearest fall in a stream, if there is one.

    Args:
        values: numbers in [0, 1], the oldest first.
        reference: stands before the stream; no cut goes through it.
    """
    known = reference or Reference()
    size = known.count + len(values)
    cuts = np.arange(len(values))
    left, right = known.count + cuts, len(values) - cuts
    allowed = (left >= MIN_SIDE) & (right >= MIN_SIDE)
    if not allowed.any():
        return None
    cuts, left, right = cuts[allowed], left[allowed], right[allowed]
    sums = np.concatenate(([0.0], np.cumsum(values)))
    before = (known.count * known.mean + sums[cuts]) / left
    after = (sums[-1] - sums[cuts]) / right
    margin = before - after - _bound(_variance(values, known), left, right, log(log(size) / delta))
    best = int(margin.argmax())
    return Change(int(cuts[best]), float(before[best]), float(after[best])) if margin[best] > 0 else None


def _bound(variance: float, left: NDArray[Any], right: NDArray[Any], surprise: float) -> NDArray[Any]:
    """The greatest difference of two means that chance explains."""
    harmonic = 1.0 / (1.0 / left + 1.0 / right)
    bound: NDArray[Any] = np.sqrt(2.0 * variance * surprise / harmonic) + 2.0 * surprise / (3.0 * harmonic)
    return bound


def _variance(values: NDArray[Any], known: Reference) -> float:
    size = known.count + len(values)
    mean = (known.count * known.mean + values.sum()) / size
    spread = known.count * (known.variance + (known.mean - mean) ** 2) + ((values - mean) ** 2).sum()
    return float(spread / size)
