"""How several jobs stand: a line and a button each."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.measures import bar, number, share
from bot.texts.units import shorten
from bot.tokens import make
from core.stats import ProjectSummary, decided_of

NAME_UNITS = 40
"""UTF-16 code units of a job's name, in its line and on its button."""


@dataclass(frozen=True, slots=True)
class Overview(View):
    """The jobs of a workspace. more: there are others that are not shown."""

    projects: tuple[ProjectSummary, ...]
    more: bool = False


def render(card: Overview, locale: str) -> Message:
    """Each job with a bar of text; its button shows all of it."""
    names = [shorten(project.name, NAME_UNITS) for project in card.projects]
    lines = [f"{name}\n{_line(project, locale)}" for name, project in zip(names, card.projects, strict=True)]
    rows = [
        (Choice(make("pick", project.public_id, "status"), text=name),)
        for name, project in zip(names, card.projects, strict=True)
    ]
    return Message(
        heading=say("status_jobs", locale),
        text="\n\n".join([*lines, *([say("status_more", locale)] if card.more else [])]),
        buttons=render_rows(rows, locale),
    )


def _line(project: ProjectSummary, locale: str) -> str:
    items, decided = sum(project.items.values()), decided_of(project.items)
    done = decided / items if items else 0.0
    pieces = [f"{bar(done)} {share(done, locale)}", f"{number(decided, locale)} / {number(items, locale)}"]
    if project.state != "open":
        pieces.append(say(f"state_{project.state}", locale))
    if disputed := project.items.get("disputed", 0):
        pieces.append(say("status_disputed", locale, count=disputed, number=number(disputed, locale)))
    return " · ".join(pieces)
