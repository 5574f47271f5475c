"""Small steps of the information that a further answer has to tell, towards what a coordinator aims at.

Both multiply it by a power of how far off the aim is, within `STEP`, so that they settle instead of swinging: what was
decided since the last step shows only in the next one.
"""

from __future__ import annotations

LEAST, MOST = 0.002, 0.4
"""Bounds: below, answers are asked for that tell nothing; above, too few items get a second one to know people by."""
STEP = 1.25
"""The largest factor of one step."""
GAIN = 0.5
"""The power; below 1, because a step shows its effect late."""
NEAR = 0.02
"""Relative distance from the aim that is left alone."""


def toward_accuracy(information: float, expected: float, target: float) -> float:
    """The information after one step, where `expected` is the share of labels that are right, and `target` wanted.

    >>> toward_accuracy(0.1, 0.90, 0.95) < 0.1 < toward_accuracy(0.1, 0.98, 0.95)
    True
    """
    return _step(information, (1.0 - target) / max(1.0 - expected, 1e-4))


def toward_budget(information: float, left: float, needed: float) -> float:
    """The information after one step, where so many answers are `left`, and about so many are `needed`.

    >>> toward_budget(0.1, 500, 1000) > 0.1 > toward_budget(0.1, 2000, 1000)
    True
    """
    return _step(information, max(needed, 1.0) / max(left, 1.0))


def _step(information: float, off: float) -> float:
    if abs(off - 1.0) < NEAR:
        return information
    factor = float(min(max(off**GAIN, 1.0 / STEP), STEP))
    return min(max(information * factor, LEAST), MOST)
