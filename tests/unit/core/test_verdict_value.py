"""Which dispute is worth most to settle."""

from __future__ import annotations

import pytest

from core.aggregation.verdict_value import verdict_value


def test_it_is_the_expected_error_that_a_verdict_removes() -> None:
    assert verdict_value([0.5, 0.5], 0, 0, None) == 0.5
    assert verdict_value([0.25] * 4, 0, 0, None) == 0.75
    assert verdict_value([1.0, 0.0], 5, 0, None) == 0.0
    assert verdict_value([], 0, 0, None) == 1.0, "nothing is known of it"


def test_priority_deadline_and_what_it_teaches_weigh() -> None:
    plain = verdict_value([0.6, 0.4], 3, 0, None)
    assert verdict_value([0.6, 0.4], 3, 10, None) == pytest.approx(2 * plain)
    assert verdict_value([0.6, 0.4], 3, -10, None) == pytest.approx(plain / 2)
    assert verdict_value([0.6, 0.4], 8, 0, None) > plain
    assert verdict_value([0.6, 0.4], 10, 0, None) == verdict_value([0.6, 0.4], 50, 0, None)
    near, far = (verdict_value([0.6, 0.4], 3, 0, hours) for hours in (2.0, 48.0))
    assert plain < far < near < 3 * plain
    assert verdict_value([0.6, 0.4], 3, 0, -5.0) == pytest.approx(3 * plain), "late, but not ever more so"
