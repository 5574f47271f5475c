"""Forecasts beside what happened, as an SVG: a bar for each interval, relative to the truth."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log

from core.aggregation.forecasting import Spread

LEFT, TOP, HEIGHT, BELOW, STEP = 60, 50, 300, 150, 13
LOWEST, HIGHEST = 0.6, 1.6
GRID = (0.7, 0.85, 1.0, 1.2, 1.4)
HELD, MISSED, INK, PALE = "#2f81f7", "#f08c2e", "#1b1f24", "#d5d9e0"
Bar = tuple[str, int, Spread]


def draw(bars: Sequence[Bar]) -> str:
    """(group, real number, forecast) of each cut, in their order; groups are named below."""
    width = LEFT + STEP * (len(bars) + 2)
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + HEIGHT + BELOW}" '
        'font-family="system-ui, sans-serif" font-size="12">',
        f'<rect width="{width}" height="{TOP + HEIGHT + BELOW}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" fill="{INK}" font-size="15">Forecast answers left, as a multiple of the real number'
        "</text>",
        f'<text x="{LEFT}" y="38" fill="{INK}">blue: the 80 % interval holds the truth, the line at 1; orange: it '
        "does not</text>",
    ]
    for value in GRID:
        stroke = INK if value == 1.0 else PALE
        pieces.append(f'<line x1="{LEFT}" x2="{width - STEP}" y1="{_y(value)}" y2="{_y(value)}" stroke="{stroke}"/>')
        pieces.append(f'<text x="{LEFT - 8}" y="{_y(value) + 4}" fill="{INK}" text-anchor="end">{value:g}</text>')
    for place, (_, left, said) in enumerate(bars):
        pieces += _bar(LEFT + STEP * (place + 1), left, said)
    pieces += _names(bars)
    return "\n".join([*pieces, "</svg>", ""])


def _bar(x: int, left: int, said: Spread) -> list[str]:
    low, middle, high = (end / max(1, left) for end in (said.low, said.middle, said.high))
    colour = HELD if low <= 1.0 <= high else MISSED
    return [
        f'<line x1="{x}" x2="{x}" y1="{_y(low)}" y2="{_y(high)}" stroke="{colour}" stroke-width="5" opacity="0.55"/>',
        f'<circle cx="{x}" cy="{_y(middle)}" r="3.5" fill="{colour}"/>',
    ]


def _names(bars: Sequence[Bar]) -> list[str]:
    """The name of each group below its first bar."""
    pieces, before = [], ""
    for place, (group, _, _) in enumerate(bars):
        if group != before:
            x, y = LEFT + STEP * (place + 1), TOP + HEIGHT + 14
            turned = f'transform="rotate(55 {x} {y})"'
            pieces.append(f'<text x="{x}" y="{y}" fill="{INK}" font-size="11" {turned}>{escape(group)}</text>')
        before = group
    return pieces


def _y(value: float) -> float:
    """Where a ratio stands, on a logarithmic axis."""
    share = log(min(max(value, LOWEST), HIGHEST) / LOWEST) / log(HIGHEST / LOWEST)
    return round(TOP + HEIGHT * (1.0 - share), 1)
