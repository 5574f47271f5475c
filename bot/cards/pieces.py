"""A long text as several messages, so that nothing of it is cut."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message, Part
from bot.texts import say


@dataclass(frozen=True, slots=True)
class PieceCard(View):
    """One of `count` messages that hold a text; `heading_code` stands above the first."""

    heading_code: str
    text: str
    number: int = 1
    count: int = 1
    rows: tuple[tuple[Choice, ...], ...] = ()


def render(card: PieceCard, locale: str) -> Message:
    """The text as it is, with its number below."""
    return Message(
        heading=say(card.heading_code, locale) if card.number == 1 else "",
        parts=(Part("text", card.text),),
        footer=say("piece_of", locale, number=card.number, pieces=card.count) if card.count > 1 else "",
        buttons=render_rows(card.rows, locale),
    )
