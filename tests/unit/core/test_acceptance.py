"""The threshold from which on a model may label by itself keeps its bound, and audits that break it are noticed."""

from __future__ import annotations

import numpy as np
import pytest

from core.aggregation.acceptance import (
    BROKEN,
    Bools,
    choose_threshold,
    evidence,
    exact_interval,
    is_broken,
    upper_bound,
)
from core.aggregation.model_prior import LEAST_ITEMS, PriorGain, believed, measure_gain
from core.arrays import Floats


def drawn(seed: int, count: int, error: float) -> tuple[Floats, Bools]:
    """Items whose chance of a wrong label falls from `error` at no confidence to none at the highest."""
    draw = np.random.default_rng(seed)
    sure = draw.random(count)
    return 0.5 + 0.5 * sure, draw.random(count) > error * (1 - sure)


def true_error(confidence: float, error: float) -> float:
    """Of all items from this confidence on."""
    return error * (1 - (confidence - 0.5) / 0.5) / 2


@pytest.mark.parametrize(("error", "count"), [(0.2, 600), (0.15, 2000), (0.4, 2000), (0.11, 400)])
def test_the_bound_is_exceeded_in_at_most_five_of_a_hundred_jobs(error: float, count: int) -> None:
    chosen = [choose_threshold(*drawn(seed, count, error), 0.05) for seed in range(400)]
    found = [one for one in chosen if one is not None]
    exceeded = sum(true_error(one.confidence, error) > 0.05 for one in found)
    assert exceeded / len(chosen) <= 0.05
    assert len(found) > 20


def test_a_model_that_is_right_where_it_is_sure_may_label_most() -> None:
    sure = np.linspace(0.5, 1.0, 1000)
    right = sure > 0.7
    chosen = choose_threshold(sure, right, 0.05)
    assert chosen is not None
    assert 0.66 < chosen.confidence < 0.8
    assert chosen.wrong / chosen.count < 0.05
    assert chosen.upper <= 0.06


def test_items_of_one_confidence_stay_together() -> None:
    sure, right = np.full(300, 0.9), np.ones(300, dtype=bool)
    chosen = choose_threshold(sure, right, 0.05)
    assert chosen is not None
    assert (chosen.confidence, chosen.count, chosen.wrong) == (0.9, 300, 0)


@pytest.mark.parametrize("count", [0, 1, 50])
def test_few_items_show_nothing(count: int) -> None:
    assert choose_threshold(np.full(count, 0.99), np.ones(count, dtype=bool), 0.05) is None


def test_nothing_right_gives_no_threshold() -> None:
    assert choose_threshold(np.linspace(0.1, 1, 500), np.zeros(500, dtype=bool), 0.05) is None


def test_exact_bounds_hold_what_they_say() -> None:
    assert upper_bound(5, 5) == 1.0
    assert exact_interval(0, 0) == (0.0, 1.0)
    assert exact_interval(0, 10)[0] == 0.0
    assert exact_interval(10, 10)[1] == 1.0
    draw = np.random.default_rng(1)
    for share in (0.02, 0.1, 0.5):
        seen = draw.binomial(80, share, 500)
        ends = [exact_interval(int(wrong), 80) for wrong in seen]
        assert np.mean([low <= share <= high for low, high in ends]) >= 0.95


def looked_at_each_time(share: float, jobs: int, audits: int) -> float:
    """In how many jobs a look after every audit finds the bound of 5 % broken."""
    draw, broken = np.random.default_rng(2), 0
    for _ in range(jobs):
        wrong = (draw.random(audits) < share).cumsum()
        broken += any(is_broken(int(wrong[at]), at + 1, 0.05) for at in range(audits))
    return broken / jobs


def test_looking_after_every_audit_takes_good_labels_back_in_few_jobs_and_bad_ones_in_most() -> None:
    assert looked_at_each_time(0.05, 60, 100) <= 0.05
    assert looked_at_each_time(0.2, 20, 100) >= 0.9


def test_evidence_starts_at_one_and_stays_finite() -> None:
    assert evidence(0, 0, 0.05) == pytest.approx(1.0)
    assert evidence(0, 100, 0.05) < 1.0
    assert BROKEN < evidence(100_000, 100_000, 0.05) < float("inf")


def test_a_prior_moves_the_belief_as_bayes_has_it_and_rules_nothing_out() -> None:
    assert believed([0.7, 0.3], [0.5, 0.5], [0.5, 0.5]) == pytest.approx([0.7, 0.3])
    assert believed([0.5, 0.5], [1.0, 0.0], [0.5, 0.5])[1] == pytest.approx(0.025)
    assert believed([0.2, 0.8], [0.2, 0.8], [0.2, 0.8]) == pytest.approx([0.2, 0.8])


def test_a_prior_helps_only_beyond_chance_and_on_enough_items() -> None:
    good = [([0.7, 0.3], [0.9 - at / 1000, 0.1 + at / 1000], 0) for at in range(LEAST_ITEMS)]
    bad = [([0.7, 0.3], [0.1, 0.9 - at / 1000], 0) for at in range(LEAST_ITEMS)]
    assert measure_gain(good, [0.5, 0.5]).helps
    assert not measure_gain(good[:-1], [0.5, 0.5]).helps
    assert not measure_gain(bad, [0.5, 0.5]).helps
    assert measure_gain([], [0.5, 0.5]) == PriorGain(0.0, 0.0, 0)
