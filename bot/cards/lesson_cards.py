"""What is told about an answer where no further card follows that could say it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.lessons import Told, told_text
from bot.cards.views import View
from bot.surface import Message


@dataclass(frozen=True, slots=True)
class ToldCard(View):
    """A message of its own about an answer."""

    told: Told


def render(card: ToldCard, locale: str) -> Message:
    """The sentence or two that would else stand on the next card."""
    return Message(text=told_text(card.told, locale))
