"""What the names of labels say before there are labels."""

from __future__ import annotations

import numpy as np
import pytest

from trainer import zero_shot

LABELS = np.eye(3, 6, dtype=np.float32)


def texts(counts: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """So many texts near each label, all near each other, too."""
    actual = np.repeat(np.arange(3), counts)
    near = LABELS[actual] + np.array([0, 0, 0, 2, 0, 0]) + np.random.default_rng(2).normal(0, 0.1, (len(actual), 6))
    return (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32), actual


def test_texts_go_to_the_label_that_they_resemble() -> None:
    vectors, actual = texts((20, 20, 20))
    said = zero_shot.probabilities(vectors, LABELS)
    assert said.sum(axis=1) == pytest.approx(np.ones(60))
    assert (said.argmax(axis=1) == actual).mean() > 0.95


def test_a_label_that_resembles_everything_says_nothing_by_that() -> None:
    vectors, actual = texts((20, 20, 20))
    labels = LABELS.copy()
    labels[0, 3] = 2.0
    labels /= np.linalg.norm(labels, axis=1, keepdims=True)
    said = zero_shot.probabilities(vectors, labels).argmax(axis=1)
    assert (said == actual).mean() > 0.9


def test_what_seems_rare_counts_more() -> None:
    vectors, actual = texts((80, 15, 5))
    weights = zero_shot.rarity(zero_shot.probabilities(vectors, LABELS))
    assert weights.mean() == pytest.approx(1.0)
    assert weights[actual == 2].mean() > 2 * weights[actual == 0].mean()


def test_names_and_descriptions_stand_for_labels() -> None:
    schema = {"labels": [{"id": "a", "name": "rain", "description": "water from above"}, {"id": "b", "name": "sun"}]}
    assert zero_shot.label_texts(schema) == ["rain: water from above", "sun"]


@pytest.mark.parametrize(
    ("names", "tell"),
    [(["rain", "sun"], True), (["A", "B"], False), (["1", "22"], False), (["晴", "雨"], True), (["rain", "?"], False)],
)
def test_names_that_say_nothing(names: list[str], tell: bool) -> None:
    assert zero_shot.tell_something(names) is tell
