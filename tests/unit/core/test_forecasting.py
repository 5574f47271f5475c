"""Forecasts from counts and posteriors alone: exact where nothing is uncertain, and right as often as they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.aggregation.confusion import default_pooled
from core.aggregation.correctness import (
    EXACT_ITEMS,
    Beliefs,
    Mistakes,
    accuracy,
    all_right,
    at_least,
    audited,
    expected_accuracy,
    share_right,
    shared_mistakes,
)
from core.aggregation.forecasting import DRAWS, Rule, answers_left, simulate, spread
from core.aggregation.value import worth_asking
from core.arrays import Floats

RULE = Rule(2, 6, 0.1)
POOLED = np.array([[0.8, 0.2], [0.3, 0.7]])
EVEN = np.array([0.5, 0.5])
NO_MISTAKES = Mistakes(np.array([0.0]), np.array([1.0]))


def counts(*items: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(items, dtype=np.int64)


# --- answers


def test_a_fixed_number_of_answers_leaves_no_doubt() -> None:
    rule = Rule(3, 3, 0.1)
    played = simulate(EVEN, POOLED, POOLED[None], rule)
    draws = answers_left(counts(10, 4, 2, 0), counts(0, 0, 0, 5), played.chances, rule)
    assert draws.shape == (DRAWS,)
    assert set(draws.tolist()) == {10 * 3 + 4 * 2 + 2 * 1.0}


def test_nothing_is_left_where_nothing_is_open() -> None:
    draws = answers_left(counts(0, 0, 0, 0, 0, 0, 0), counts(0, 0, 9, 1, 0, 0, 3), np.full(7, 0.5), RULE)
    assert not draws.any()


def test_what_is_asked_for_in_any_case_is_left_at_least() -> None:
    draws = answers_left(counts(0, 0, 0, 0, 0, 4, 0), counts(0, 0, 50, 0, 0, 0, 0), np.full(7, 0.5), RULE, least=12)
    assert draws.min() == 12.0


def test_finished_items_are_believed_beside_what_was_simulated() -> None:
    """A crowd that has always needed four answers is not forecast to need two, whatever the model of it thinks."""
    wrong = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    fresh, nothing = counts(100, 0, 0, 0, 0, 0, 0), counts(0, 0, 0, 0, 0, 0, 0)
    unseen = answers_left(fresh, nothing, wrong, RULE)
    assert unseen.mean() == pytest.approx(200, rel=0.08)
    few, many = (answers_left(fresh, counts(0, 0, 0, 0, count, 0, 0), wrong, RULE) for count in (10, 1000))
    assert 200 < few.mean() < many.mean() < 400
    assert many.mean() > 260


def test_simulated_items_stop_as_single_ones_do() -> None:
    """The chance to stop with the second answer is that of all pairs of answers, by the rule that production asks."""
    chances = simulate(EVEN, POOLED, POOLED[None], RULE, items=40_000).chances
    stops = 0.0
    for label, first, second in itertools.product(range(2), repeat=3):
        posterior = EVEN * POOLED[:, first] * POOLED[:, second]
        posterior = posterior / posterior.sum()
        chance = 0.5 * POOLED[label, first] * POOLED[label, second]
        stops += chance * (not worth_asking(posterior.tolist(), EVEN.tolist(), POOLED.tolist(), 1.0 / RULE.information))
    assert chances[:2].tolist() == [0.0, 0.0]
    assert chances[2] == pytest.approx(stops, abs=0.01)
    assert chances[RULE.maximum] == 1.0


def test_many_labels_are_simulated_with_one_coin() -> None:
    classes = 30
    pooled = np.array(default_pooled(classes))
    played = simulate(np.full(classes, 1 / classes), pooled, pooled[None], Rule(1, 5, 0.05), items=200)
    assert ((played.confidences > 1 / classes) & (played.confidences <= 1.0)).all()
    assert np.isfinite(played.chances).all()


def test_jobs_end_within_their_interval_as_often_as_it_says() -> None:
    """Jobs of crowds that the forecast knows roughly, each looked at when its items have come to any point."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        chances = rng.beta(4, 4, size=RULE.maximum + 1)
        lengths, known = play(rng, chances, 600), chances + 0.05 * rng.standard_normal(RULE.maximum + 1)
        known = np.clip(known, 0.0, 1.0)
        came = rng.integers(0, RULE.maximum + 1, size=600)
        still = lengths > came
        open_at, stopped = np.bincount(came[still], minlength=7), np.bincount(lengths[~still], minlength=7)
        said = spread(answers_left(open_at, stopped, known, RULE))
        held += said.low <= (lengths - came)[still].sum() <= said.high
    assert held >= 75


