"""A table of annotations as index columns, and the sums over it that every method of aggregation is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import Bools, Floats, Ints

if TYPE_CHECKING:
    from scipy import sparse

EPSILON = 1e-10
"""Counts are not let below it; on sparse tables its size matters, and this is crowd-kit's."""
SHORT_ROW = 16
"""Up to so many cells a row is faster gone through column by column than by numpy's reduction of rows."""


@dataclass(frozen=True, slots=True)
class Annotations:
    """Entry i of the three columns says that a worker gave an item an answer, each as an index from 0.

    `shape` has the numbers of items, workers and classes; whatever has no annotation may be counted there, too.
    """

    items: Ints
    workers: Ints
    answers: Ints
    shape: tuple[int, int, int]


def check(annotations: Annotations) -> None:
    """Refuse a table that cannot be.

    Raises:
        ValueError: the three columns differ in length, or an index lies outside `shape`.
    """
    columns = (annotations.items, annotations.workers, annotations.answers)
    if len({len(column) for column in columns}) > 1:
        raise ValueError("items, workers and answers differ in length")
    for name, column, size in zip(("item", "worker", "answer"), columns, annotations.shape, strict=True):
        if len(column) and (column.min() < 0 or column.max() >= size):
            raise ValueError(f"{name} index outside 0..{size - 1}")


def count_votes(annotations: Annotations) -> Floats:
    """How often each label was given to each item, shape (items, classes)."""
    return vote(annotations, np.ones(len(annotations.items)))


def vote(annotations: Annotations, weights: Floats) -> Floats:
    """The sum of the weights of the annotations that gave each label to each item, shape (items, classes)."""
    item_count, _, classes = annotations.shape
    cells = annotations.items * classes + annotations.answers
    return sum_by(cells, weights, item_count * classes).reshape(item_count, classes)


def sum_by(index: Ints, values: Floats, size: int) -> Floats:
    """The sum of the values at each index."""
    return np.bincount(index, weights=values, minlength=size).astype(np.float64, copy=False)


def incidence(annotations: Annotations) -> sparse.csr_array:
    """A sparse matrix (items, workers * classes) with a 1 where that worker gave that item that answer.

    Times log P(answer | label) it is the log-likelihood of each item; transposed, times posteriors, the expected counts
    of each worker. Twelve bytes per annotation.
    """
    from scipy import sparse  # twenty megabytes, for those who estimate: whoever takes answers does without

    item_count, worker_count, classes = annotations.shape
    width = worker_count * classes
    order = np.argsort(annotations.items, kind="stable")
    small = np.int32 if max(width, len(order)) < np.iinfo(np.int32).max else np.int64
    cells = annotations.workers[order] * classes + annotations.answers[order]
    ends = np.cumsum(np.bincount(annotations.items, minlength=item_count))
    starts = np.concatenate([[0], ends]).astype(small)
    return sparse.csr_array((np.ones(len(order)), cells.astype(small), starts), shape=(item_count, width))


def expected_counts(given: sparse.csr_array, posteriors: Floats) -> Floats:
    """How often each worker is expected to have given each answer to each label, shape (workers, answers, labels)."""
    classes = posteriors.shape[1]
    counts: Floats = (given.T @ posteriors).reshape(-1, classes, classes)
    return counts


def teaching(votes: Floats, fixed: Floats | None) -> Bools:
    """Whether the answers of an item teach about their workers, shape (items,): several do, and all where it is known.

    What is believed of an item with one answer is that answer itself; learning from it drifts towards noise.
    """
    several: Bools = votes.sum(axis=1) > 1
    return several if fixed is None else several | ~np.isnan(fixed).any(axis=1)


def pin(posteriors: Floats, fixed: Floats | None) -> Floats:
    """Put known labels, which are NaN where unknown, in the place of posteriors."""
    return posteriors if fixed is None else np.where(np.isnan(fixed), posteriors, fixed)


def furthest(one: Floats, other: Floats) -> float:
    """The largest difference of two cells."""
    difference = one - other
    np.abs(difference, out=difference)
    return float(difference.max(initial=0.0))


def normalise(values: Floats) -> Floats:
    """Scale the last axis to a sum of one."""
    result: Floats = values / values.sum(axis=-1, keepdims=True)
    return result


def softmax(log_likelihood: Floats) -> Floats:
    """Posteriors from log-likelihoods, in place: rows of any size, without underflow of the largest."""
    if log_likelihood.shape[1] > SHORT_ROW:
        log_likelihood -= log_likelihood.max(axis=1, keepdims=True)
        np.exp(log_likelihood, out=log_likelihood)
        log_likelihood /= log_likelihood.sum(axis=1, keepdims=True)
        return log_likelihood
    columns = log_likelihood.T
    highest = columns[0].copy()
    for column in columns[1:]:
        np.maximum(highest, column, out=highest)
    columns -= highest
    np.exp(log_likelihood, out=log_likelihood)
    total = columns[0].copy()
    for column in columns[1:]:
        total += column
    columns /= total
    return log_likelihood
