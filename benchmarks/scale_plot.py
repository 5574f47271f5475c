"""Medians over the number of open items, as an SVG: flat lines are what is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import Any

LEFT, TOP, WIDTH, HEIGHT, BELOW, BESIDE = 70, 56, 460, 300, 46, 190
LOWEST, HIGHEST = -2.0, 2.0
INK, PALE = "#1b1f24", "#d5d9e0"
COLOURS = {"sqlite": "#2f81f7", "postgresql": "#f08c2e"}
KINDS = {"tap": "whole tap", "veteran_tap": "tap, 10,000 done", "pick": "pick", "veteran_pick": "pick, 10,000 done"}
DASHES = {"tap": "", "veteran_tap": "6 4", "pick": "", "veteran_pick": "6 4"}


def draw(rows: Sequence[Mapping[str, Any]]) -> str:
    """`rows` have database, items, and milliseconds by the names of `KINDS`."""
    sizes = sorted({row["items"] for row in rows})
    total = f"{LEFT + WIDTH + BESIDE} {TOP + HEIGHT + BELOW}"
    pieces = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total}" font-family="system-ui, sans-serif" '
        'font-size="12">',
        f'<rect width="{LEFT + WIDTH + BESIDE}" height="{TOP + HEIGHT + BELOW}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" fill="{INK}" font-size="15">Milliseconds (median) over open items</text>',
        f'<text x="{LEFT}" y="38" fill="{INK}">1,000 people; dashed: who has answered 10,000 items at the head</text>',
    ]
    for power in range(int(LOWEST), int(HIGHEST) + 1):
        y = _y(10.0**power)
        pieces.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y}" y2="{y}" stroke="{PALE}"/>')
        pieces.append(f'<text x="{LEFT - 8}" y="{y + 4}" fill="{INK}" text-anchor="end">{10.0**power:g}</text>')
    for size in sizes:
        x = _x(size, sizes)
        pieces.append(f'<text x="{x}" y="{TOP + HEIGHT + 20}" fill="{INK}" text-anchor="middle">{size:,}</text>')
    for name in dict.fromkeys(row["database"] for row in rows):
        for kind in KINDS:
            points = [(_x(row["items"], sizes), _y(row[kind])) for row in rows if row["database"] == name]
            pieces += _line(points, name, kind)
    return "\n".join([*pieces, "</svg>", ""])


def _line(points: Sequence[tuple[float, float]], name: str, kind: str) -> list[str]:
    """One kind on one database, named at its end where it is not dashed."""
    path, (x, y) = " ".join(f"{x},{y}" for x, y in points), points[-1]
    dashed = f' stroke-dasharray="{DASHES[kind]}"' if DASHES[kind] else ""
    drawn = f'<polyline points="{path}" fill="none" stroke="{COLOURS[name]}" stroke-width="2"{dashed}/>'
    named = f'<text x="{x + 8}" y="{y + 4}" fill="{COLOURS[name]}">{KINDS[kind]}, {name}</text>'
    return [drawn] if dashed else [drawn, named]


def _x(items: int, sizes: Sequence[int]) -> float:
    least, most = log10(sizes[0]), log10(sizes[-1])
    return round(LEFT + WIDTH * (log10(items) - least) / max(most - least, 1e-9), 1)


def _y(milliseconds: float) -> float:
    """Where a time stands, on a logarithmic axis."""
    share = (log10(min(max(milliseconds, 10**LOWEST), 10**HIGHEST)) - LOWEST) / (HIGHEST - LOWEST)
    return round(TOP + HEIGHT * (1.0 - share), 1)
