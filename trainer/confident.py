"""Confident learning (Northcutt et al. 2021): which given labels are likely wrong, from out-of-sample probabilities.

A class is claimed for an item where the model gives it at least what it gives that class on average among the items
that bear it: that threshold makes up for a model which is surer of some classes than of others. From how often an item
of label i is claimed for j follows how many of i are truly j, so many are named, those with the widest margin first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.arrays import Bools, Floats, Ints
from trainer import linear

FOLDS = 5
LEAST_OF_CLASS = 5
"""Of a class with fewer items nothing is said."""
FLOOR = 1e-3
"""No probability counts as less: one number alone never makes certain."""


@dataclass(frozen=True, slots=True)
class Issues:
    """Items whose label is likely wrong, the likeliest first. likely: the other class; doubt: of it, from 0 to 1."""

    items: Ints
    likely: Ints
    doubt: Floats


def out_of_sample(vectors: NDArray[np.float32], given: Ints, classes: int, seed: int = 0) -> Floats:
    """P(class) of each item by a model that has not seen its label: shape (n, classes), cross-validated by class.

    Args:
        vectors: of length 1, shape (n, width). given: class of each, from 0 to `classes` - 1.
    """
    folds = _folds(given, classes, seed)
    result: Floats = np.zeros((len(given), classes))
    for fold in range(FOLDS):
        held = folds == fold
        if held.any() and not held.all():
            model = linear.fit(vectors[~held], given[~held])
            result[np.ix_(held, model.classes_)] = model.predict_proba(vectors[held])
    return result


def find_issues(probabilities: Floats, given: Ints, people: Floats | None = None) -> Issues:
    """The labels that are likely wrong.

    Args:
        probabilities: out of sample, shape (n, classes). given: class of each.
        people: P(class) from those who answered; what they are sure of is doubted last. None: nothing is known of it.
    """
    classes = probabilities.shape[1]
    large = np.bincount(given, minlength=classes) >= LEAST_OF_CLASS
    joint = confident_joint(probabilities, given, large)
    best: dict[int, tuple[float, int]] = {}
    for row, column in zip(*np.nonzero(joint), strict=True):
        if row == column:
            continue
        members = np.flatnonzero(given == row)
        margin = probabilities[members, column] - probabilities[members, row]
        for place in np.argsort(-margin, kind="stable")[: joint[row, column]]:
            item = int(members[place])
            if margin[place] > max(0.0, best.get(item, (0.0, 0))[0]):
                best[item] = float(margin[place]), int(column)
    items = np.array(sorted(best), dtype=np.int64)
    likely = np.array([best[item][1] for item in items.tolist()], dtype=np.int64)
    doubt = _doubt(probabilities, given, items, likely, people)
    order = np.argsort(-doubt, kind="stable")
    return Issues(items[order], likely[order], doubt[order])


def confident_joint(probabilities: Floats, given: Ints, large: Bools) -> Ints:
    """How many items of label i (rows) are truly j (columns), scaled so that the rows add up to the items there are.

    Args:
        large: classes of which something can be said; the others stay with themselves.
    """
    n, classes = probabilities.shape
    own = probabilities[np.arange(n), given]
    sizes = np.bincount(given, minlength=classes)
    thresholds = np.bincount(given, weights=own, minlength=classes) / np.maximum(sizes, 1)
    claims = np.where((probabilities >= thresholds) & large, probabilities, -1.0)
    sure = (claims.max(axis=1) >= 0.0) & large[given]
    counts = np.zeros((classes, classes))
    np.add.at(counts, (given[sure], claims[sure].argmax(axis=1)), 1.0)
    totals = counts.sum(axis=1)
    empty = totals == 0
    counts[empty, empty] = 1.0
    scaled: Ints = np.rint(counts / np.where(empty, 1.0, totals)[:, None] * sizes[:, None]).astype(np.int64)
    return scaled


def _doubt(probabilities: Floats, given: Ints, items: Ints, likely: Ints, people: Floats | None) -> Floats:
    """P(likely) of the two labels, by the model and, where it is known, by the people: their evidence multiplies."""
    ratio = _ratio(probabilities, given, items, likely)
    if people is not None:
        sizes = np.bincount(given, minlength=probabilities.shape[1])
        prior = np.broadcast_to(sizes / max(1, len(given)), probabilities.shape)
        ratio = ratio * _ratio(people, given, items, likely) / _ratio(prior, given, items, likely)
    return ratio / (1.0 + ratio)


def _ratio(shares: NDArray[Any], given: Ints, items: Ints, likely: Ints) -> Floats:
    bounded: Floats = np.maximum(shares[items, likely], FLOOR) / np.maximum(shares[items, given[items]], FLOOR)
    return bounded


def _folds(given: Ints, classes: int, seed: int) -> Ints:
    """A fold of each item, so that every class lies in all of them alike."""
    shuffle = np.random.default_rng(seed)
    folds = np.zeros(len(given), dtype=np.int64)
    for one in range(classes):
        members = shuffle.permutation(np.flatnonzero(given == one))
        folds[members] = (np.arange(len(members)) + shuffle.integers(FOLDS)) % FOLDS
    return folds
