"""Softmax regression on soft labels, next to that of scikit-learn on hard ones."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from trainer.linear import fit_soft, softmax_regression

DICE = np.random.default_rng(5)
FEATURES = DICE.normal(size=(200, 6))
CLASSES = (FEATURES[:, :3] + DICE.normal(size=(200, 3))).argmax(axis=1)
TARGETS = np.eye(3)[CLASSES]


def test_agrees_with_scikit_learn_on_hard_labels() -> None:
    ours = softmax_regression(FEATURES, TARGETS, np.ones(3), 2.0).logits(FEATURES)
    raised = np.exp(ours - ours.max(axis=1, keepdims=True))
    theirs = LogisticRegression(C=2.0, max_iter=1000).fit(FEATURES, CLASSES).predict_proba(FEATURES)
    assert raised / raised.sum(axis=1, keepdims=True) == pytest.approx(theirs, abs=0.01)


def test_learns_the_probabilities_of_soft_labels() -> None:
    soft = np.where(FEATURES[:, :1] > 0, [[0.8, 0.2]], [[0.3, 0.7]])
    head = softmax_regression(np.sign(FEATURES[:, :1]), soft, np.ones(2), 1e4)
    said = head.logits(np.array([[1.0], [-1.0]]))
    assert (said[:, 0] - said[:, 1]) == pytest.approx(np.log([4.0, 3 / 7]), abs=0.02)


def test_weights_of_classes_shift_the_border() -> None:
    guess = [
        softmax_regression(FEATURES, TARGETS, np.array(weights), 1.0).logits(FEATURES).argmax(axis=1)
        for weights in ([1.0, 1.0, 1.0], [5.0, 1.0, 1.0])
    ]
    assert (guess[1] == 0).sum() > (guess[0] == 0).sum()


def test_an_example_of_weight_two_counts_like_two() -> None:
    times = np.where(np.arange(200) % 3 == 0, 2, 1)
    weighted = softmax_regression(FEATURES, TARGETS, times[:, None] * np.ones(3), 1.0)
    repeated = softmax_regression(
        np.repeat(FEATURES, times, axis=0), np.repeat(TARGETS, times, axis=0), np.ones(3), 1.0
    )
    plain = softmax_regression(FEATURES, TARGETS, np.ones(3), 1.0)
    assert weighted.weight == pytest.approx(repeated.weight, abs=1e-3)
    assert weighted.weight != pytest.approx(plain.weight, abs=1e-2)


def test_examples_that_hardly_count_do_not_choose_the_strength() -> None:
    features = np.concatenate([FEATURES, FEATURES])
    targets = np.concatenate([np.eye(3)[FEATURES[:, :3].argmax(axis=1)], np.eye(3)[DICE.integers(0, 3, 200)]])
    weights = np.repeat([1.0, 1e-6], 200)[:, None] * np.ones(3)
    doubted, believed = (fit_soft(features, targets, given, 1).logits(features) for given in (weights, np.ones(3)))
    assert np.abs(doubted).mean() > 2 * np.abs(believed).mean()


@pytest.mark.parametrize("count", [1, 2, 39, 200])
def test_any_number_of_examples_with_a_missing_class(count: int) -> None:
    targets = np.concatenate([TARGETS, np.zeros((200, 1))], axis=1)[:count]
    head = fit_soft(FEATURES[:count] * 20, targets, np.array([1.0, 1.0, 1.0, 0.0]), 1)
    assert head.weight.shape == (4, 6)
    logits = head.logits(FEATURES[:count] * 20)
    assert np.isfinite(logits).all()
    assert (logits.argmax(axis=1) != 3).all()


def test_the_size_of_the_features_does_not_matter() -> None:
    small, large = (fit_soft(FEATURES * size, TARGETS, np.ones(3), 1).logits(FEATURES * size) for size in (0.01, 100))
    assert small == pytest.approx(large, abs=0.05)


def test_more_noise_asks_for_more_regularisation() -> None:
    noise = np.eye(3)[DICE.integers(0, 3, 200)]
    sure, unsure = (
        np.abs(fit_soft(FEATURES, targets, np.ones(3), 1).logits(FEATURES)).mean() for targets in (TARGETS, noise)
    )
    assert unsure < sure / 2
