"""A job while it runs: its settings with a button to change each."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.post import labels_text
from bot.cards.settings import JobSettings, Reading, settings_text
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say

SHOWN = ("overlap", "price", "time", "deadline", "priority", "who", "language", "guidelines")
"""The settings on the card, in their order."""


@dataclass(frozen=True, slots=True)
class EditCard(View):
    """All that may be changed about a job. saved: something was changed just now."""

    public_id: str
    state: str
    question: str
    labels: tuple[str, ...]
    settings: JobSettings
    reading: Reading
    rows: tuple[tuple[Choice, ...], ...]
    saved: bool = False


def render(card: EditCard, locale: str) -> Message:
    """Name and state, question and labels, a line for each setting, and why the question stays."""
    labels = say("hub_labels", locale, labels=labels_text(card.labels))
    facts = settings_text(SHOWN, card.settings, card.reading, locale)
    saved = say("edit_saved", locale) if card.saved else ""
    pieces = (saved, f"“{card.question}”\n{labels}", facts)
    return Message(
        kind="form",
        heading=say("edit_heading", locale, name=card.settings.name, state=card.state),
        text="\n\n".join(piece for piece in pieces if piece),
        footer=say("edit_fixed", locale, id=card.public_id),
        buttons=render_rows(card.rows, locale),
    )
