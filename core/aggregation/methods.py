"""The methods of aggregation by name; `auto` is the one to take when nothing is known about the crowd."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from core.aggregation.annotations import Annotations
from core.aggregation.confusion import MATRIX_CLASSES, STRENGTH
from core.aggregation.dawid_skene import Fit, fit
from core.aggregation.glad import glad
from core.aggregation.majority import majority, wawa
from core.aggregation.one_coin import fit_coins
from core.aggregation.result import Result, with_matrices
from core.arrays import Floats, Ints

ITERATIONS = 100
LEAST_GAIN = 1e-5
"""crowd-kit's two limits of plain Dawid-Skene. It gets worse when it is run on, so where it stops matters."""
PRIOR_ITERATIONS = 50


def dawid_skene(annotations: Annotations) -> Result:
    """Plain Dawid-Skene: a free matrix for each worker."""
    return _from_fit(
        fit(*_columns(annotations), strength=0.0, iterations=ITERATIONS, tolerance=0.0, least_gain=LEAST_GAIN)
    )


def hierarchical(annotations: Annotations) -> Result:
    """Dawid-Skene whose workers are drawn towards the pooled matrix of all, as in production."""
    return _from_fit(fit(*_columns(annotations), strength=STRENGTH, iterations=PRIOR_ITERATIONS))


def one_coin(annotations: Annotations) -> Result:
    """Dawid-Skene with a single accuracy for each worker."""
    fitted = fit_coins(annotations)
    return with_matrices(annotations, fitted.posteriors, fitted.accuracies)


def auto(annotations: Annotations) -> Result:
    """Dawid-Skene whose workers are drawn towards the one-coin matrix of the crowd; one-coin where classes are many.

    Few answers leave a worker at the coin, many make a matrix of their own. A row with more cells needs more answers to
    fill, so the prior is worth more of them.
    """
    classes = annotations.shape[2]
    if classes > MATRIX_CLASSES:
        return one_coin(annotations)
    strength = auto_strength(classes)
    return _from_fit(fit(*_columns(annotations), strength=strength, centre="coin", iterations=PRIOR_ITERATIONS))


def auto_strength(classes: int) -> float:
    """Pseudo-answers per row that the crowd's coin is worth: four at two classes, half of one more for each."""
    return 4.0 + 0.5 * (classes - 2)


METHODS: Mapping[str, Callable[[Annotations], Result]] = {
    "auto": auto,
    "majority": majority,
    "wawa": wawa,
    "dawid-skene": dawid_skene,
    "dawid-skene-hierarchical": hierarchical,
    "one-coin": one_coin,
    "glad": glad,
}


def _columns(annotations: Annotations) -> tuple[Ints, Ints, Ints, tuple[int, int, int]]:
    return annotations.items, annotations.workers, annotations.answers, annotations.shape


def _from_fit(fitted: Fit) -> Result:
    skills: Floats = np.einsum("l,wll->w", fitted.prior, fitted.confusion)
    return Result(fitted.posteriors, skills, fitted.confusion)
