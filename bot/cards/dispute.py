"""A disputed item for an expert: the item, blind tallies, a button for each label."""

from __future__ import annotations

from bot.cards.buttons import render_button
from bot.cards.views import Choice, DisputeCard
from bot.surface import Button, Message, Part
from bot.texts import say
from bot.tokens import make
from core import labels


def render(card: DisputeCard, locale: str) -> Message:
    """The labels come in the project's order, so that the tallies do not lead the hand."""
    dispute = card.dispute
    schema = labels.load(dispute.project.label_schema)
    item = dispute.item
    tallies = " · ".join(f"{labels.name_of(schema, label)} {count}" for label, count in dispute.tallies.items())
    verdicts = tuple((Button(label.name, make("settle", item.public_id, label.id)),) for label in schema.labels)
    later = render_button(Choice(make("later", item.public_id), "button_later", style="quiet"), locale)
    return Message(
        kind="card",
        heading=say("settle_heading", locale, question=dispute.project.question),
        parts=tuple(Part(str(part.get("type", "text")), str(part.get("text", ""))) for part in item.content),
        text=say("settle_tallies", locale, tallies=tallies),
        footer=say("settle_left", locale, count=dispute.remaining),
        buttons=(*verdicts, (later,)),
    )
