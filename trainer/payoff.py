"""Whether choosing by doubt pays in a project: both ways are replayed on the labels that it has. Pure.

Some of the labels were drawn by chance, whatever a model thought; they are the measure. From the others a part is taken
to begin with, and as many again are added either by the doubt of the model that the beginning gives, or by chance. Ten
times over, the two models that come of it answer the same measure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.arrays import Floats, Ints
from trainer.linear import fit
from trainer.selection import SEED, Vectors, doubtful_order, margin_doubt

REPEATS = 10
LEAST_POOL, LEAST_MEASURE = 60, 30
"""Of fewer labels nothing is said, and items are chosen."""
BEGINNING, ADDED = 0.25, 0.25
"""Shares of the labels that each replay begins with, and adds."""
SURE = 2.0
"""So many standard errors below nothing are taken for a loss."""


@dataclass(frozen=True, slots=True)
class Payoff:
    """What choosing gained on the measure, against chance: a difference of accuracies, its standard error, and n."""

    gain: float
    error: float
    measured_on: int

    @property
    def pays(self) -> bool:
        """Whether to go on choosing: nothing speaks against it."""
        return self.gain >= -SURE * self.error


def enough(drawn: NDArray[np.bool_]) -> bool:
    """Whether there are enough labels to say anything. drawn: which of them no model has chosen."""
    held = int(drawn.sum())
    return held >= LEAST_MEASURE and len(drawn) - held >= LEAST_POOL


def measure(vectors: Vectors, labels: Ints, drawn: NDArray[np.bool_]) -> Payoff:
    """Replay both ways on a project's labels, of which there are `enough`.

    Args:
        vectors: of the labeled items. labels: theirs, as indices. drawn: which of them no model has chosen.
    """
    pool, held = np.flatnonzero(~drawn), np.flatnonzero(drawn)
    gains = np.zeros(len(held))
    for repeat in range(REPEATS):
        order = np.random.default_rng(SEED + repeat).permutation(pool)
        first, rest = np.split(order, [int(BEGINNING * len(pool))])
        chosen = _replay(vectors, labels, first, rest)
        gains += _right(vectors, labels, [*first, *rest[chosen]], held)
        gains -= _right(vectors, labels, [*first, *rest[: len(chosen)]], held)
    gains /= REPEATS
    return Payoff(float(gains.mean()), float(gains.std(ddof=1) / np.sqrt(len(gains))), len(gains))


def _replay(vectors: Vectors, labels: Ints, first: Ints, rest: Ints) -> Ints:
    said: Floats = fit(vectors[first], labels[first]).predict_proba(vectors[rest])
    return doubtful_order(margin_doubt(said), vectors[rest], int(ADDED * (len(first) + len(rest))))


def _right(vectors: Vectors, labels: Ints, learned: list[int], held: Ints) -> Floats:
    said = fit(vectors[learned], labels[learned]).predict(vectors[held])
    right: Floats = (said == labels[held]).astype(np.float64)
    return right
