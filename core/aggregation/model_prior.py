"""What a model says about an item as the prior of its consensus, and whether that helps. Pure.

By Bayes' rule P(label | answers, text) is proportional to P(label | answers) * P(label | text) / P(label), where
answers and text speak independently of each other given the label. A model is never taken to be surer than `TRUST`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np

TRUST = 0.95
"""Share of the model's probabilities in the prior; the rest is P(label), so that no label is ever ruled out."""
LEAST_ITEMS = 50
"""On fewer items nothing is measured, and the prior stays unused."""
SURE = 1.645
"""So many standard errors above nothing the gain has to be: 5 % one-sided."""
SMALLEST = 1e-9


@dataclass(frozen=True, slots=True)
class PriorGain:
    """What the prior did on items whose label is known: nats of log-likelihood gained per item, standard error, n."""

    gain: float
    error: float
    count: int

    @property
    def helps(self) -> bool:
        """Whether it was better beyond chance."""
        return self.count >= LEAST_ITEMS and self.gain > SURE * self.error


def believed(posterior: Sequence[float], said: Sequence[float], prior: Sequence[float]) -> list[float]:
    """P(label) from people and model together.

    Args:
        posterior: from people alone. said: the model's calibrated P(label). prior: P(label) over the whole job.

    >>> [round(p, 2) for p in believed([0.5, 0.5], [0.9, 0.1], [0.5, 0.5])]
    [0.88, 0.12]
    """
    weights = [
        one * (TRUST * model + (1.0 - TRUST) * usual) / max(usual, SMALLEST)
        for one, model, usual in zip(posterior, said, prior, strict=True)
    ]
    total = sum(weights)
    return [weight / total for weight in weights] if total > 0.0 else list(posterior)


def measure_gain(rows: Sequence[tuple[Sequence[float], Sequence[float], int]], prior: Sequence[float]) -> PriorGain:
    """Whether the prior brings the first answers nearer to the label that came of all.

    Args:
        rows: for each item P(label) from its first answers alone, what the model said, and the index of its label.
    """
    gains = [
        log(max(believed(first, said, prior)[label], SMALLEST)) - log(max(first[label], SMALLEST))
        for first, said, label in rows
    ]
    if len(gains) < 2:
        return PriorGain(0.0, 0.0, len(gains))
    return PriorGain(float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains))), len(gains))
