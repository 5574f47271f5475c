"""Logistic regression on features: what is learned in a moment, to compare ways of choosing labels, and as a head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

STRENGTH = 10.0
"""Inverse regularisation, for vectors of length 1."""
STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Those that `fit_soft` chooses from, for features whose squares sum to 1 in the mean."""
LEAST_TO_CHOOSE = 40
"""With fewer examples the strength is 1."""
HELD_SHARE = 0.25
"""Share of the examples that choose the strength."""
MAX_CHOOSING = 4000
"""At most so many examples choose it."""
BIAS_PENALTY = 0.01

Array = NDArray[Any]


def fit(vectors: NDArray[np.float32], labels: NDArray[Any]) -> Any:
    """A model with `predict_proba` and `score`; of one label only it can say nothing else."""
    if len(np.unique(labels)) < 2:
        return DummyClassifier(strategy="prior").fit(vectors, labels)
    return LogisticRegression(C=STRENGTH, max_iter=200, tol=1e-3).fit(vectors, labels)


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Logits are `features @ weight.T + bias`: shapes (classes, width) and (classes,)."""

    weight: Array
    bias: Array

    def logits(self, features: Array) -> Array:
        """Shape (n, classes), of features of shape (n, width)."""
        result: Array = features @ self.weight.T + self.bias
        return result


def fit_soft(features: Array, targets: Array, weights: Array, seed: int) -> LinearHead:
    """Softmax regression on P(label), its regularisation chosen on a part of the examples.

    Args:
        features: shape (n, width), n at least 1. targets: shape (n, classes).
        weights: of the classes, shape (classes,), or of each example and class, shape (n, classes).
        seed: draws the part.
    """
    weights = np.broadcast_to(weights, targets.shape)
    scale = float(np.sqrt((features.astype(np.float64) ** 2).sum(axis=1).mean())) or 1.0
    scaled = features.astype(np.float64) / scale
    found = softmax_regression(scaled, targets, weights, _strength(scaled, targets, weights, seed))
    return LinearHead(found.weight / scale, found.bias)


def _strength(features: Array, targets: Array, weights: Array, seed: int) -> float:
    """The strength under which the held examples are most probable."""
    if len(features) < LEAST_TO_CHOOSE:
        return 1.0
    order = np.random.default_rng(seed).permutation(len(features))[:MAX_CHOOSING]
    held, learned = np.split(order, [int(HELD_SHARE * len(order))])

    def cost(strength: float) -> float:
        head = softmax_regression(features[learned], targets[learned], weights[learned], strength)
        return -float((targets[held] * weights[held] * _log_softmax(head.logits(features[held]))).sum())

    return min(STRENGTHS, key=cost)


def softmax_regression(features: Array, targets: Array, weights: Array, strength: float) -> LinearHead:
    """Minimises the weighted cross-entropy times `strength`, plus half the squares of what it finds.

    Args:
        weights: as in `fit_soft`.
    """
    width, classes = features.shape[1], targets.shape[1]
    goal = targets * weights
    total = goal.sum(axis=1, keepdims=True)
    penalty = np.ones((width + 1, classes))
    penalty[-1] = BIAS_PENALTY
    inputs = np.concatenate([features, np.ones((len(features), 1))], axis=1)

    def cost(flat: Array) -> tuple[float, Array]:
        free = flat.reshape(width + 1, classes)
        said = _log_softmax(inputs @ free)
        loss = -strength * float((goal * said).sum()) + float((penalty * free**2).sum()) / 2
        slope = strength * inputs.T @ (np.exp(said) * total - goal) + penalty * free
        return loss, slope.ravel()

    found = minimize(
        cost, np.zeros((width + 1) * classes), jac=True, method="L-BFGS-B", options={"maxiter": 300, "ftol": 1e-7}
    )
    best: Array = found.x.reshape(width + 1, classes)
    return LinearHead(best[:-1].T, best[-1])


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result
