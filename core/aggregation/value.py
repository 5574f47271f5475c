"""What one more answer is worth: expected information about the label, against what an answer costs.

A rule of expected fall in error that looks one answer ahead is zero as soon as no single answer could change the
leading label, so it stops too early on items that two answers could turn. Mutual information does not have that
cliff: I(answer; label) = H(answer) - H(answer | label) (Lindley 1956).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from operator import mul

import numpy as np

from core.aggregation.confusion import MATRIX_CLASSES, Counts, Matrix, coin_accuracy, empty_counts, rows
from core.aggregation.dawid_skene import coin
from core.arrays import Floats

CHOOSINESS = 3
"""The power to which a worker counts. 0 would take anybody's answer at its worth, 1 and 2 let spammers cost more."""
MOST_QUALITY = 2.0
"""Nobody counts as more than so many times an average worker: how good they are is itself an estimate."""
REMEMBERED = 256
TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, slots=True)
class Channel:
    """How a worker's answers come from labels: what is the same for all items they might be asked about.

    columns: P(answer | label) of all labels, by answer. noise: entropy of each label's answers, in nats.
    right: P(correct) of the one coin that stands for a matrix; both others are empty then.
    """

    columns: tuple[tuple[float, ...], ...] = ()
    noise: tuple[float, ...] = ()
    right: float = 0.0


def channel(counts: Counts, pooled: Matrix) -> Channel:
    """That of one worker, in O(classes squared)."""
    if counts.matrix is None:
        mean = sum(pooled[label][label] for label in range(len(pooled))) / len(pooled)
        return Channel(right=coin_accuracy(counts, mean))
    matrix = rows(counts, pooled)
    return Channel(tuple(zip(*matrix, strict=True)), tuple(map(entropy, matrix)))


def told(posterior: Sequence[float], worker: Channel) -> float:
    """Nats that this worker's answer is expected to tell about an item, from 0 to log(classes)."""
    if not worker.columns:
        return _coin_information(posterior, worker.right)
    answers = [sum(map(mul, posterior, column)) for column in worker.columns]
    noise: float = sum(map(mul, posterior, worker.noise))
    return max(0.0, entropy(answers) - noise)


def expected_information(posterior: Sequence[float], counts: Counts, pooled: Matrix) -> float:
    """As `told`, for one item: O(classes squared) with a matrix, O(classes) with one coin."""
    return told(posterior, channel(counts, pooled))


def average_channel(pooled: Matrix) -> Channel:
    """That of a worker about whom nothing is known; remembered for the `REMEMBERED` crowds that were asked for last."""
    return _average_channel(tuple(map(tuple, pooled)))


def fresh_information(prior: Sequence[float], pooled: Matrix) -> float:
    """Nats that an average worker's answer tells about an item nobody has answered; remembered likewise."""
    return _fresh_information(tuple(prior), tuple(map(tuple, pooled)))


@lru_cache(maxsize=REMEMBERED)
def _average_channel(pooled: tuple[tuple[float, ...], ...]) -> Channel:
    return channel(empty_counts(len(pooled)), pooled)


@lru_cache(maxsize=REMEMBERED)
def _fresh_information(prior: tuple[float, ...], pooled: tuple[tuple[float, ...], ...]) -> float:
    return told(prior, _average_channel(pooled))


def _coin_information(posterior: Sequence[float], right: float) -> float:
    off = (1.0 - right) / (len(posterior) - 1)
    noise = entropy([right]) + (len(posterior) - 1) * entropy([off])
    return max(0.0, entropy([p * right + (1.0 - p) * off for p in posterior]) - noise)


def entropy(probabilities: Sequence[float]) -> float:
    """Shannon entropy of a distribution, in nats."""
    return -sum([p * log(p) for p in probabilities if p > 0.0])  # a list: half the time of a generator


def average_information(posteriors: Floats, pooled: Matrix | Floats) -> Floats:
    """Nats that an average worker's answer is expected to tell about many items at once, shape (items,).

    Args:
        posteriors: P(label), shape (items, classes). pooled: P(answer | label), a label in each row.
    """
    matrix = np.asarray(pooled, dtype=np.float64)
    if len(matrix) > MATRIX_CLASSES:  # one coin, as of a worker about whom nothing is known
        matrix = coin(float(np.diagonal(matrix).mean()), len(matrix))
    noise = _row_entropies(matrix)
    told = _row_entropies(posteriors @ matrix) - posteriors @ noise
    return np.maximum(told, 0.0)


def _row_entropies(shares: Floats) -> Floats:
    """`entropy` of each row. That of scipy would take twenty megabytes in every process."""
    found: Floats = -(shares * np.log(np.maximum(shares, TINY))).sum(axis=1)
    return found


def worth(information: float, own: float, fresh: float) -> float:
    """What an answer by one worker is worth: what it tells, times the cube of how they compare with an average one.

    In shares of what an average answer tells about a fresh item. The cube is what makes a crowd cheap, and spammers
    harmless: whatever is passed over can be had from somebody better for the same price.

    Args:
        information: nats that it is expected to tell about its item.
        own, fresh: nats that an answer about a fresh item tells, by this worker and by an average one.

    >>> round(worth(0.1, 0.2, 0.2), 3), round(worth(0.1, 0.1, 0.2), 3)
    (0.5, 0.062)
    """
    if fresh <= 0.0:
        return 0.0
    quality = min(MOST_QUALITY, own / fresh)
    return information / fresh * quality**CHOOSINESS


def pays(
    posterior: Sequence[float], prior: Sequence[float], counts: Counts, pooled: Matrix, information: float
) -> bool:
    """Whether this worker's answer about this item pays: whether its `worth` exceeds the constant.

    Args:
        information: the share of what an average answer tells about a fresh item that an answer has to be worth.
    """
    worker = channel(counts, pooled)
    return worth(told(posterior, worker), told(prior, worker), fresh_information(prior, pooled)) > information


def worth_asking(
    posterior: Sequence[float], prior: Sequence[float], pooled: Matrix, error_cost: float, slack: float = 1.0
) -> bool:
    """Whether an average worker's further answer pays.

    It pays while it is expected to tell more than 1/`error_cost` of what it would tell about a fresh item.

    Args:
        error_cost: how many answers one wrong label costs; larger asks on for longer.
        slack: above 1 makes stopping easier; keeps a decided item decided through small changes.
    """
    return told(posterior, average_channel(pooled)) > slack * fresh_information(prior, pooled) / error_cost
