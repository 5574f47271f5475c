"""A text with its words coloured by how much they spoke for a label. It needs no language, and no good eye for colours.

What spoke for it is blue with a solid line below, what spoke against it orange with a broken line; the stronger, the
deeper. Drawn at twice the size it is shown at on a phone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from core.explanations import Word

WIDTH, MARGIN, SIZE, LEADING = 1000, 40, 42, 76
MOST_LINES = 14
INK, PAPER, FOR, AGAINST = "#1b1f24", "#ffffff", "#4a90e2", "#f0a030"
DEEPEST = 0.75
"""Share of the colour behind the strongest word: dark ink stays legible on it."""
FAINTEST = 0.08
"""Weaker words, as a share of the strongest, are left white."""
DASH = 10
FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)
"""Where fonts lie that have more letters than the one that comes with Pillow; what is not there is passed over."""

Draw = ImageDraw.ImageDraw
Font = ImageFont.FreeTypeFont


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text, with its place in the picture. weight: from -1 to 1, as a share of the strongest word."""

    text: str
    weight: float
    x: int
    line: int
    width: int


def draw(text: str, words: Sequence[Word]) -> bytes | None:
    """The picture as PNG; None where no font here has the letters of the text, so that words have to do."""
    font = _font_for("".join(sorted({char for char in text if char.isalnum()})))
    if font is None or not words:
        return None
    pieces = list(place(text, words, font))
    lines = 1 + max(piece.line for piece in pieces)
    image = Image.new("RGB", (WIDTH, 2 * MARGIN + lines * LEADING), PAPER)
    pen = ImageDraw.Draw(image)
    for piece in pieces:
        _piece(pen, piece, font)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def place(text: str, words: Sequence[Word], font: Font) -> Iterator[Piece]:
    """The text in lines of the picture's width, at most `MOST_LINES`; what is longer ends in a mark."""
    x, line, right = MARGIN, 0, WIDTH - MARGIN
    for shown, weight in _stretches(text, words):
        for part in _fitting(shown, font, right - MARGIN):
            width = round(font.getlength(part))
            if line == MOST_LINES - 1 and x + width > right - SIZE:
                yield Piece("…", 0.0, x, line, round(font.getlength("…")))
                return
            if x + width > right and x > MARGIN:
                x, line = MARGIN, line + 1
            if part.isspace() and x == MARGIN:
                continue
            yield Piece(part, weight, x, line, width)
            x += width


def tint(weight: float) -> tuple[int, int, int] | None:
    """The colour behind a word of a weight from -1 to 1; None where it is too weak to show."""
    strength = abs(weight)
    if strength < FAINTEST:
        return None
    colour, paper = (ImageColor.getrgb(name) for name in (FOR if weight > 0 else AGAINST, PAPER))
    mixed = [round(low + (high - low) * DEEPEST * strength) for low, high in zip(paper, colour, strict=True)]
    return mixed[0], mixed[1], mixed[2]


def _stretches(text: str, words: Sequence[Word]) -> Iterator[tuple[str, float]]:
    """The words and what lies between them, whitespace as single spaces."""
    most = max((abs(word.weight) for word in words), default=0.0) or 1.0
    at = 0
    for word in words:
        if word.start > at:
            yield from _between(text[at : word.start])
        yield text[word.start : word.end], word.weight / most
        at = word.end
    yield from _between(text[at:])


def _between(gap: str) -> Iterator[tuple[str, float]]:
    if gap[:1].isspace():
        yield " ", 0.0
    for number, part in enumerate(gap.split()):
        yield from ((" ", 0.0), (part, 0.0)) if number else ((part, 0.0),)
    if gap.strip() and gap[-1].isspace():
        yield " ", 0.0


def _fitting(shown: str, font: Font, room: int) -> Iterator[str]:
    """A word whole, or in parts that fit on a line."""
    if font.getlength(shown) <= room:
        yield shown
        return
    part = ""
    for char in shown:
        if part and font.getlength(part + char) > room:
            yield part
            part = ""
        part += char
    yield part


def _piece(pen: Draw, piece: Piece, font: Font) -> None:
    top = MARGIN + piece.line * LEADING
    right, base = piece.x + piece.width, top + SIZE + 14
    colour = tint(piece.weight)
    if colour is not None:
        pen.rectangle((piece.x, top - 2, right - 1, base), colour)
        ink = FOR if piece.weight > 0 else AGAINST
        step = piece.width if piece.weight > 0 else 2 * DASH
        for start in range(piece.x, right, max(1, step)):
            end = right if piece.weight > 0 else min(right, start + DASH)
            pen.rectangle((start, base, end - 1, base + 4), ink)
    pen.text((piece.x, top), piece.text, INK, font)


@lru_cache(maxsize=64)
def _font_for(letters: str) -> Font | None:
    """The first font that has all of `letters`."""
    return next((font for font in _fonts() if all(_has(font, letter) for letter in letters)), None)


@lru_cache
def _fonts() -> tuple[Font, ...]:
    own = ImageFont.load_default(SIZE)
    others = (ImageFont.truetype(path, SIZE) for path in FONTS if Path(path).is_file())
    return tuple(font for font in (own, *others) if isinstance(font, ImageFont.FreeTypeFont))


def _has(font: Font, letter: str) -> bool:
    """Whether a font has a letter: one that it lacks looks like one that nobody has."""
    return bytes(font.getmask(letter)) != bytes(font.getmask("\U0010fffe"))
