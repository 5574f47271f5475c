"""How likely an answer is audited, how many audits are due, and what audits say of all answers."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.aggregation.interval import wilson_interval
from core.audit_rate import (
    ENOUGH,
    HIGHEST,
    LOWEST,
    MOST,
    Estimate,
    Risk,
    Tally,
    chance,
    estimate,
    level,
    owed,
    shift_of,
)

ERRORS = {-1: 0.01, 0: 0.03, 1: 0.1, 3: 0.4}
SIZES = {-1: 900, 0: 1500, 1: 360, 3: 240}


@pytest.mark.parametrize(
    ("risk", "expected"),
    [
        (Risk(), 0),
        (Risk(confidence=0.95), 0),
        (Risk(confidence=0.7), 1),
        (Risk(contrary=True, confidence=0.7), 3),
        (Risk(answers=3), 1),
        (Risk(accuracy=0.59), 2),
        (Risk(accuracy=0.6), 0),
        (Risk(audited=20, rejected=2), 2),
        (Risk(audited=21, rejected=2), 0),
        (Risk(audited=10), -1),
        (Risk(audited=9), 0),
        (Risk(contrary=True, answers=1, accuracy=0.2, audited=1, rejected=1), HIGHEST),
    ],
)
def test_the_level_of_a_risk(risk: Risk, expected: int) -> None:
    assert level(risk) == expected


@given(
    st.builds(
        Risk,
        contrary=st.booleans(),
        confidence=st.none() | st.floats(0, 1),
        accuracy=st.none() | st.floats(0, 1),
        answers=st.integers(0, 10_000),
        audited=st.integers(0, 100),
        rejected=st.integers(0, 100),
    )
)
def test_levels_and_chances_are_bounded(risk: Risk) -> None:
    assert LOWEST <= level(risk) <= HIGHEST
    for base, shift in product((0.0, 0.02, 0.4, 1.0), (-1, 0, 1)):
        assert 0.0 <= chance(base, level(risk), shift) <= max(base, MOST)


def test_each_level_is_twice_as_likely_as_the_one_below() -> None:
    assert [chance(0.02, one) for one in range(LOWEST, HIGHEST + 1)] == [0.01, 0.02, 0.04, 0.08, 0.16, 0.32]
    assert chance(0.02, 4, shift=1) == MOST
    assert chance(0.0, HIGHEST, shift=1) == 0.0


def test_what_is_due_follows_from_the_risk_and_ends_when_it_is_done() -> None:
    assert owed(0.02, {}, {0: 1000.0}) == 20
    assert owed(0.02, {}, {0: 900.0, 3: 100.0}) == 34
    assert owed(0.02, {0: Tally(20, 1)}, {0: 980.0}) == 0
    assert owed(0.02, {0: Tally(15, 1)}, {0: 985.0}) == 5
    assert owed(0.0, {}, {3: 1000.0}) == 0
    assert owed(0.02, {}, {}) == 0


def test_a_bad_job_is_audited_more_and_a_good_one_less() -> None:
    good, bad = {0: Tally(150, 0)}, {0: Tally(150, 60)}
    assert [shift_of(estimate(audits, {0: 9850.0})) for audits in (good, bad)] == [-1, 1]
    assert owed(0.02, good, {0: 9850.0}) == 0
    assert owed(0.02, bad, {0: 9850.0}) == 250
    assert shift_of(None) == 0
    assert shift_of(Estimate(0.07, 0.02, 0.2)) == 0


def test_a_first_mistake_does_not_double_what_is_due() -> None:
    """One of one rejected has an interval from 21 % on, which is no news of the whole job."""
    before = owed(0.05, {}, {0: 300.0})
    assert before == 15
    assert owed(0.05, {0: Tally(1, 1)}, {0: 299.0}) == before - 1
    assert owed(0.05, {0: Tally(ENOUGH - 1, ENOUGH - 1)}, {0: 301.0 - ENOUGH}) == before - ENOUGH + 1
    assert owed(0.05, {0: Tally(ENOUGH, ENOUGH)}, {0: 300.0 - ENOUGH}) == 2 * before - ENOUGH, "now it is"


def test_without_an_audit_nothing_is_estimated() -> None:
    assert estimate({}, {0: 100.0}) is None
    assert estimate({2: Tally()}, {2: 100.0}) is None


def test_of_one_level_it_is_the_plain_share_with_wilsons_interval() -> None:
    found = estimate({1: Tally(12, 1)}, {1: 300.0})
    assert found is not None
    assert (found.low, found.high) == pytest.approx(wilson_interval(1, 12))
    assert found.rate == pytest.approx(1 / 12)


def test_a_level_that_was_never_audited_counts_to_the_nearest() -> None:
    found = estimate({0: Tally(10, 0), 2: Tally(10, 5)}, {0: 90.0, 1: 100.0, 2: 90.0})
    assert found is not None
    assert found.rate == pytest.approx((100 * 0.0 + 200 * 0.5) / 300), "the riskier of two that are as near"


def simulate(chooser: random.Random, audits: int) -> tuple[float, Estimate, tuple[float, float]]:
    """True error rate of a job, the estimate from a risk sample of it, and Wilson's interval of that sample."""
    answers = [(risk, chooser.random() < ERRORS[risk]) for risk, size in SIZES.items() for _ in range(size)]
    drawn = sorted(answers, key=lambda one: chooser.expovariate(chance(0.02, one[0])))[:audits]
    taken, wrong = Counter(risk for risk, _ in drawn), Counter(risk for risk, is_wrong in drawn if is_wrong)
    found = estimate(
        {risk: Tally(count, wrong[risk]) for risk, count in taken.items()},
        {risk: float(size - taken[risk]) for risk, size in SIZES.items()},
    )
    assert found is not None
    return sum(is_wrong for _, is_wrong in answers) / len(answers), found, wilson_interval(wrong.total(), audits)


def test_risk_sampling_does_not_overstate_the_mistakes_of_a_job() -> None:
    chooser = random.Random(7)
    runs = [simulate(chooser, chooser.choice((40, 80, 160))) for _ in range(300)]
    covered = sum(found.low <= truth <= found.high for truth, found, _ in runs)
    naive = sum(low <= truth <= high for truth, _, (low, high) in runs)
    bias = sum(found.rate - truth for truth, found, _ in runs) / len(runs)
    assert abs(bias) < 0.006
    assert covered >= 0.95 * len(runs)
    assert naive < 0.5 * len(runs), "which the plain share of the sample does"
