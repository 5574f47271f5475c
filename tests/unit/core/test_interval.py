"""Intervals of shares, against published values."""

from __future__ import annotations

import pytest

from core.aggregation.interval import wilson_interval


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_values_of_newcombe_1998(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson_interval(hits, trials) == pytest.approx((low, high), abs=5e-5)


def test_nothing_tried_says_nothing_and_all_hits_reach_the_top() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(9, 9)[1] == pytest.approx(1.0)
