"""Buttons from choices."""

from __future__ import annotations

from collections.abc import Iterable

from bot.cards.views import Choice
from bot.surface import Button
from bot.texts import say


def render_rows(rows: Iterable[Iterable[Choice]], locale: str) -> tuple[tuple[Button, ...], ...]:
    """Rows of buttons in the person's language; empty rows vanish."""
    rendered = (tuple(render_button(choice, locale) for choice in row) for row in rows)
    return tuple(row for row in rendered if row)


def render_button(choice: Choice, locale: str) -> Button:
    """One button: a catalogue text, into which a text of people's may be set."""
    text = say(choice.code, locale, label=choice.text, name=choice.text) if choice.code else choice.text
    return Button(text, choice.payload, choice.style)
