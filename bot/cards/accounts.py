"""One's own accounts and communities."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import knows, say


@dataclass(frozen=True, slots=True)
class LinkNotice(View):
    """A sentence about another account: of `name`, on the platform `surface`."""

    code: str
    name: str
    surface: str
    rows: tuple[tuple[Choice, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkspacesCard(View):
    """Where an account acts, as what, and buttons to the person's other communities, where there are any.

    An owner has a further button, for the currency.
    """

    name: str
    role: str
    others: bool
    rows: tuple[tuple[Choice, ...], ...]


def render_link(card: LinkNotice, locale: str) -> Message:
    """The sentence, with the platform as people call it."""
    name = card.name or say("member_unnamed", locale)
    text = say(card.code, locale, name=name, surface=surface_name(card.surface, locale))
    return Message(text=text, buttons=render_rows(card.rows, locale))


def render_workspaces(card: WorkspacesCard, locale: str) -> Message:
    """Where the person is, what else there is to switch to, and what an owner can do here."""
    lines = [say("workspace_here", locale, name=card.name, role=card.role)]
    lines.append(say("workspace_switch" if card.others else "workspace_only", locale))
    if card.role == "owner":
        lines.append(say("workspace_owner", locale))
    return Message(text="\n\n".join(lines), buttons=render_rows(card.rows, locale))


def surface_name(surface: str, locale: str) -> str:
    """What people call a platform."""
    code = f"surface_{surface}"
    return say(code, locale) if knows(code) else surface.capitalize()
