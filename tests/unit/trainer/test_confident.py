"""Confident learning: finds labels that were flipped, and leaves the others in peace."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.arrays import Floats, Ints
from trainer.confident import Issues, confident_joint, find_issues, out_of_sample


def blobs(sizes: tuple[int, ...], seed: int = 3, spread: float = 0.9) -> tuple[NDArray[np.float32], Ints]:
    """Unit vectors around one direction per class, and their classes."""
    random = np.random.default_rng(seed)
    centres = np.eye(len(sizes), 12) * 2.5
    truth = np.repeat(np.arange(len(sizes)), sizes)
    vectors = centres[truth] + random.normal(0.0, spread, (len(truth), 12))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth


def flipped(truth: Ints, share: float, seed: int = 5) -> tuple[Ints, Ints]:
    """Labels of which a share is another class, and the indices of those."""
    random = np.random.default_rng(seed)
    wrong = random.choice(len(truth), round(share * len(truth)), replace=False)
    given = truth.copy()
    given[wrong] = (given[wrong] + random.integers(1, truth.max() + 1, len(wrong))) % (truth.max() + 1)
    return given, wrong


def found(vectors: NDArray[np.float32], given: Ints, people: Floats | None = None) -> Issues:
    """What is found of these labels."""
    return find_issues(out_of_sample(vectors, given, int(given.max()) + 1), given, people)


@pytest.mark.parametrize("sizes", [(150, 150, 150), (300, 90, 60)])
def test_most_flipped_labels_are_found_and_few_others_named(sizes: tuple[int, ...]) -> None:
    vectors, truth = blobs(sizes)
    given, wrong = flipped(truth, 0.1)
    issues = found(vectors, given)
    hits = set(issues.items.tolist()) & set(wrong.tolist())
    assert len(hits) >= 0.85 * len(wrong), "recall"
    assert len(hits) >= 0.75 * len(issues.items), "precision"
    at = {item: place for place, item in enumerate(issues.items.tolist())}
    right = sum(truth[item] == issues.likely[at[item]] for item in hits)
    assert right >= 0.95 * len(hits), "the likely label is the true one"
    first = issues.items[: len(wrong) // 2]
    assert np.isin(first, wrong).mean() >= 0.95, "the likeliest come first"
    assert (np.diff(issues.doubt) <= 0).all()


def test_clean_labels_are_left_in_peace() -> None:
    vectors, truth = blobs((150, 150, 150))
    assert len(found(vectors, truth).items) <= 0.02 * len(truth)


def test_a_class_that_the_model_is_never_sure_of_is_measured_by_itself() -> None:
    given = np.array([0] * 10 + [1] * 10)
    # Class 1 never gets more than 0.45; by its own threshold that is much, and item 0 has it too.
    shares = np.array([[0.55, 0.45]] + [[0.95, 0.05]] * 9 + [[0.6, 0.4]] * 10)
    joint = confident_joint(shares, given, np.array([True, True]))
    assert joint.sum(axis=1).tolist() == [10, 10]
    assert joint[1, 1] == 10, "below the threshold of class 0, which is surer"


def test_the_joint_is_scaled_to_the_items_there_are() -> None:
    given = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9], [0.4, 0.6]])
    # Thresholds .65 and .825: of label 0 two claim 0 and none claims 1 (.8 is too little); of label 1 three claim 1.
    joint = confident_joint(shares, given, np.array([True, True]))
    assert joint.tolist() == [[4, 0], [0, 4]]
    shares[2] = [0.1, 0.9]  # thresholds .625 and .825: two claim 0, one claims 1, scaled from 3 to 4
    assert confident_joint(shares, given, np.array([True, True])).tolist() == [[3, 1], [0, 4]]


def test_what_people_are_sure_of_is_doubted_last() -> None:
    vectors, truth = blobs((150, 150))
    given, _ = flipped(truth, 0.1)
    plain = found(vectors, given)
    doubted = plain.items[0]
    people = np.full((len(given), 2), 0.5)
    people[doubted] = [0.999, 0.001] if given[doubted] == 0 else [0.001, 0.999]
    with_people = found(vectors, given, people)
    assert set(with_people.items.tolist()) == set(plain.items.tolist())
    assert with_people.items[-1] == doubted
    assert with_people.doubt[-1] < 0.1 < plain.doubt[0]


def test_of_a_tiny_class_nothing_is_said() -> None:
    vectors, truth = blobs((150, 150, 4), spread=0.5)
    given = truth.copy()
    given[0], given[-1] = 2, 0
    issues = found(vectors, given)
    assert 0 not in issues.items, "an item of the tiny class"
    assert not (issues.likely == 2).any()


@pytest.mark.parametrize("count", [1, 3, 60])
def test_one_class_alone_cannot_be_wrong(count: int) -> None:
    vectors, truth = blobs((count,))
    issues = found(vectors, truth)
    assert len(issues.items) == len(issues.likely) == len(issues.doubt) == 0


def test_the_same_labels_give_the_same_issues() -> None:
    vectors, truth = blobs((100, 100))
    given, _ = flipped(truth, 0.1)
    first, second = found(vectors, given), found(vectors, given)
    assert first.items.tolist() == second.items.tolist()
    assert first.doubt.tolist() == second.doubt.tolist()


def test_probabilities_are_out_of_sample() -> None:
    vectors, truth = blobs((60, 60), spread=0.3)
    given = truth.copy()
    given[7] = 1  # a label that a model could only know from itself
    assert out_of_sample(vectors, given, 2)[7, 1] < 0.2
    shares = out_of_sample(vectors, given, 2)
    assert np.allclose(shares.sum(axis=1), 1.0)
