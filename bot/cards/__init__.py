"""Views become messages, in the person's language. Called after the commit: a fault here never costs an answer."""

from __future__ import annotations

from typing import assert_never

from bot.cards import dispute, forms, item, notices, status
from bot.cards.views import DisputeCard, FileCard, FormCard, ItemCard, Notice, StatsCard, StatusCard, View
from bot.surface import Message


def render(view: View, locale: str) -> Message:
    """The message that shows `view`."""
    match view:
        case ItemCard():
            return item.render(view, locale)
        case DisputeCard():
            return dispute.render(view, locale)
        case StatusCard():
            return status.render(view, locale)
        case StatsCard():
            return status.render_stats(view, locale)
        case FormCard():
            return forms.render(view, locale)
        case FileCard():
            return notices.render_file(view, locale)
        case Notice():
            return notices.render(view, locale)
        case _:
            assert_never(view)
