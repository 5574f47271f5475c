"""Dawid-Skene by EM over a table of annotations, vectorised; plain or with hierarchical Dirichlet priors.

Dawid & Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm" (1979): P(label) per item
and P(answer | label) per worker are estimated in turn. With a prior, each worker's matrix is drawn towards the pooled
matrix of all workers, which keeps people with few answers sane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.aggregation.confusion import default_pooled

POOLED_STRENGTH = 10.0
"""Pseudo-answers per row that the default matrix is worth in the pooled one."""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EPSILON = 1e-10
"""Counts are not let below it; on sparse tables its size matters, and this is crowd-kit's."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Fitted: posteriors (items, classes), confusion (workers, classes, classes), pooled matrix, prior (classes)."""

    posteriors: Floats
    confusion: Floats
    expected_counts: Floats
    pooled: Floats
    prior: Floats


def fit(
    items: Ints,
    workers: Ints,
    answers: Ints,
    shape: tuple[int, int, int],
    *,
    iterations: int = 20,
    strength: float = 4.0,
    fixed: Floats | None = None,
    tolerance: float = 1e-5,
) -> Fit:
    """Estimate labels and workers from annotations.

    Args:
        items, workers, answers: one entry per annotation, each an index from 0; shape (annotations,).
        shape: numbers of items, workers and classes.
        iterations: at most this many rounds of EM.
        strength: pseudo-answers that the pooled matrix is worth in each row; 0 is plain Dawid-Skene. Above 0 the
            pooled matrix has a prior of its own, and items with a single answer teach nothing about workers: their
            posterior is the answer itself, and learning from it runs away.
        fixed: known labels as (items, classes), NaN rows where unknown; verdicts and gold are never taken back.
        tolerance: stop when no posterior moves further than this.

    Raises:
        ValueError: the three columns differ in length, or an index lies outside `shape`.
    """
    _check(items, workers, answers, shape)
    item_count, worker_count, classes = shape
    votes = _sum_by(items, np.eye(classes)[answers], item_count)
    posteriors = _pin(_normalise(np.maximum(votes, EPSILON)), fixed)
    order = np.argsort(items, kind="stable")
    items, workers, answers = items[order], workers[order], answers[order]
    cell = workers * classes + answers
    teaches = (np.bincount(items, minlength=item_count)[items] > 1)[:, None] if strength else 1.0
    default = np.array(default_pooled(classes)) * (POOLED_STRENGTH if strength else 0.0)
    for _ in range(iterations):
        counts = _sum_by(cell, posteriors[items] * teaches, worker_count * classes)
        counts = counts.reshape(worker_count, classes, classes).transpose(0, 2, 1)  # (workers, labels, answers)
        pooled = _normalise(np.maximum(counts.sum(axis=0) + default, EPSILON))
        confusion = _normalise(np.maximum(counts + strength * pooled[None], EPSILON))
        prior = _normalise(np.maximum(posteriors.sum(axis=0) + (1.0 if strength else 0.0), EPSILON))
        updated = _pin(_posteriors(items, workers, answers, confusion, prior, item_count), fixed)
        moved = float(np.abs(updated - posteriors).max(initial=0.0))
        posteriors = updated
        if moved < tolerance:
            break
    return Fit(posteriors, confusion, counts, pooled, prior)


def _posteriors(items: Ints, workers: Ints, answers: Ints, confusion: Floats, prior: Floats, item_count: int) -> Floats:
    log_confusion = np.log(confusion)
    log_likelihood = _sum_by(items, log_confusion[workers, :, answers], item_count) + np.log(prior)
    log_likelihood -= log_likelihood.max(axis=1, keepdims=True)
    return _normalise(np.exp(log_likelihood))


def _sum_by(index: Ints, values: Floats, size: int) -> Floats:
    columns = [np.bincount(index, weights=values[:, column], minlength=size) for column in range(values.shape[1])]
    return np.stack(columns, axis=1)


def _normalise(values: Floats) -> Floats:
    result: Floats = values / values.sum(axis=-1, keepdims=True)
    return result


def _pin(posteriors: Floats, fixed: Floats | None) -> Floats:
    if fixed is None:
        return posteriors
    return np.where(np.isnan(fixed), posteriors, fixed)


def _check(items: Ints, workers: Ints, answers: Ints, shape: tuple[int, int, int]) -> None:
    if not len(items) == len(workers) == len(answers):
        raise ValueError("items, workers and answers differ in length")
    for name, column, size in zip(("item", "worker", "answer"), (items, workers, answers), shape, strict=True):
        if len(column) and (column.min() < 0 or column.max() >= size):
            raise ValueError(f"{name} index outside 0..{size - 1}")
