"""Views become messages, in the person's language. Called after the commit: a fault here never costs an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.cards import dispute, forms, item, notices, status
from bot.cards.views import DisputeCard, FileCard, FormCard, ItemCard, Notice, StatsCard, StatusCard, View
from bot.surface import Message

RENDERERS: Mapping[type[View], Callable[[Any, str], Message]] = {
    DisputeCard: dispute.render,
    FileCard: notices.render_file,
    FormCard: forms.render,
    ItemCard: item.render,
    Notice: notices.render,
    StatsCard: status.render_stats,
    StatusCard: status.render,
}


def render(view: View, locale: str) -> Message:
    """The message that shows `view`."""
    return RENDERERS[type(view)](view, locale)
