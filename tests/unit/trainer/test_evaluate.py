"""Scores against those of scikit-learn, and the two baselines."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from trainer import evaluate

LABELS = ("a", "b", "c", "never")


def test_scores_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(5)
    said = random.dirichlet([1.0] * 4, 60)
    truth = [LABELS[index] for index in random.integers(0, 3, 60)]
    guess = [LABELS[index] for index in said.argmax(axis=1)]
    scores = evaluate.score(said, truth, LABELS)
    assert scores["n"] == 60
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(truth, guess))
    expected = metrics.f1_score(truth, guess, labels=["a", "b", "c"], average="macro")
    assert scores["macro_f1"] == pytest.approx(expected)
    assert scores["log_loss"] == pytest.approx(metrics.log_loss(truth, said, labels=sorted(LABELS)))
    assert scores["per_class"]["never"]["support"] == 0
    assert scores["per_class"]["b"]["recall"] == pytest.approx(
        metrics.recall_score(truth, guess, labels=["b"], average=None)[0]
    )


def test_a_sure_mistake_has_a_finite_loss() -> None:
    assert evaluate.score(np.array([[1.0, 0.0]]), ["b"], ("a", "b"))["log_loss"] == pytest.approx(16.118, abs=1e-3)


def test_majority_class_is_chosen_on_the_training_side() -> None:
    assert evaluate.majority_class_accuracy(["a", "b", "b"], ["a", "a", "a", "b"]) == 0.25
    assert evaluate.majority_class_accuracy(["b", "a"], ["a", "b", "b", "b"]) == 0.25


def test_tfidf_learns_words() -> None:
    train = ["warm sun", "nice sun", "cold rain", "bad rain"] * 3
    labels = ["a", "a", "b", "b"] * 3
    assert evaluate.tfidf_logreg_accuracy(train, labels, ["sun", "rain", "so cold"], ["a", "b", "b"]) == 1.0


def test_tfidf_without_any_word_says_the_commonest() -> None:
    assert evaluate.tfidf_logreg_accuracy(["!", "?", "!"], ["a", "b", "b"], ["x", "y"], ["b", "a"]) == 0.5
