"""What becomes of a candidate, and why: each reason, and that poisoned labels are called by their name."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.aggregation.comparison import ALPHA
from trainer.gate import Rival, decide

LABELS = ("a", "b", "c")
Array = NDArray[np.float64]
Ints = NDArray[np.int64]


def says(labels: Ints, sure: float = 0.8) -> Array:
    """A model that says these labels."""
    said = np.full((len(labels), 3), (1.0 - sure) / 2)
    said[np.arange(len(labels)), labels] = sure
    return said


def wrong(truth: Ints, where: slice | NDArray[np.bool_]) -> Ints:
    """The labels, other ones where it says so."""
    changed = truth.copy()
    changed[where] = (changed[where] + 1) % 3
    return changed


TRUTH = np.arange(200) % 3
NOTHING_NEW = {"new": np.zeros(200, dtype=bool), "more": np.zeros((0, 3)), "more_truth": np.zeros(0, dtype=int)}


def rival(labels: Ints) -> Rival:
    """A champion that says these labels of the holdout, all of which it could have known of."""
    return Rival(says(labels), **NOTHING_NEW)


def test_the_first_model_has_to_beat_guessing() -> None:
    low = decide(LABELS, TRUTH, says(wrong(TRUTH, slice(0, 100))), None, 0.5)
    assert (low["promote"], low["reason"], low["params"]) == (False, "held_baseline", {"majority": 0.5})
    high = decide(LABELS, TRUTH, says(wrong(TRUTH, slice(0, 99))), None, 0.5)
    assert (high["promote"], high["reason"], high["alpha"]) == (True, "gate_first", ALPHA)


@pytest.mark.parametrize(
    ("candidate", "champion", "reason", "counts"),
    [
        (slice(0, 20), slice(0, 50), "gate_better", (30, 0)),
        (slice(0, 50), slice(0, 48), "held_worse", (0, 2)),
        (slice(0, 48), slice(0, 50), "held_unproven", (2, 0)),
        (slice(0, 50), slice(0, 50), "held_unproven", (0, 0)),
        (slice(0, 20), slice(10, 33), "held_unproven", (13, 10)),
    ],
    ids=["better", "worse", "a little better", "the same", "hardly better"],
)
def test_a_challenger_has_to_be_better_beyond_chance(
    candidate: slice, champion: slice, reason: str, counts: tuple[int, int]
) -> None:
    gate = decide(LABELS, TRUTH, says(wrong(TRUTH, candidate)), rival(wrong(TRUTH, champion)), 0.34)
    assert (gate["reason"], gate["promote"]) == (reason, reason == "gate_better")
    assert (gate["paired"]["won"], gate["paired"]["lost"]) == counts


def test_a_class_that_falls_keeps_a_better_model_out() -> None:
    truth = np.array([0] * 150 + [2] * 50)
    mine = wrong(truth, np.arange(200) >= 180)
    theirs = wrong(truth, np.arange(200) < 80)
    gate = decide(LABELS, truth, says(mine), rival(theirs), 0.34)
    assert (gate["reason"], gate["params"]) == ("held_class", {"label_id": "c", "before": 1.0, "after": 0.6})


def poisoned(random: np.random.Generator, flipped: float) -> tuple[Ints, NDArray[np.bool_], Rival, Ints]:
    """A calibrated champion, right on 80 %, and a batch of new labels of which a share is flipped by chance.

    Returns the holdout's labels, which of them are new, the champion, and what the champion says of the holdout.
    """
    truth, more = random.integers(0, 3, 200), random.integers(0, 3, 300)
    new = np.arange(200) >= 100
    said, said_more = (wrong(labels, random.random(len(labels)) < 0.2) for labels in (truth, more))
    decided = wrong(truth, new & (random.random(200) < flipped))
    decided_more = wrong(more, random.random(300) < flipped)
    return decided, new, Rival(says(said), new, says(said_more), decided_more), said


def test_a_poisoned_batch_is_held_back_and_called_by_its_name() -> None:
    random = np.random.default_rng(5)
    named = 0
    for _ in range(50):
        decided, _, champion, said = poisoned(random, 0.3)
        candidate = wrong(said, random.random(200) < 0.15)  # noise in, noise out
        gate = decide(LABELS, decided, says(candidate), champion, 0.34)
        assert not gate["promote"]
        named += gate["reason"] == "held_labels"
        if gate["reason"] == "held_labels":
            assert gate["params"]["seen"] > gate["params"]["expected"] + 0.1
    assert named >= 40


def test_good_new_labels_are_not_accused() -> None:
    random = np.random.default_rng(6)
    reasons = []
    for _ in range(50):
        decided, _, champion, said = poisoned(random, 0.0)
        reasons.append(decide(LABELS, decided, says(said), champion, 0.34)["reason"])
    assert reasons.count("held_labels") <= 3


def test_a_world_that_has_changed_lets_a_model_in_that_has_learned_it() -> None:
    random = np.random.default_rng(7)
    decided, new, champion, said = poisoned(random, 0.9)
    learned = np.where(new & (random.random(200) < 0.8), decided, said)
    gate = decide(LABELS, decided, says(learned), champion, 0.34)
    assert (gate["promote"], gate["reason"]) == (True, "gate_better")
