"""What production believes of a whole project: the model of `confusion`, fitted to all of its annotations at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.aggregation.annotations import Annotations
from core.aggregation.confusion import MATRIX_CLASSES, STRENGTH, Counts
from core.aggregation.dawid_skene import coin, fit
from core.aggregation.one_coin import fit_coins
from core.arrays import Floats

GROWTH = 0.05
"""A project is estimated anew after this share of new annotations, at least `MIN_NEW`."""
MIN_NEW = 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """Posteriors (items, classes), the matrix that all workers are drawn towards, P(label), and what workers answered.

    `counts` are expected answers: (workers, labels, answers), or (workers, 2) right and wrong where classes are many.
    """

    posteriors: Floats
    pooled: Floats
    prior: Floats
    counts: Floats


def is_grown(count: int, estimated: int) -> bool:
    """Whether `count` annotations are so many that what was estimated from `estimated` ones is to be estimated anew."""
    return abs(count - estimated) >= max(MIN_NEW, GROWTH * estimated)


def estimate(annotations: Annotations, fixed: Floats | None = None) -> Estimate:
    """Fit a project; above `MATRIX_CLASSES` classes by one coin for each worker, whose memory stays small.

    Args:
        fixed: known labels as (items, classes), NaN rows where unknown; verdicts and gold are never taken back.

    Raises:
        ValueError: the columns differ in length, or an index lies outside the shape.
    """
    classes = annotations.shape[2]
    if classes > MATRIX_CLASSES:
        coins = fit_coins(annotations, strength=STRENGTH, fixed=fixed)
        counts = np.stack([coins.correct, coins.wrong], axis=1)
        return Estimate(coins.posteriors, coin(coins.mean_accuracy, classes), coins.prior, counts)
    columns = annotations.items, annotations.workers, annotations.answers
    fitted = fit(*columns, annotations.shape, strength=STRENGTH, centre="coin", fixed=fixed)
    return Estimate(fitted.posteriors, fitted.pooled, fitted.prior, fitted.expected_counts)


def counts_of(estimated: Estimate, worker: int) -> Counts:
    """One worker's expected answers, as the online update goes on from them."""
    row = estimated.counts[worker].tolist()
    if estimated.counts.ndim == 2:
        return Counts(correct=row[0], wrong=row[1])
    return Counts(matrix=row)
