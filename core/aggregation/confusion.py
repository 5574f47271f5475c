"""The worker model that all of consensus shares: Dirichlet counts around the project's pooled confusion matrix.

A worker's P(answer | label) is the posterior mean of a Dirichlet whose prior is the pooled matrix of the project times
`STRENGTH` (hierarchical Dawid-Skene; Dawid & Skene 1979, with the prior of Kim & Ghahramani 2012). Above
`MATRIX_CLASSES` classes a matrix cannot be learnt from a person's answers, and one coin (correct or not) stands for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

STRENGTH = 4.0
"""Pseudo-answers per row that the pooled matrix is worth."""
MATRIX_CLASSES = 20
DEFAULT_ACCURACY = 0.7
FLOOR = 1e-4
"""No answer is ever impossible: one slip must not outweigh everybody else."""

Matrix = Sequence[Sequence[float]]


@dataclass(slots=True)
class Counts:
    """Expected answers of one worker: `matrix[label][answer]`, or the coin's two sides where classes are many."""

    matrix: list[list[float]] | None = None
    correct: float = 0.0
    wrong: float = 0.0


def empty_counts(classes: int) -> Counts:
    """Of a worker who has not answered yet."""
    if classes > MATRIX_CLASSES:
        return Counts()
    return Counts(matrix=[[0.0] * classes for _ in range(classes)])


def total(counts: Counts) -> float:
    """How many answers have been counted."""
    if counts.matrix is None:
        return counts.correct + counts.wrong
    return sum(map(sum, counts.matrix))


def default_pooled(classes: int) -> list[list[float]]:
    """The pooled matrix before any re-estimation: `DEFAULT_ACCURACY` on the diagonal."""
    off = (1.0 - DEFAULT_ACCURACY) / (classes - 1)
    return [[DEFAULT_ACCURACY if answer == label else off for answer in range(classes)] for label in range(classes)]


def coin_accuracy(counts: Counts, pooled_accuracy: float) -> float:
    """P(correct) of a worker under the one-coin model."""
    total = counts.correct + counts.wrong + STRENGTH
    return (counts.correct + STRENGTH * pooled_accuracy) / total


def column(counts: Counts, pooled: Matrix, answer: int) -> list[float]:
    """P(`answer` | label) for each label, in O(classes)."""
    classes = len(pooled)
    if counts.matrix is None:
        right = coin_accuracy(counts, _mean_diagonal(pooled))
        off = max((1.0 - right) / (classes - 1), FLOOR)
        return [right if label == answer else off for label in range(classes)]
    cells = []
    for label in range(classes):
        row = counts.matrix[label]
        cells.append(max((row[answer] + STRENGTH * pooled[label][answer]) / (sum(row) + STRENGTH), FLOOR))
    return cells


def rows(counts: Counts, pooled: Matrix) -> list[list[float]]:
    """P(answer | label) as a whole matrix, in O(classes squared); for up to `MATRIX_CLASSES` classes."""
    if counts.matrix is None:
        raise ValueError("a one-coin worker has no matrix")
    result = []
    for row, prior in zip(counts.matrix, pooled, strict=True):
        total = sum(row) + STRENGTH
        result.append([(cell + STRENGTH * p) / total for cell, p in zip(row, prior, strict=True)])
    return result


def add_answer(counts: Counts, posterior: Sequence[float], answer: int, weight: float = 1.0) -> None:
    """Count one answer against what the label probably is; a negative `weight` takes it back."""
    if counts.matrix is None:
        counts.correct = max(0.0, counts.correct + weight * posterior[answer])
        counts.wrong = max(0.0, counts.wrong + weight * (1.0 - posterior[answer]))
        return
    for label, probability in enumerate(posterior):
        counts.matrix[label][answer] = max(0.0, counts.matrix[label][answer] + weight * probability)


def accuracy(counts: Counts, pooled: Matrix, prior: Sequence[float]) -> float:
    """Expected share of right answers of a worker, under the class prior."""
    if counts.matrix is None:
        return coin_accuracy(counts, _mean_diagonal(pooled))
    matrix = rows(counts, pooled)
    return sum(p * matrix[label][label] for label, p in enumerate(prior))


def _mean_diagonal(pooled: Matrix) -> float:
    return sum(pooled[label][label] for label in range(len(pooled))) / len(pooled)
