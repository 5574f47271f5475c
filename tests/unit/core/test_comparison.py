"""The gate's statistics keep the rates that they state, and see what they are there to see."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.aggregation.comparison import ALPHA, CLASS_ALPHA, mid_p, paired, surprise, worst_fall

Bools = NDArray[np.bool_]


def flags(*counts: tuple[bool, int]) -> Bools:
    """So many of each value, in order."""
    return np.concatenate([np.full(count, value) for value, count in counts])


def doubtful(random: np.random.Generator, size: int) -> tuple[Bools, NDArray[np.float64]]:
    """Whether a calibrated model is right on items of all kinds, and how sure it is."""
    sure = random.beta(4.0, 1.5, size).clip(0.34, 0.999)
    return random.random(size) < sure, sure


# --- pairs


def test_mid_p_by_hand() -> None:
    assert mid_p(0, 0) == 0.5
    assert mid_p(4, 0) == pytest.approx(1 / 32)
    assert mid_p(2, 1) == pytest.approx(1 / 8 + 3 / 16)
    assert mid_p(1, 2) + mid_p(2, 1) == pytest.approx(1.0)


def test_pairs_count_only_where_the_models_differ() -> None:
    mine, other = flags((True, 8), (False, 2), (True, 90)), flags((False, 8), (True, 2), (True, 90))
    found = paired(mine, other)
    assert (found.won, found.lost) == (8, 2)
    assert found.p == pytest.approx(mid_p(8, 2))
    assert found.is_better
    assert not paired(flags((True, 7), (False, 3)), flags((False, 7), (True, 3))).is_better


@pytest.mark.parametrize("items", [20, 80, 300])
def test_models_that_are_equally_good_pass_no_more_often_than_stated(items: int) -> None:
    random = np.random.default_rng(items)
    rounds, passed = 2000, 0
    for _ in range(rounds):
        differing, mine = random.random(items) < 0.3, random.random(items) < 0.5
        passed += paired(~differing | mine, ~differing | ~mine).is_better
    assert passed / rounds < ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / rounds)
    assert passed, "it never says yes"


def test_a_clearly_better_model_passes_most_of_the_time() -> None:
    random = np.random.default_rng(1)
    passed = sum(paired(random.random(300) < 0.82, random.random(300) < 0.70).is_better for _ in range(200))
    assert passed > 150


def test_two_hundred_retrainings_bring_no_more_worse_models_into_use_than_stated() -> None:
    """Candidates differ from the champion by noise, mostly for the worse; the holdout grows and is never renewed."""
    random = np.random.default_rng(7)
    for _ in range(5):
        ease = random.normal(0.0, 1.0, 600)
        holdout = 100
        quality = 1.0
        champion = random.random(600) < _chances(ease, quality)
        promoted = worse = 0
        for _ in range(200):
            holdout = min(600, holdout + 3)
            new_quality = quality + random.normal(-0.15, 0.5)
            candidate = random.random(600) < _chances(ease, new_quality)
            if paired(candidate[:holdout], champion[:holdout]).is_better:
                promoted += 1
                worse += new_quality < quality
                champion, quality = candidate, new_quality
        assert promoted >= 2, "better models do come into use"
        assert worse <= ALPHA * 200
        assert quality > 1.0


def _chances(ease: NDArray[np.float64], quality: float) -> NDArray[np.float64]:
    chances: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-(2.0 * ease + quality)))
    return chances


# --- classes


def test_a_class_that_falls_is_named_although_the_whole_is_better() -> None:
    truth = np.array([0] * 100 + [1] * 20)
    before = flags((True, 60), (False, 40), (True, 18), (False, 2))
    after = flags((True, 95), (False, 5), (True, 6), (False, 14))
    assert paired(after, before).is_better
    fall = worst_fall(after, before, truth)
    assert fall is not None
    assert (fall.label, fall.before, fall.after) == pytest.approx((1, 0.9, 0.3))


def test_a_fall_of_a_few_items_is_noise_and_a_small_one_is_nothing_to_stop_for() -> None:
    truth = np.array([0] * 100 + [1] * 4)
    before = flags((True, 104))
    assert worst_fall(flags((True, 102), (False, 2)), before, truth) is None
    big = np.zeros(1000, dtype=int)
    assert worst_fall(flags((True, 960), (False, 40)), flags((True, 1000)), big) is None
    assert worst_fall(flags((True, 940), (False, 60)), flags((True, 1000)), big) is not None


def test_many_classes_do_not_fall_by_chance() -> None:
    random = np.random.default_rng(3)
    truth = random.integers(0, 30, 900)
    fallen = sum(worst_fall(random.random(900) < 0.7, random.random(900) < 0.7, truth) is not None for _ in range(200))
    assert fallen / 200 < CLASS_ALPHA + 0.06


# --- labels that contradict


def test_flipped_labels_are_suspicious_and_good_ones_are_not() -> None:
    random = np.random.default_rng(11)
    seen = {0.0: 0, 0.3: 0}
    new = flags((False, 100), (True, 300))
    for flipped in seen:
        for _ in range(100):
            right, sure = doubtful(random, 400)
            right = right & ~(new & (random.random(400) < flipped))
            seen[flipped] += surprise(right, sure, new) is not None
    assert seen[0.0] <= 5
    assert seen[0.3] >= 90


def test_hard_items_are_not_suspicious() -> None:
    random = np.random.default_rng(12)
    sure = np.concatenate([np.full(100, 0.95), np.full(200, 0.5)])
    right = random.random(300) < sure
    new = flags((False, 100), (True, 200))
    assert right[~new].mean() > right[new].mean() + 0.3
    assert surprise(right, sure, new) is None


def test_what_was_seen_and_what_was_to_be_expected_are_told() -> None:
    right = flags((True, 90), (False, 10), (True, 50), (False, 50))
    found = surprise(right, np.full(200, 0.9), flags((False, 100), (True, 100)))
    assert found is not None
    assert (found.seen, found.expected, found.count) == pytest.approx((0.5, 0.1, 100))


@pytest.mark.parametrize(("old", "new"), [(9, 100), (100, 19), (0, 50), (50, 0)])
def test_a_few_labels_prove_nothing(old: int, new: int) -> None:
    right = flags((True, old), (False, new))
    assert surprise(right, np.full(old + new, 0.99), flags((False, old), (True, new))) is None
