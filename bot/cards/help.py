"""What somebody can do here: their commands, by what they are for."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.views import View
from bot.surface import Message
from bot.texts import say


@dataclass(frozen=True, slots=True)
class HelpCard(View):
    """(role, names of the commands that it adds), for each role that the person's own includes."""

    groups: tuple[tuple[str, tuple[str, ...]], ...]


def render(card: HelpCard, locale: str) -> Message:
    """A paragraph for each role; headings where there is more than one."""
    paragraphs = []
    for role, names in card.groups:
        lines = [say("help_line", locale, command=name, does=say(f"menu_{name}", locale)) for name in names]
        heading = [say(f"help_heading_{role}", locale)] if len(card.groups) > 1 else []
        paragraphs.append("\n".join([*heading, *lines]))
    return Message(text="\n\n".join([say("help_intro", locale), *paragraphs]))