def play(rng: np.random.Generator, chances: Floats, items: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """The answers that items take."""
    lengths = np.full(items, RULE.maximum)
    for count in range(RULE.maximum - 1, RULE.minimum - 1, -1):
        lengths = np.where(rng.random(items) < chances[count], count, lengths)
    return lengths


# --- how many labels are right


def test_the_chance_that_all_are_right_is_a_product() -> None:
    beliefs = Beliefs(np.array([0.9, 0.5]), np.array([3.0, 1.0]), settled=5)
    assert all_right(beliefs, NO_MISTAKES) == pytest.approx(0.9**3 * 0.5)
    half = Mistakes(np.array([0.0, 0.2]), np.array([0.5, 0.5]))
    assert all_right(beliefs, half) == pytest.approx(0.5 * 0.9**3 * 0.5 * (1 + 0.8**4))
    many = Beliefs(np.array([0.999]), np.array([1_000_000.0]))
    assert 0.0 <= all_right(many, NO_MISTAKES) < 1e-300, "no underflow into nonsense"


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_hits_are_counted_exactly(chances: list[float], wanted: int) -> None:
    total = 0.0
    for hits in itertools.product((0, 1), repeat=len(chances)):
        if sum(hits) >= wanted:
            total += float(np.prod([p if hit else 1.0 - p for p, hit in zip(chances, hits, strict=True)]))
    found = at_least(np.array(chances), np.ones(len(chances), dtype=np.int64), wanted)
    assert found == pytest.approx(total, abs=1e-9)


def test_the_approximation_agrees_with_the_sum() -> None:
    rng = np.random.default_rng(0)
    chances = np.round(rng.uniform(0.6, 0.999, size=50), 3)
    times = np.full(50, EXACT_ITEMS // 50, dtype=np.int64)
    mean = float(times @ chances)
    for wanted in (int(mean) - 40, int(mean), int(mean) + 25):
        exact = at_least(chances, times, wanted)
        more = at_least(np.append(chances, 1.0), np.append(times, 1), wanted + 1)  # one more that always hits
        assert more == pytest.approx(exact, abs=2e-4)


def test_a_share_of_nothing_is_certain_and_more_than_all_is_not() -> None:
    beliefs = Beliefs(np.array([0.7]), np.array([10.0]), settled=10)
    assert share_right(beliefs, NO_MISTAKES, 0.5) == 1.0
    assert share_right(beliefs, NO_MISTAKES, 1.0) == pytest.approx(0.7**10)
    assert at_least(np.array([0.5]), counts(4), 5) == 0.0


def test_no_items_no_accuracy() -> None:
    nothing = np.zeros(0)
    assert accuracy(Beliefs(nothing, nothing), shared_mistakes()) is None
    settled = accuracy(Beliefs(nothing, nothing, settled=3), shared_mistakes())
    assert settled is not None
    assert (settled.low, settled.middle, settled.high) == (1.0, 1.0, 1.0)


def test_known_items_narrow_the_interval_and_move_it() -> None:
    beliefs = Beliefs(np.array([0.97]), np.array([5000.0]))
    before = accuracy(beliefs, shared_mistakes())
    good = accuracy(beliefs, shared_mistakes(200, 192, 0.97))
    poor = accuracy(beliefs, shared_mistakes(200, 150, 0.97))
    assert before is not None
    assert good is not None
    assert poor is not None
    assert good.high - good.low < (before.high - before.low) / 2
    assert good.low < 0.96 < good.high
    assert poor.low < 0.76 < poor.high


def test_what_is_expected_is_the_middle_of_the_interval() -> None:
    beliefs = Beliefs(np.array([0.97, 0.6]), np.array([300.0, 40.0]), settled=60)
    said = accuracy(beliefs, shared_mistakes())
    assert said is not None
    assert said.middle == expected_accuracy(beliefs, shared_mistakes())
    assert said.low < said.middle < said.high
    without = Beliefs(beliefs.confidences, beliefs.times)
    assert (expected_accuracy(without, shared_mistakes()) or 0.0) < said.middle, "what experts settled is right"


def test_audits_find_a_part_of_what_is_wrong() -> None:
    beliefs = Beliefs(np.array([1.0]), np.array([5000.0]))
    without, with_them = (accuracy(beliefs, audited(shared_mistakes(), found)) for found in (0.0, 0.5))
    assert without is not None
    assert with_them is not None
    assert 1.0 - with_them.middle == pytest.approx((1.0 - without.middle) / 2, rel=0.02)


def test_the_interval_of_accuracy_holds_the_truth_eight_times_of_ten() -> None:
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        mistakes = rng.beta(1.7, 17.0)
        right = rng.random(400) < 0.97 * (1.0 - mistakes)
        known = rng.random(60) < 0.97 * (1.0 - mistakes)
        said = accuracy(Beliefs(np.array([0.97]), np.array([400.0])), shared_mistakes(60, known.sum(), 0.97))
        assert said is not None
        held += said.low <= right.mean() <= said.high
    assert 0.72 <= held / 200 <= 0.92
