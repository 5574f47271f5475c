"""What more labels would bring: a learning curve on frozen features, and one piece of advice that follows from it.

The curve is that of logistic regression on the encoder as it came, trained in a moment on parts of the training
side. Its error is taken to fall as a power of the number of labels, err = a + b * n ** -c; the model's own error is
taken to fall in the same proportion. What does not stand out of its own noise is not said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from core.arrays import Floats, Ints
from trainer.linear import fit

REPEATS = 4
"""Random parts of each size."""
PARTS = (0.125, 0.25, 0.5, 1.0)
LEAST_TRAIN, LEAST_HOLDOUT = 60, 40
"""Of fewer labels nothing is said."""
MOST = 1000
"""Texts of each side that are looked at."""
MOST_CLASSES = 6
"""Classes that are tried by themselves: those with the most errors."""
LEAST_OF_CLASS = 8
FEW = 10
"""Least number that is advised, and the step of such numbers."""
MORE = 0.25
"""Share of the training side that is asked for."""
SURE = 3.0
"""Standard errors from which on a class stands out of the others; there are several, and one is always the highest."""
SMALL = 0.005
"""A gain in accuracy below this is not worth asking for."""
EXPONENTS = np.linspace(0.1, 1.0, 19)
SEED = 20

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to label next. Gains are differences of accuracy.

    kind: class (more of `label_id` would help most), more (of all alike), enough (more would hardly help) or unknown.
    count: labels asked for. gain: what they would bring. rest: what as many of all the others would.
    """

    kind: str
    count: int = 0
    label_id: str = ""
    gain: float = 0.0
    rest: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """As kept in a version's metrics."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Curve:
    """A learning curve: accuracies by number of labels, and a, b and c of its power law."""

    points: tuple[tuple[int, float], ...]
    law: tuple[float, float, float]

    def gain(self, have: int, more: int) -> float:
        """What `more` labels would add to the accuracy of the model of the curve."""
        _, b, c = self.law
        return float(b * (float(have) ** -c - float(have + more) ** -c))


def enough(train: int, holdout: int) -> bool:
    """Whether there are enough labels on both sides to say anything."""
    return train >= LEAST_TRAIN and holdout >= LEAST_HOLDOUT


def learning_curve(vectors: Vectors, labels: Ints, held: Vectors, truth: Ints) -> tuple[Curve, Floats]:
    """The curve of a training side on a holdout, and which of the holdout its last point has right, 0 or 1.

    Args:
        vectors, labels: of the training side, shape (n, width) and (n,). held, truth: of the holdout.
    """
    points, right = [], np.zeros(len(truth))
    for part in PARTS:
        size = max(2, int(part * len(labels)))
        right = np.mean([_right(vectors, labels, some, held, truth) for some in _draws(len(labels), size)], axis=0)
        points.append((size, float(right.mean())))
    return Curve(tuple(points), _law(points)), right


def advise(
    curve: Curve,
    whole: Floats,
    sides: tuple[Vectors, Ints, Vectors, Ints],
    label_ids: Sequence[str],
    accuracy: float,
    have: int,
) -> Advice:
    """One piece of advice.

    Args:
        curve, whole: as `learning_curve` gave them for `sides`.
        accuracy: of the model in question; its error falls in the proportion in which that of the curve does.
        have: labels of the whole training side, of which `sides` may hold a part.
    """
    more = max(FEW, round(MORE * have / FEW) * FEW)
    scale = (1.0 - accuracy) / max(1.0 - float(whole.mean()), 1e-9)
    rest = scale * curve.gain(have, more)
    best, gain = _best_class(curve, whole, sides, more, scale)
    if best is not None and gain >= SMALL and gain > 1.5 * rest:
        return Advice("class", more, label_ids[best], gain, rest)
    return Advice("more" if rest >= SMALL else "enough", more, gain=rest)


def _best_class(
    curve: Curve, whole: Floats, sides: tuple[Vectors, Ints, Vectors, Ints], more: int, scale: float
) -> tuple[int | None, float]:
    """The class of which more labels would help most, beyond noise, and by how much; None where none stands out."""
    vectors, labels, held, truth = sides
    errors = np.bincount(truth, weights=1.0 - whole)
    best, highest = None, 0.0
    for label in np.argsort(-errors)[:MOST_CLASSES]:
        own = np.flatnonzero(labels == label)
        if len(own) < LEAST_OF_CLASS:
            continue
        half = np.mean([_right(vectors, labels, some, held, truth) for some in _without_half(labels, own)], axis=0)
        lost = whole - half
        noise = float(lost.std(ddof=1) / np.sqrt(len(lost)))
        if lost.mean() <= SURE * noise:
            continue
        # What the second half of a class brought, carried on: each doubling brings 2 ** -c of the one before.
        c = curve.law[2]
        doubling = float(lost.mean()) * 2.0**-c
        gain = scale * doubling * (1.0 - (1.0 + more / len(own)) ** -c) / (1.0 - 2.0**-c)
        if gain > highest:
            best, highest = int(label), gain
    return best, highest


def _law(points: Sequence[tuple[int, float]]) -> tuple[float, float, float]:
    """a, b and c of err = a + b * n ** -c, neither a nor b negative, of the least squares."""
    sizes = np.array([size for size, _ in points], dtype=float)
    errors = np.array([1.0 - accuracy for _, accuracy in points])
    best = (np.inf, 0.0, 0.0, 1.0)
    for c in EXPONENTS:
        (a, b), residual = nnls(np.column_stack([np.ones(len(sizes)), sizes**-c]), errors)
        best = min(best, (float(residual), float(a), float(b), float(c)))
    return best[1:]


def _draws(count: int, size: int) -> list[Ints]:
    repeats = REPEATS if size < count else 1
    return [np.random.default_rng(SEED + number).permutation(count)[:size] for number in range(repeats)]


def _without_half(labels: Ints, own: Ints) -> list[Ints]:
    everything = np.arange(len(labels))
    draws = (np.random.default_rng(SEED + number).permutation(own) for number in range(REPEATS))
    return [np.setdiff1d(everything, drawn[: len(own) // 2]) for drawn in draws]


def _right(vectors: Vectors, labels: Ints, some: Ints, held: Vectors, truth: Ints) -> Floats:
    said = fit(vectors[some], labels[some]).predict(held)
    right: Floats = (said == truth).astype(np.float64)
    return right
