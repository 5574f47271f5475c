"""Forecasts of a replayed crowd hold what happened: the short form of `make forecasts`, on the crowd of the demo."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.forecast_plot import draw
from benchmarks.forecasts import CUTS, ORDERS, Cut, replayed, report
from core.crowd_table import read_gold, read_labels
from tests.processes import ROOT

CROWD = ROOT / "demo" / "weather_text"


@pytest.fixture(scope="module")
def cuts() -> list[Cut]:
    """Both orders of the crowd, at every cut."""
    table = read_labels(CROWD / "labels.csv")
    gold = read_gold(CROWD / "gold.csv", table)
    return [cut for order in ORDERS for cut in replayed("weather", table, gold, order, seed=11)]


def test_most_intervals_hold_the_truth(cuts: list[Cut]) -> None:
    assert len(cuts) == len(CUTS) * len(ORDERS)
    assert sum(cut.holds for cut in cuts) >= 0.75 * len(cuts)
    assert sum(cut.expected.low <= cut.right <= cut.expected.high for cut in cuts) >= 0.75 * len(cuts)


def test_the_intervals_say_something(cuts: list[Cut]) -> None:
    widths = [(cut.forecast.high - cut.forecast.low) / cut.left for cut in cuts]
    assert np.median(widths) < 0.4
    assert all(cut.forecast.low < cut.forecast.middle < cut.forecast.high for cut in cuts)


def test_what_is_printed_and_drawn_shows_every_cut(cuts: list[Cut]) -> None:
    said = report(cuts)
    assert f"{sum(cut.holds for cut in cuts)} of {len(cuts)}" in said
    assert "| weather | in turn |" in said
    picture = draw([(cut.order, cut.left, cut.forecast) for cut in cuts])
    assert picture.count("<circle") == len(cuts)
    assert picture.count('stroke-width="5"') == len(cuts)
