"""How unlikely a count is, as powers of ten, by a bound that holds for any number of trials."""

from __future__ import annotations

import numpy as np

from core.aggregation.finding import Column
from core.arrays import Floats


def tail(hits: Column, trials: Column, expected: Column) -> Floats:
    """Powers of ten against at least so many hits among independent trials; 0 where there are not more than expected.

    P(hits or more) <= exp(-n KL(hits/n || expected/n)): Chernoff 1952; for trials of unequal chances Hoeffding 1956.

    >>> [round(float(one), 1) for one in tail(np.array([20.0, 5.0]), np.array([20.0, 20.0]), np.array([10.0, 10.0]))]
    [6.0, 0.0]
    """
    trials = np.maximum(trials, 1.0)
    share, chance = np.clip(hits / trials, 0.0, 1.0), np.clip(expected / trials, 1e-9, 1.0 - 1e-9)
    miss = 1.0 - share
    gain = share * np.log(np.maximum(share, 1e-300) / chance)
    loss = miss * np.log(np.maximum(miss, 1e-300) / (1.0 - chance))
    powers: Floats = np.where(share > chance, trials * (gain + loss) / np.log(10.0), 0.0)
    return powers
