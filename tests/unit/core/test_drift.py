"""A fall is found, a rise and the order of asking are not one, and steady streams are left in peace."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.aggregation.drift import Reference, fallen

Floats = NDArray[np.float64]


def residuals(random: np.random.Generator, size: int, loss: float = 0.0) -> Floats:
    """Right or not minus sure, as the watch of a champion sees it, where the most doubtful items come first."""
    sure = np.sort(random.beta(4.0, 1.5, size).clip(0.34, 0.999))
    right = random.random(size) < sure - loss
    stream: Floats = (1.0 + right - sure) / 2.0
    return stream


def known(random: np.random.Generator) -> Reference:
    """A holdout of a hundred items."""
    before = residuals(random, 100)
    return Reference(100, float(before.mean()), float(before.var()))


def test_a_whole_reign_without_drift_seldom_alarms() -> None:
    random = np.random.default_rng(1)
    alarms = 0
    for _ in range(60):
        before, stream = known(random), residuals(random, 1000)
        alarms += any(fallen(stream[:size], before) is not None for size in range(50, 1001, 50))
    assert alarms <= 3


def test_a_fall_by_a_quarter_is_found_within_three_hundred_labels() -> None:
    random = np.random.default_rng(2)
    found = 0
    for _ in range(40):
        stream = np.concatenate([residuals(random, 100), residuals(random, 300, 0.25)])
        found += fallen(stream, known(random)) is not None
    assert found >= 36


def test_a_fall_that_was_there_from_the_start_is_seen_against_the_holdout() -> None:
    stream = residuals(np.random.default_rng(3), 300, 0.3)
    assert fallen(stream) is None
    change = fallen(stream, Reference(200, 0.5, 0.04))
    assert change is not None
    assert change.at < 100
    assert change.after < change.before


def test_the_cut_lies_where_it_fell() -> None:
    change = fallen(np.concatenate([np.full(200, 0.8), np.full(200, 0.3)]))
    assert change is not None
    assert (change.at, change.before, change.after) == pytest.approx((200, 0.8, 0.3))


def test_a_rise_is_none() -> None:
    assert fallen(np.concatenate([np.full(200, 0.3), np.full(200, 0.8)])) is None


@pytest.mark.parametrize("size", [0, 1, 9, 19])
def test_too_few_numbers_say_nothing(size: int) -> None:
    assert fallen(np.zeros(size), Reference(5, 1.0, 0.0)) is None
