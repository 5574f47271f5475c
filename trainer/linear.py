"""Logistic regression on embeddings: what can be learned in a moment, to compare ways of choosing labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

STRENGTH = 10.0
"""Inverse regularisation, for vectors of length 1."""


def fit(vectors: NDArray[np.float32], labels: NDArray[Any]) -> Any:
    """A model with `predict_proba` and `score`; of one label only it can say nothing else."""
    if len(np.unique(labels)) < 2:
        return DummyClassifier(strategy="prior").fit(vectors, labels)
    return LogisticRegression(C=STRENGTH, max_iter=200, tol=1e-3).fit(vectors, labels)
