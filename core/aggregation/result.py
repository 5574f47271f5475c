"""What a method of aggregation yields, and the questions that one may put to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.aggregation.annotations import Annotations, expected_counts, incidence, normalise
from core.aggregation.confusion import MATRIX_CLASSES, STRENGTH
from core.aggregation.dawid_skene import coin
from core.arrays import Floats, Ints

TIE = 1e-9
"""Posteriors that are closer than this are equal."""


@dataclass(frozen=True, slots=True)
class Result:
    """Labels and workers as a method sees them.

    `posteriors` are P(label), shape (items, classes); `skills` the expected share of right answers of each worker.
    `confusion` is P(answer | label), shape (workers, classes, classes), or nothing where classes are too many for it:
    then each worker's matrix is the coin of their skill (`confusion_of`).
    """

    posteriors: Floats
    skills: Floats
    confusion: Floats | None


def labels_of(result: Result) -> tuple[Ints, Floats]:
    """The label of each item and the probability that it is right; a tie goes to the label that is likelier overall."""
    tied = _leading(result.posteriors)
    overall = result.posteriors.sum(axis=0)
    chosen = np.where(tied, overall, -1.0).argmax(axis=1)
    return chosen, result.posteriors[np.arange(len(chosen)), chosen]


def accuracy(result: Result, gold: Ints, answered: Ints) -> float | None:
    """Share of right labels among the items that have gold and answers; a tie of k labels is right by 1/k.

    Args:
        gold: the known label of each item; -1 where none is known, below -1 where it is none of the labels.
        answered: answers of each item.
    """
    asked = np.flatnonzero((gold != -1) & (answered > 0))
    if not len(asked):
        return None
    leading = _leading(result.posteriors[asked])
    hit = leading[np.arange(len(asked)), np.maximum(gold[asked], 0)] & (gold[asked] >= 0)
    return float((hit / leading.sum(axis=1)).mean())


def confusion_of(result: Result, worker: int) -> Floats:
    """P(answer | label) of one worker as a matrix of labels by answers."""
    if result.confusion is not None:
        matrix: Floats = result.confusion[worker]
        return matrix
    return coin(float(result.skills[worker]), result.posteriors.shape[1])


def with_matrices(annotations: Annotations, posteriors: Floats, skills: Floats) -> Result:
    """A result of a method that has no matrices of its own: what each worker answered, against the posteriors.

    Rows are drawn towards the coin of the worker's skill by `STRENGTH` pseudo-answers.
    """
    classes = posteriors.shape[1]
    if classes > MATRIX_CLASSES:
        return Result(posteriors, skills, None)
    counts = expected_counts(incidence(annotations), posteriors).transpose(0, 2, 1)
    off = ((1.0 - skills) / max(1, classes - 1))[:, None, None]
    coins = off + np.eye(classes) * (skills[:, None, None] - off)
    return Result(posteriors, skills, normalise(counts + STRENGTH * coins))


def _leading(posteriors: Floats) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    leading: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = posteriors >= posteriors.max(axis=1, keepdims=True) - TIE
    return leading
