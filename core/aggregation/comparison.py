"""Whether one model is better than another on the same items, and whether new labels speak against the old ones.

Pure functions over arrays with one entry per item. The error rates are one-sided: of candidates that are worse than
the champion, or just as good, at most `ALPHA` are taken for better.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, norm

ALPHA = 0.05
"""The stated error rate of a comparison: how often a model that is no better passes for better."""
CLASS_ALPHA = 0.1
"""How often, over all classes together, a class that did not fall is taken for one that did."""
CLASS_FALL = 0.05
"""A class may lose this share of its items whatever chance says; less is nothing to stop a better model for."""
SURPRISE = 0.01
"""How often new labels as good as the old ones are taken for suspicious."""
SURPRISE_SHARE = 0.08
"""Fewer contradictions above what was to be expected, as a share of the new labels, are nothing to ask about."""
MIN_OLD, MIN_NEW = 10, 20
"""Labels that there have to be on each side before anything is said about the new ones."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Paired:
    """Items that one of two models alone got right. won: the candidate alone; lost: the champion alone.

    p: how probable so many wins are where the candidate is no better (mid-p of McNemar's test, one-sided).
    """

    won: int
    lost: int
    p: float

    @property
    def is_better(self) -> bool:
        """Whether more wins than losses are more than chance."""
        return self.p < ALPHA


@dataclass(frozen=True, slots=True)
class Fall:
    """A class on which the candidate is worse beyond noise. before, after: share of its items that each got right."""

    label: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Surprise:
    """New labels that contradict a model more than they should. seen, expected: shares of them; count: all of them."""

    seen: float
    expected: float
    count: int


def paired(candidate: Array, champion: Array) -> Paired:
    """Compare two models on the same items.

    The mid-p variant keeps the level on average over what holdouts there may be, and is less timid than the exact test
    (Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91).

    Args:
        candidate, champion: whether each got an item right, of equal length.
    """
    won, lost = int((candidate & ~champion).sum()), int((champion & ~candidate).sum())
    return Paired(won, lost, mid_p(won, lost))


def mid_p(won: int, lost: int) -> float:
    """P(more wins) + P(as many wins) / 2, where each of `won + lost` is a win or a loss by chance.

    >>> round(mid_p(5, 0), 4), round(mid_p(3, 3), 2)
    (0.0156, 0.5)
    """
    trials = won + lost
    return float(binom.sf(won, trials, 0.5) + binom.pmf(won, trials, 0.5) / 2)


def worst_fall(candidate: Array, champion: Array, truth: Array) -> Fall | None:
    """The class that falls furthest of those that fall beyond noise, if any does.

    Args:
        candidate, champion: whether each got an item right.
        truth: the items' classes, as indices.
    """
    differing = [int(label) for label in np.unique(truth[candidate != champion])]
    falls = []
    for label in differing:
        mine = truth == label
        before, after = float(champion[mine].mean()), float(candidate[mine].mean())
        chance = paired(champion[mine], candidate[mine]).p
        if before - after >= CLASS_FALL and chance < CLASS_ALPHA / len(differing):
            falls.append(Fall(label, before, after))
    return max(falls, key=lambda fall: fall.before - fall.after, default=None)


def surprise(right: Array, sure: Array, new: Array) -> Surprise | None:
    """Whether new labels contradict a model more than its own doubt about those items explains.

    Items that are asked because they are hard are contradicted more often, and rightly so. Therefore what is compared
    is the gap between how sure the model was and how often it was right: on the new labels, and on the old ones.

    Args:
        right: whether the model says the label that was decided.
        sure: the model's calibrated probability of what it says.
        new: which labels it could not know when it was trained; it was trained on none of the others either.

    Returns:
        What was seen, where the excess is beyond chance and large enough to matter.
    """
    old = ~new
    if old.sum() < MIN_OLD or new.sum() < MIN_NEW:
        return None
    gap = sure - right
    usual = float(gap[old].mean())
    excess = float(gap[new].mean()) - usual
    spread = sqrt(_variance(gap[old]) + _variance(gap[new]))
    if excess < SURPRISE_SHARE or excess < spread * norm.isf(SURPRISE):
        return None
    expected = float(np.clip(1.0 - sure[new].mean() + usual, 0.0, 1.0))
    return Surprise(1.0 - float(right[new].mean()), expected, int(new.sum()))


def _variance(gap: Array) -> float:
    """Of the mean. With one item's worth of doubt added, so that a handful that all went well proves nothing."""
    return float((gap.var() * len(gap) + 0.25) / len(gap) ** 2)
