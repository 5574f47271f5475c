"""One-coin Dawid-Skene: each worker is right with one probability, whatever the label, and errs evenly.

The homogeneous model of Dawid & Skene (1979) as in Zhang et al., "Spectral methods meet EM" (2014), with a Beta prior
for each worker around the mean accuracy of all. One number per worker, so memory does not grow with the square of the
classes: this is the model for many of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.aggregation.annotations import Annotations, check, count_votes, furthest, pin, softmax, sum_by, teaching, vote
from core.aggregation.confusion import DEFAULT_ACCURACY, FLOOR
from core.aggregation.dawid_skene import POOLED_STRENGTH
from core.arrays import Floats


@dataclass(frozen=True, slots=True)
class CoinFit:
    """Fitted: posteriors (items, classes), expected right and wrong answers of each worker, their accuracy.

    `mean_accuracy` is what workers are drawn towards, `prior` P(label) before any answer.
    """

    posteriors: Floats
    correct: Floats
    wrong: Floats
    accuracies: Floats
    mean_accuracy: float
    prior: Floats


def fit_coins(
    annotations: Annotations,
    *,
    iterations: int = 50,
    strength: float = 4.0,
    fixed: Floats | None = None,
    tolerance: float = 1e-5,
) -> CoinFit:
    """Estimate labels and workers from annotations by EM.

    Args:
        iterations: at most this many rounds.
        strength: pseudo-answers that the mean accuracy is worth for each worker.
        fixed: known labels as (items, classes), NaN rows where unknown; they never move.
        tolerance: stop when no posterior moves further than this.

    Raises:
        ValueError: the columns differ in length, or an index lies outside the shape.
    """
    check(annotations)
    votes = count_votes(annotations)
    teaches = teaching(votes, fixed)[annotations.items].astype(np.float64)
    fitted = _learn(annotations, _start(votes, fixed), teaches, strength)
    for _ in range(max(1, iterations)):
        posteriors = pin(_infer(annotations, fitted), fixed)
        moved = furthest(posteriors, fitted.posteriors)
        fitted = _learn(annotations, posteriors, teaches, strength)
        if moved < tolerance:
            break
    return fitted


def _learn(annotations: Annotations, posteriors: Floats, teaches: Floats, strength: float) -> CoinFit:
    worker_count = annotations.shape[1]
    right = posteriors[annotations.items, annotations.answers] * teaches
    correct = sum_by(annotations.workers, right, worker_count)
    given = sum_by(annotations.workers, teaches, worker_count)
    mean = (correct.sum() + POOLED_STRENGTH * DEFAULT_ACCURACY) / (given.sum() + POOLED_STRENGTH)
    accuracies = np.clip((correct + strength * mean) / (given + strength), FLOOR, 1.0 - FLOOR)
    prior = posteriors.sum(axis=0) + 1.0
    return CoinFit(posteriors, correct, given - correct, accuracies, float(mean), prior / prior.sum())


def _infer(annotations: Annotations, fitted: CoinFit) -> Floats:
    """Each answer adds the log-odds of its worker to the label it names; what it adds to all labels alike cancels."""
    classes = annotations.shape[2]
    odds = np.log(fitted.accuracies * max(1, classes - 1) / (1.0 - fitted.accuracies))
    return softmax(vote(annotations, odds[annotations.workers]) + np.log(fitted.prior))


def _start(votes: Floats, fixed: Floats | None) -> Floats:
    totals = votes.sum(axis=1, keepdims=True)
    return pin(np.where(totals > 0, votes / np.maximum(totals, 1.0), 1.0 / votes.shape[1]), fixed)
