"""The picture of a job: its parts are in proportion, and it can be drawn whatever the numbers are."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.cards.picture import (
    BAR_HEIGHT,
    BAR_TOP,
    CHART_HEIGHT,
    CHART_TOP,
    COLOURS,
    COST_HEIGHT,
    MARGIN,
    WIDTH,
    Figures,
    draw,
    segments,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
INNER = WIDTH - 2 * MARGIN


def figures(**counts: int) -> Figures:
    """A job that has run for two hours and has two more to go."""
    items = tuple((kind, counts.get(kind, 0)) for kind in COLOURS)
    decided = counts.get("agreed", 0) + counts.get("settled", 0)
    return Figures(
        items=items,
        curve=((3600.0, decided // 2), (7200.0, decided)) if decided else (),
        elapsed=7200.0,
        total=14400.0,
        start=START,
        end=START + timedelta(seconds=14400),
        per_hour=(0,) * 22 + (4, 2),
    )


def opened(shown: Figures) -> Image.Image:
    """The drawn picture."""
    image = Image.open(BytesIO(draw(shown)))
    image.load()
    return image


def colour(kind: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(COLOURS[kind][1:]))


def widths(image: Image.Image) -> Counter[object]:
    """Pixels of each colour along the middle of the bar of items."""
    middle = BAR_TOP + BAR_HEIGHT // 2
    return Counter(image.getpixel((x, middle)) for x in range(MARGIN, WIDTH - MARGIN))


def test_the_bar_is_in_proportion() -> None:
    found = widths(opened(figures(agreed=50, settled=10, disputed=15, withdrawn=5, open=20)))
    for kind, share in (("agreed", 0.5), ("settled", 0.1), ("disputed", 0.15), ("withdrawn", 0.05), ("open", 0.2)):
        assert found[colour(kind)] == pytest.approx(INNER * share, abs=1), kind
    assert sum(found.values()) == INNER, "without gaps"


def test_all_of_it_is_all_of_the_bar() -> None:
    assert widths(opened(figures(agreed=7))) == {colour("agreed"): INNER}
    assert widths(opened(figures(open=7))) == {colour("open"): INNER}


def test_the_columns_of_the_hours_are_in_proportion() -> None:
    image = opened(figures(open=10))
    bottom = CHART_TOP + CHART_HEIGHT
    cell = (WIDTH - MARGIN - column_left()) / 24
    heights = []
    for number in (21, 22, 23):
        x = int(column_left() + (number + 0.4) * cell)
        heights.append(sum(image.getpixel((x, y)) == colour("settled") for y in range(CHART_TOP, bottom - 3)))
    assert heights[0] == 0
    assert heights[1] == pytest.approx(CHART_HEIGHT, abs=5)
    assert heights[2] == pytest.approx(CHART_HEIGHT / 2, abs=5)


def column_left() -> int:
    """Where the chart of the hours begins."""
    from bot.cards.picture import CURVE_SHARE, GAP

    return MARGIN + int((INNER - GAP) * CURVE_SHARE) + GAP


def test_the_curve_ends_at_what_is_decided_and_the_forecast_goes_on() -> None:
    image = opened(figures(agreed=50, open=50))
    right, bottom = column_left() - 50, CHART_TOP + CHART_HEIGHT
    half = MARGIN + (right - MARGIN) // 2

    def topmost(x: int) -> float:
        return next(bottom - y for y in range(CHART_TOP + 4, bottom) if image.getpixel((x, y)) == colour("agreed"))

    assert topmost(half - 4) == pytest.approx(CHART_HEIGHT / 2, abs=8)
    ahead = [image.getpixel((x, y)) for x in range(half + 10, right) for y in range(CHART_TOP, bottom - 4)]
    assert ahead.count(colour("agreed")) > 200, "dashes to the end"
    closed = opened(replace(figures(agreed=50, open=50), total=7200.0))
    assert closed.getpixel((half, bottom - 20)) != (255, 255, 255), "without a forecast the curve fills the chart"


def test_the_forecast_ends_below_what_experts_have_to_settle() -> None:
    left, right = figures(agreed=40, open=40, disputed=20), figures(agreed=40, open=60)
    assert (left.expected, right.expected) == (80, 100)
    highest = [_highest(opened(shown)) for shown in (left, right)]
    assert abs((highest[0] - highest[1]) - CHART_HEIGHT * 0.2) < 12


def _highest(image: Image.Image) -> int:
    """The uppermost row of the chart in which the curve, or its forecast, is drawn."""
    wanted = colour("agreed")
    rows = range(CHART_TOP - 4, CHART_TOP + CHART_HEIGHT)
    return next(y for y in rows for x in range(MARGIN, WIDTH // 2 + 100) if image.getpixel((x, y)) == wanted)


def test_costs_have_a_bar_of_their_own() -> None:
    free = opened(figures(agreed=5, open=5))
    paid = opened(replace(figures(agreed=5, open=5), cost=(250, 1000), currency="USD"))
    assert paid.size == (WIDTH, free.size[1] + COST_HEIGHT)
    row = paid.size[1] - COST_HEIGHT + 45
    spent = sum(paid.getpixel((x, row)) == (0x82, 0x50, 0xDF) for x in range(WIDTH))
    assert spent == pytest.approx(INNER / 4, abs=1)
    opened(replace(figures(open=5), cost=(0, 0), currency="EUR"))


@pytest.mark.parametrize(
    "counts",
    [{}, {"open": 1}, {"agreed": 1}, {"agreed": 999_999, "disputed": 1}, {"open": 1_000_000}],
    ids=["no item", "one open", "one agreed", "a million decided", "a million open"],
)
def test_any_number_of_items_can_be_drawn(counts: dict[str, int]) -> None:
    image = opened(figures(**counts))
    assert (image.format, image.size[0]) == ("PNG", WIDTH)


def test_a_job_of_this_minute_can_be_drawn() -> None:
    fresh = replace(figures(), elapsed=0.0, total=0.0, end=START, per_hour=(0,) * 24)
    assert opened(fresh).size[0] == WIDTH
    assert opened(replace(fresh, elapsed=-5.0, total=-5.0)).size[0] == WIDTH, "clocks differ"


@settings(max_examples=200)
@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=8), st.integers(1, 5000))
def test_parts_follow_each_other_and_fill_the_bar(counts: list[int], width: int) -> None:
    items = [(str(number), count) for number, count in enumerate(counts)]
    parts = list(segments(items, 10, 10 + width))
    if not sum(counts):
        assert parts == []
        return
    assert (parts[0][1], parts[-1][2]) == (10, 10 + width)
    assert all(one[2] == other[1] for one, other in pairwise(parts))
    for kind, start, end in parts:
        assert end - start == pytest.approx(width * counts[int(kind)] / sum(counts), abs=1.01)
