"""How good predictions are on the holdout, and what simple methods reach on exactly the same split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.aggregation.interval import wilson_interval

BINS = 10
SMALLEST = 1e-7
"""Probabilities are cut here, so that one sure mistake does not make the log loss infinite."""


def score(probabilities: NDArray[Any], truth: Sequence[str], label_ids: Sequence[str]) -> dict[str, Any]:
    """Scores of predictions against the decided labels.

    Args:
        probabilities: shape (n, classes), n at least 1, in the order of `label_ids`.
        truth: n label ids.

    Returns:
        n; accuracy with its 95 % interval (accuracy_low, accuracy_high); log_loss (natural logarithm); macro_f1 (mean
        over the labels in `truth`); per_class: for each label precision, recall with its interval, f1 and support.
    """
    actual = np.array([label_ids.index(label_id) for label_id in truth])
    guess = probabilities.argmax(axis=1)
    likelihood = probabilities[np.arange(len(actual)), actual].clip(SMALLEST, 1.0)
    per_class = {label_id: _of_class(guess == index, actual == index) for index, label_id in enumerate(label_ids)}
    seen = [scores["f1"] for scores in per_class.values() if scores["support"]]
    right = guess == actual
    low, high = wilson_interval(int(right.sum()), len(actual))
    return {
        "n": len(actual),
        "accuracy": float(right.mean()),
        "accuracy_low": low,
        "accuracy_high": high,
        "log_loss": float(-np.log(likelihood).mean()),
        "macro_f1": float(np.mean(seen)),
        "per_class": per_class,
    }


def _of_class(guessed: NDArray[Any], actual: NDArray[Any]) -> dict[str, float]:
    hits = int((guessed & actual).sum())
    precision = hits / int(guessed.sum()) if guessed.any() else 0.0
    recall = hits / int(actual.sum()) if actual.any() else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    support = int(actual.sum())
    low, high = wilson_interval(hits, support)
    scores = {"precision": precision, "recall": recall, "recall_low": low, "recall_high": high}
    return scores | {"f1": f1, "support": support}


def confusion(probabilities: NDArray[Any], actual: NDArray[Any]) -> list[list[int]]:
    """How often what was which: [truth, said, count] by index, without zeros, the most frequent first."""
    pairs = Counter(zip(actual.tolist(), probabilities.argmax(axis=1).tolist(), strict=True))
    return [[truth, said, count] for (truth, said), count in sorted(pairs.items(), key=lambda pair: -pair[1])]


def reliability(probabilities: NDArray[Any], actual: NDArray[Any]) -> list[dict[str, float]]:
    """Confidence against the share that is right, for each tenth of confidence that occurs: confidence, right, n."""
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == actual
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    return [
        {"confidence": float(sure[found].mean()), "right": float(right[found].mean()), "n": int(found.sum())}
        for found in (places == place for place in range(BINS))
        if found.any()
    ]


def majority_class_accuracy(train_labels: Sequence[str], truth: Sequence[str]) -> float:
    """Accuracy of always saying the commonest label of the training side; of equals, the first in order."""
    counts = Counter(train_labels)
    commonest = min(counts, key=lambda label_id: (-counts[label_id], label_id))
    return sum(label_id == commonest for label_id in truth) / len(truth)


def tfidf_logreg_accuracy(
    train_texts: Sequence[str], train_labels: Sequence[str], texts: Sequence[str], truth: Sequence[str]
) -> float:
    """Accuracy of logistic regression on TF-IDF of words and pairs of words: the baseline worth beating.

    Where the training texts hold no word at all it can only say the commonest label.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    analyze = vectorizer.build_analyzer()
    if not any(analyze(text) for text in train_texts):
        return majority_class_accuracy(train_labels, truth)
    model = LogisticRegression(max_iter=1000, C=4.0)
    model.fit(vectorizer.fit_transform(train_texts), list(train_labels))
    return float(model.score(vectorizer.transform(texts), list(truth)))
