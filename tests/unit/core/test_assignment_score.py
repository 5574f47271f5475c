"""The score of one item for one worker: what it prefers, and that each part can be told from the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.aggregation.assignment_score import EXPERT_COST, TOGETHER, Prospect, score
from core.aggregation.controllers import LEAST, MOST, STEP, toward_accuracy, toward_budget
from core.openings import falls_behind

USUAL = Prospect(information=0.2, average=0.2, fresh=0.2)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_more_information_scores_higher() -> None:
    assert score(replace(USUAL, information=0.3)) > score(USUAL) > score(replace(USUAL, information=0.1))


def test_a_document_is_finished_in_its_order_before_another_begins() -> None:
    steps = [1, 2, 5, 100, 0, -1]
    scores = [score(replace(USUAL, steps=step)) for step in steps]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] - score(USUAL) == pytest.approx(TOGETHER)
    assert scores[-1] > score(USUAL)


def test_experts_go_where_others_would_tell_little() -> None:
    known = Prospect(information=0.30, average=0.20, fresh=0.2)
    hard = Prospect(information=0.25, average=0.05, fresh=0.2)
    assert score(known) > score(hard), "anybody gets what they tell most about"
    expert = [replace(one, time_cost=EXPERT_COST) for one in (known, hard)]
    assert score(expert[0]) < score(expert[1])


def test_who_reads_the_language_and_has_had_less_comes_first() -> None:
    assert score(replace(USUAL, reads=True)) > score(USUAL) > score(replace(USUAL, load=1.0))


def test_an_item_about_which_nothing_can_be_told_is_no_fault() -> None:
    assert score(Prospect(0.0, 0.0, 0.0)) == 0.0


@given(st.floats(LEAST, MOST), st.floats(0.0, 1.0), st.floats(0.5, 0.999))
def test_a_step_towards_a_target_is_small_bounded_and_in_its_direction(
    information: float, expected: float, target: float
) -> None:
    after = toward_accuracy(information, expected, target)
    assert LEAST <= after <= MOST
    assert information / STEP <= after * (1 + 1e-9)
    assert after <= information * STEP * (1 + 1e-9)
    if expected > target:
        assert after >= information
    if expected < target:
        assert after <= information


@given(st.floats(LEAST, MOST), st.floats(-10, 1e6), st.floats(-10, 1e6))
def test_a_step_towards_a_budget_asks_less_where_it_is_short(information: float, left: float, needed: float) -> None:
    after = toward_budget(information, left, needed)
    assert LEAST <= after <= MOST
    if max(left, 1.0) < max(needed, 1.0):
        assert after >= information
    if max(left, 1.0) > max(needed, 1.0):
        assert after <= information


@pytest.mark.parametrize(
    ("hours", "done", "behind"), [(10, 50, False), (10, 30, True), (10, 0, False), (-1, 99, True), (-1, 100, False)]
)
def test_a_job_falls_behind_where_its_pace_will_not_do(hours: int, done: int, behind: bool) -> None:
    started = NOON - timedelta(hours=10)
    assert falls_behind(started, NOON + timedelta(hours=hours), NOON, done, 100) is behind
