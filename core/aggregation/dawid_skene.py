"""Dawid-Skene by EM over a table of annotations, vectorised; plain or with Dirichlet priors shared by all workers.

Dawid & Skene, "Maximum likelihood estimation of observer error-rates using the EM algorithm" (1979): P(label) per item
and P(answer | label) per worker are estimated in turn. With a prior, each row of a worker's matrix is drawn towards a
matrix of the whole crowd, which keeps people with few answers sane (Kim & Ghahramani 2012). The crowd's matrix then has
a prior of its own, and items with a single answer teach nothing about workers unless their label is known: their
posterior is the answer itself, and learning from it runs away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.aggregation.annotations import (
    EPSILON,
    Annotations,
    check,
    count_votes,
    expected_counts,
    furthest,
    incidence,
    normalise,
    pin,
    softmax,
    teaching,
)
from core.aggregation.confusion import default_pooled
from core.arrays import Bools, Floats, Ints

if TYPE_CHECKING:
    from scipy import sparse

POOLED_STRENGTH = 10.0
"""Pseudo-answers per row that the default matrix is worth in the pooled one."""
Centre = Literal["pooled", "coin"]


@dataclass(frozen=True, slots=True)
class Fit:
    """Fitted: posteriors (items, classes), confusion (workers, classes, classes), pooled matrix, prior (classes).

    Rows of a matrix are labels, columns answers. `pooled` is what the workers' rows were drawn towards.
    """

    posteriors: Floats
    confusion: Floats
    expected_counts: Floats
    pooled: Floats
    prior: Floats


@dataclass(frozen=True, slots=True)
class _Crowd:
    """One M-step: counts and confusion stand as (workers, answers, labels), the order in which they are summed."""

    counts: Floats
    confusion: Floats
    pooled: Floats
    prior: Floats


@dataclass(frozen=True, slots=True)
class _Stop:
    """When EM is through, as `fit` describes it."""

    iterations: int
    tolerance: float
    least_gain: float | None


def fit(
    items: Ints,
    workers: Ints,
    answers: Ints,
    shape: tuple[int, int, int],
    *,
    iterations: int = 20,
    strength: float = 4.0,
    centre: Centre = "pooled",
    fixed: Floats | None = None,
    tolerance: float = 1e-5,
    least_gain: float | None = None,
) -> Fit:
    """Estimate labels and workers from annotations.

    Args:
        items, workers, answers: one entry per annotation, each an index from 0; shape (annotations,).
        shape: numbers of items, workers and classes.
        iterations: at most this many rounds of EM.
        strength: pseudo-answers that the matrix of the crowd is worth in each row; 0 is plain Dawid-Skene.
        centre: what workers are drawn towards: the "pooled" matrix of all, or the "coin" that is right as often as all
            of them are and errs evenly, so that no mistake about the crowd can feed on itself.
        fixed: known labels as (items, classes), NaN rows where unknown; verdicts and gold are never taken back.
        tolerance: stop when no posterior moves further than this.
        least_gain: stop as well when the bound on the log-likelihood gains less per annotation (crowd-kit's rule).

    Raises:
        ValueError: the three columns differ in length, or an index lies outside `shape`.
    """
    annotations = Annotations(items, workers, answers, shape)
    check(annotations)
    given, votes = incidence(annotations), count_votes(annotations)
    teaches = teaching(votes, fixed)[:, None] if strength else None
    learn = partial(_learn, given, teaches=teaches, strength=strength, centre=centre)
    first = pin(normalise(np.maximum(votes, EPSILON)), fixed)
    posteriors, crowd = _alternate(given, first, learn, fixed, _Stop(iterations, tolerance, least_gain))
    return Fit(posteriors, _matrices(crowd.confusion), _matrices(crowd.counts), crowd.pooled, crowd.prior)


def _alternate(
    given: sparse.csr_array, posteriors: Floats, learn: Callable[[Floats], _Crowd], fixed: Floats | None, stop: _Stop
) -> tuple[Floats, _Crowd]:
    """M-steps and E-steps in turn, until `stop` is reached."""
    bound = -np.inf
    for _ in range(max(1, stop.iterations)):
        crowd = learn(posteriors)
        if stop.least_gain is not None:
            reached = _bound(given, posteriors, crowd)
            if reached - bound < stop.least_gain:
                break
            bound = reached
        updated = pin(_infer(given, crowd), fixed)
        settled = stop.tolerance > 0 and furthest(updated, posteriors) < stop.tolerance
        posteriors = updated
        if settled:
            break
    return posteriors, crowd


def _learn(
    given: sparse.csr_array, posteriors: Floats, teaches: Bools | None, strength: float, centre: Centre
) -> _Crowd:
    counts = expected_counts(given, posteriors if teaches is None else posteriors * teaches)
    total = counts.sum(axis=0).T  # (labels, answers)
    if strength:
        total = total + POOLED_STRENGTH * _default(len(total))
    pooled = coin(np.trace(total) / total.sum(), len(total)) if centre == "coin" else total
    pooled = normalise(np.maximum(pooled, EPSILON))
    confusion = np.maximum(counts + strength * pooled.T, EPSILON)
    confusion /= confusion.sum(axis=1, keepdims=True)
    prior = normalise(np.maximum(posteriors.sum(axis=0) + (1.0 if strength else 0.0), EPSILON))
    return _Crowd(counts, confusion, pooled, prior)


def _infer(given: sparse.csr_array, crowd: _Crowd) -> Floats:
    log_likelihood = given @ np.log(crowd.confusion).reshape(given.shape[1], -1)
    log_likelihood += np.log(crowd.prior)
    return softmax(log_likelihood)


def _bound(given: sparse.csr_array, posteriors: Floats, crowd: _Crowd) -> float:
    """The evidence lower bound per annotation, with the class prior counted once an annotation, as crowd-kit does."""
    answered = np.diff(given.indptr)
    expectation = (crowd.counts * np.log(crowd.confusion)).sum() + (answered @ posteriors) @ np.log(crowd.prior)
    sure = np.maximum(posteriors, EPSILON)
    return float((expectation - (sure * np.log(sure)).sum()) / max(1, given.nnz))


def coin(accuracy: float, classes: int) -> Floats:
    """The confusion matrix of somebody who is right with probability `accuracy` whatever the label, and errs evenly."""
    if classes == 1:
        return np.ones((1, 1))
    off = (1.0 - accuracy) / (classes - 1)
    return np.full((classes, classes), off) + np.eye(classes) * (accuracy - off)


def _default(classes: int) -> Floats:
    return np.array(default_pooled(classes)) if classes > 1 else np.ones((1, 1))


def _matrices(cells: Floats) -> Floats:
    """From (workers, answers, labels) to (workers, labels, answers), without copying."""
    return cells.transpose(0, 2, 1)
