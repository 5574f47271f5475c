"""A model as a picture: how right it is, what it mixes up, what its confidence is worth, what more labels bring.

Hardly any words, and those in English, as in the card beside it. Blue and orange are told apart by everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

WIDTH, MARGIN, GAP = 1000, 40, 50
HEAD, TOP, BOX = 150, 190, 380
BIG, MIDDLE, SMALL = 76, 36, 24
MOST_LABELS = 8
NAME = 9
LATIN = 0x250
"""What the font has: from this character on, a label is shown by its place."""

INK, PALE_INK, PAPER, LINE = "#1b1f24", "#6b7280", "#ffffff", "#d5d9e0"
RIGHT, WRONG = (31, 95, 191), (217, 111, 14)

Draw = ImageDraw.ImageDraw
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """What is drawn. Shares from 0 to 1.

    accuracy: with its interval. before: of the model in use on the same items; None where there is none.
    labels: names in order. confusion: (truth, said, count) by index. reliability: (confidence, share that is right).
    curve: (labels, accuracy).
    """

    title: str
    accuracy: tuple[float, float, float]
    before: float | None
    n: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, int, int], ...]
    reliability: tuple[tuple[float, float], ...]
    curve: tuple[tuple[int, float], ...] = ()


def draw(figures: Figures) -> bytes:
    """The picture as PNG."""
    image = Image.new("RGB", (WIDTH, TOP + 2 * BOX + GAP + MARGIN), PAPER)
    pen = ImageDraw.Draw(image)
    _headline(pen, figures)
    right = MARGIN + (WIDTH - 2 * MARGIN + GAP) // 2
    width = (WIDTH - 2 * MARGIN - GAP) // 2
    _confusion(pen, figures, (MARGIN, TOP), WIDTH - 2 * MARGIN)
    lower = TOP + BOX + GAP
    _axes(pen, (MARGIN, lower), width, "confidence", "right")
    _line(pen, [(MARGIN, lower + BOX - 60), (MARGIN + width, lower)], LINE, 3)
    _line(pen, [_at(spot, (MARGIN, lower), width) for spot in figures.reliability], RIGHT, 6)
    _curve(pen, figures.curve, (right, lower), width)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def shown_labels(labels: Sequence[str]) -> list[str]:
    """Labels as the font can show them: by name, or by place where it lacks the script."""
    return [
        _shortened(name) if name and all(ord(char) < LATIN for char in name) else f"#{place}"
        for place, name in enumerate(labels, start=1)
    ]


def _headline(pen: Draw, figures: Figures) -> None:
    share, low, high = figures.accuracy
    pen.text((MARGIN, 24), _percent(share), INK, _font(BIG))
    pen.text((WIDTH - MARGIN, 40), figures.title, INK, _font(MIDDLE), anchor="ra")
    before = "" if figures.before is None else f"   before: {_percent(figures.before)}"
    said = f"{_percent(low)} - {_percent(high)}   n = {figures.n:,}{before}"
    pen.text((WIDTH - MARGIN, 24 + BIG), said, PALE_INK, _font(SMALL), anchor="rs")
    left, right = MARGIN, WIDTH - MARGIN
    pen.rectangle((left, HEAD - 22, right, HEAD), "#e6e9ee")
    pen.rectangle((left, HEAD - 22, left + round((right - left) * share), HEAD), RIGHT)
    for bound in (low, high):
        where = left + round((right - left) * bound)
        pen.line([(where, HEAD - 32), (where, HEAD + 10)], INK, 3)


def _confusion(pen: Draw, figures: Figures, corner: Place, width: int) -> None:
    """Rows are what is true, columns what the model says; the commonest labels where there are many."""
    names, totals = shown_labels(figures.labels), [0] * len(figures.labels)
    for truth, _, count in figures.confusion:
        totals[truth] += count
    chosen = sorted(sorted(range(len(names)), key=lambda place: -totals[place])[:MOST_LABELS])
    left, top = corner[0] + 150, corner[1] + 34
    cell = min((width - 150) // max(1, len(chosen)), 140)
    tall = (BOX - 44) // max(1, len(chosen))
    counts = {(truth, said): count for truth, said, count in figures.confusion}
    for row, truth in enumerate(chosen):
        middle = top + row * tall + tall // 2
        pen.text((left - 12, middle), names[truth], INK, _font(SMALL), anchor="rm")
        pen.text((left + row * cell + cell // 2, top - 8), names[truth], INK, _font(SMALL), anchor="ms")
        for column, said in enumerate(chosen):
            count = counts.get((truth, said), 0)
            share = count / totals[truth] if totals[truth] else 0.0
            spot = (left + column * cell, top + row * tall, left + (column + 1) * cell - 3, top + (row + 1) * tall - 3)
            pen.rectangle(spot, _tinted(RIGHT if truth == said else WRONG, share))
            if count:
                ink = PAPER if share > 0.5 else INK
                pen.text((spot[0] + cell // 2, middle), f"{count:,}", ink, _font(SMALL), anchor="mm")


def _curve(pen: Draw, curve: Sequence[tuple[int, float]], corner: Place, width: int) -> None:
    if len(curve) < 2:
        return
    low = min(accuracy for _, accuracy in curve)
    span = max(max(accuracy for _, accuracy in curve) - low, 0.02)
    most = curve[-1][0]
    _axes(pen, corner, width, f"{most:,} labels", _percent(low + span))
    spots = [_at((labels / most, 0.08 + 0.92 * (accuracy - low) / span), corner, width) for labels, accuracy in curve]
    _line(pen, spots, RIGHT, 6)


def _axes(pen: Draw, corner: Place, width: int, below: str, above: str) -> None:
    left, top = corner
    bottom = top + BOX - 60
    pen.line([(left, top), (left, bottom), (left + width, bottom)], INK, 3)
    pen.text((left + width, bottom + 12), below, PALE_INK, _font(SMALL), anchor="ra")
    pen.text((left, top - 8), above, PALE_INK, _font(SMALL), anchor="ls")


def _at(spot: tuple[float, float], corner: Place, width: int) -> Place:
    return corner[0] + round(spot[0] * width), corner[1] + round((1.0 - spot[1]) * (BOX - 60))


def _line(pen: Draw, spots: Sequence[Place], colour: str | tuple[int, int, int], wide: int) -> None:
    if len(spots) > 1:
        pen.line(spots, colour, wide, joint="curve")
    for x, y in spots if wide > 3 else ():
        pen.ellipse((x - 7, y - 7, x + 7, y + 7), colour)


def _tinted(colour: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(246 + (part - 246) * share) for part in colour)
    return red, green, blue


def _shortened(name: str) -> str:
    return name if len(name) <= NAME else name[: NAME - 1] + "."


def _percent(share: float) -> str:
    return f"{share * 100:.1f}%"


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
