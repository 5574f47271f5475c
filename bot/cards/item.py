"""The card of an item to answer; what stands on its buttons is up to the label schema's own module."""

from __future__ import annotations

import importlib
from typing import Protocol, cast

from bot.cards.buttons import render_button
from bot.cards.views import Choice, ItemCard
from bot.surface import Button, Message, Part
from bot.texts import say
from bot.tokens import make
from core.views import LeaseView


class KindCard(Protocol):
    """What `bot/cards/<kind>.py` provides."""

    def answer_rows(self, view: LeaseView) -> tuple[tuple[Button, ...], ...]:
        """The buttons with which an item is answered."""


def render(card: ItemCard, locale: str) -> Message:
    """Question, item, answers, then skip and undo, with the progress below."""
    view = card.view
    kind = cast(KindCard, importlib.import_module(f"bot.cards.{view.label_schema['kind']}"))
    skip = Choice(make("skip", view.lease.public_id, version=view.lease.version), "button_skip", style="quiet")
    quiet = (skip,) if card.undo is None else (card.undo, skip)
    return Message(
        kind="card",
        heading=view.question,
        parts=tuple(Part(str(part.get("type", "text")), str(part.get("text", ""))) for part in view.content),
        text=view.guidelines,
        footer=say("card_progress", locale, answered=view.answered, done=min(view.done, view.total), total=view.total),
        progress=min(1.0, view.done / view.total) if view.total else None,
        buttons=(*kind.answer_rows(view), tuple(render_button(choice, locale) for choice in quiet)),
    )
