"""Sentences with buttons, and files."""

from __future__ import annotations

from bot.cards.buttons import render_rows
from bot.cards.views import FileCard, Notice
from bot.surface import Attachment, Message
from bot.texts import say


def render(notice: Notice, locale: str) -> Message:
    """The catalogue's sentence."""
    return Message(
        kind=notice.kind, text=say(notice.code, locale, **notice.params), buttons=render_rows(notice.rows, locale)
    )


def render_file(card: FileCard, locale: str) -> Message:
    """A sentence with a file."""
    attachment = Attachment(card.name, card.media_type, card.path)
    return Message(kind="file", text=say(card.code, locale, **card.params), attachment=attachment)
