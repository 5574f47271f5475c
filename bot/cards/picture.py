"""A job as a picture: what its items have come to, how fast, for how much. Numbers only, so that it needs no language.

Drawn at twice the size it is shown at on a phone. What the parts mean stands in the words under it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from bot.texts.measures import share

WIDTH, MARGIN = 1000, 40
BAR_TOP, BAR_HEIGHT = 130, 48
CHART_TOP, CHART_HEIGHT, AXIS = 250, 260, 40
CURVE_SHARE = 0.62
GAP = 50
COST_HEIGHT = 90
BIG, MIDDLE, SMALL = 76, 36, 26

INK, PALE_INK, PAPER, LINE = "#1b1f24", "#6b7280", "#ffffff", "#d5d9e0"
COLOURS = {
    "agreed": "#2da44e",
    "settled": "#2f81f7",
    "accepted": "#8250df",
    "disputed": "#f08c2e",
    "withdrawn": "#8c959f",
    "open": "#e6e9ee",
}
"""By kind of item, in the order of the bar, which is also that of the words beside the picture."""

Draw = ImageDraw.ImageDraw
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """What is drawn. Whoever has the same figures has the same picture.

    items: how many of each of `COLOURS`.
    curve: (seconds since the start, items decided until then), the oldest first.
    elapsed, total: seconds from the start until now, and until the forecast end; the same where there is none.
    start, end: of the time axis, by the person's clock.
    per_hour: answers in each of the last 24 hours. cost: so far and in all, in hundredths; nothing where answers are
    free. currency: ISO 4217.
    """

    items: tuple[tuple[str, int], ...]
    curve: tuple[tuple[float, int], ...]
    elapsed: float
    total: float
    start: datetime
    end: datetime
    per_hour: tuple[int, ...]
    cost: tuple[int, int] | None = None
    currency: str = ""

    @property
    def count(self) -> int:
        """All items."""
        return sum(count for _, count in self.items)

    @property
    def decided(self) -> int:
        """Items that have a label: agreed, settled, or accepted from a model."""
        return sum(count for kind, count in self.items if kind in ("agreed", "settled", "accepted"))

    @property
    def expected(self) -> int:
        """Items that have a label once nothing is asked any more: disputed ones wait for experts then."""
        return self.decided + dict(self.items).get("open", 0)


def draw(figures: Figures) -> bytes:
    """The picture as PNG."""
    height = CHART_TOP + CHART_HEIGHT + AXIS + MARGIN + (COST_HEIGHT if figures.cost else 0)
    image = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(image)
    _headline(pen, figures)
    _items(pen, figures)
    curve_right = MARGIN + int((WIDTH - 2 * MARGIN - GAP) * CURVE_SHARE)
    _curve(pen, figures, (MARGIN, CHART_TOP, curve_right, CHART_TOP + CHART_HEIGHT))
    _hours(pen, figures, (curve_right + GAP, CHART_TOP, WIDTH - MARGIN, CHART_TOP + CHART_HEIGHT))
    if figures.cost:
        _cost(pen, figures.cost, figures.currency, height)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def segments(items: Sequence[tuple[str, int]], left: int, right: int) -> Iterator[tuple[str, int, int]]:
    """(kind, from, to) of the parts of a bar: in proportion, without gaps, from `left` to `right`."""
    total, seen, start = sum(count for _, count in items), 0, left
    for kind, count in items:
        seen += count
        end = left + round((right - left) * seen / total) if total else left
        if end > start:
            yield kind, start, end
        start = end


def _headline(pen: Draw, figures: Figures) -> None:
    done = figures.decided / figures.count if figures.count else 0.0
    pen.text((MARGIN, 24), share(done, "en"), INK, _font(BIG))
    said = f"{figures.decided:,} / {figures.count:,}"
    pen.text((WIDTH - MARGIN, 24 + BIG), said, PALE_INK, _font(MIDDLE), anchor="rs")


def _items(pen: Draw, figures: Figures) -> None:
    right = WIDTH - MARGIN
    pen.rectangle((MARGIN, BAR_TOP, right - 1, BAR_TOP + BAR_HEIGHT), COLOURS["open"])
    for kind, start, end in segments(figures.items, MARGIN, right):
        pen.rectangle((start, BAR_TOP, end - 1, BAR_TOP + BAR_HEIGHT), COLOURS[kind])


def _curve(pen: Draw, figures: Figures, box: Box) -> None:
    left, top, right, bottom = box
    span, most = max(figures.total, figures.elapsed, 1.0), max(figures.count, 1)

    def at(seconds: float, count: int) -> tuple[int, int]:
        share = min(max(seconds / span, 0.0), 1.0)
        return left + round((right - left) * share), bottom - round((bottom - top) * min(count / most, 1.0))

    now = at(figures.elapsed, figures.decided)
    points = [at(0, 0), *(at(min(seconds, figures.elapsed), count) for seconds, count in figures.curve), now]
    pen.polygon([*points, (now[0], bottom)], fill="#d9f2e0")
    pen.line([(left, top), (right, top)], LINE, 2)
    pen.line(points, COLOURS["agreed"], 6, joint="curve")
    if figures.total > figures.elapsed:
        _dashes(pen, now, at(figures.total, figures.expected))
    pen.line([(left, bottom), (right, bottom)], INK, 3)
    pen.text((left, top - 6), f"{figures.count:,}", PALE_INK, _font(SMALL), anchor="ls")
    same_day = figures.start.date() == figures.end.date()
    for where, anchor, moment in ((left, "la", figures.start), (right, "ra", figures.end)):
        said = f"{moment:%H:%M}" if same_day else f"{moment:%m-%d}"
        pen.text((where, bottom + 10), said, PALE_INK, _font(SMALL), anchor=anchor)


def _dashes(pen: Draw, start: tuple[int, int], end: tuple[int, int], pieces: int = 12) -> None:
    for number in range(pieces):
        first, last = number / pieces, (number + 0.55) / pieces
        ends = [
            (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share) for share in (first, last)
        ]
        pen.line(ends, COLOURS["agreed"], 5)


def _hours(pen: Draw, figures: Figures, box: Box) -> None:
    left, top, right, bottom = box
    most, cell = max(*figures.per_hour, 1), (right - left) / len(figures.per_hour)
    for number, count in enumerate(figures.per_hour):
        start = left + round(number * cell)
        height = round((bottom - top) * count / most)
        if height:
            pen.rectangle((start, bottom - height, start + max(1, int(cell) - 3), bottom), COLOURS["settled"])
    pen.line([(left, bottom), (right, bottom)], INK, 3)
    pen.text((left, top - 6), f"{max(figures.per_hour):,} / h", PALE_INK, _font(SMALL), anchor="ls")
    pen.text((left, bottom + 10), "-24 h", PALE_INK, _font(SMALL), anchor="la")
    pen.text((right, bottom + 10), "0 h", PALE_INK, _font(SMALL), anchor="ra")


def _cost(pen: Draw, cost: tuple[int, int], currency: str, height: int) -> None:
    so_far, in_all = cost
    top, left, right = height - COST_HEIGHT, MARGIN, WIDTH - MARGIN
    share = min(so_far / in_all, 1.0) if in_all else 0.0
    pen.rectangle((left, top + 36, right - 1, top + 54), COLOURS["open"])
    if share:
        pen.rectangle((left, top + 36, left + round((right - left) * share) - 1, top + 54), "#8250df")
    said = f"{so_far / 100:,.2f} / {in_all / 100:,.2f} {currency}"
    pen.text((right, top + 28), said, PALE_INK, _font(SMALL), anchor="rs")


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
