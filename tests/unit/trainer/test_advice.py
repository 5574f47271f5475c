"""The learning curve, and what follows from it."""

from __future__ import annotations

import numpy as np

from core.arrays import Ints
from trainer.advice import Advice, Vectors, advise, enough, learning_curve

LABEL_IDS = ("a", "b", "c")


def clouds(counts: tuple[int, ...], width: int, seed: int, spread: float = 1.0) -> tuple[Vectors, Ints]:
    """Vectors around one centre for each label."""
    centres = np.random.default_rng(1).normal(size=(len(counts), width))
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    vectors = centres[labels] + spread * random.normal(size=(len(labels), width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def advice_on(train: tuple[int, ...], held: tuple[int, ...], spread: float) -> Advice:
    sides = (*clouds(train, 64, 2, spread), *clouds(held, 64, 3, spread))
    curve, whole = learning_curve(*sides)
    return advise(curve, whole, sides, LABEL_IDS, float(whole.mean()), sum(train))


def test_a_curve_rises_and_goes_on_rising_by_its_law() -> None:
    curve, whole = learning_curve(*clouds((160, 160, 160), 64, 2, 2.5), *clouds((100, 100, 100), 64, 3, 2.5))
    shares = [share for _, share in curve.points]
    assert [size for size, _ in curve.points] == [60, 120, 240, 480]
    assert shares[0] < shares[-1] == whole.mean()
    assert 0 < curve.gain(480, 480) < 1 - shares[-1]
    assert curve.gain(480, 100) < curve.gain(480, 200) < 2 * curve.gain(480, 100)


def test_the_scarce_label_is_asked_for() -> None:
    found = advice_on((200, 200, 16), (80, 80, 80), 1.5)
    assert (found.kind, found.label_id) == ("class", "c")
    assert found.count % 10 == 0 < found.count
    assert found.gain > found.rest


def test_where_all_is_right_nothing_is_asked_for() -> None:
    assert advice_on((100, 100, 100), (60, 60, 60), 0.05).kind == "enough"


def test_balanced_labels_are_asked_for_alike() -> None:
    found = advice_on((60, 60, 60), (100, 100, 100), 2.8)
    assert (found.kind, found.label_id) == ("more", "")
    assert found.gain > 0.005


def test_of_few_labels_nothing_is_said() -> None:
    assert enough(60, 40)
    assert not enough(59, 40)
    assert not enough(60, 39)
