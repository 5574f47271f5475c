"""What follows where somebody's answers look wrong: a line and a button for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.tokens import make
from core.quality import ACTIONS, RULES


@dataclass(frozen=True, slots=True)
class RulesCard(View):
    """The rules of a job: kind of flag to action."""

    name: str
    project_public_id: str
    rules: Mapping[str, str]
    back: Choice


def render(card: RulesCard, locale: str) -> Message:
    """What is looked for and what follows; a tap on a button goes on to the next action."""
    lines = [f"• {say(f'rule_{kind}', locale)}\n→ {say(f'rule_then_{card.rules[kind]}', locale)}" for kind in RULES]
    rows = [(_button(card, kind, locale),) for kind in RULES]
    return Message(
        kind="form",
        heading=say("rules_heading", locale, project=card.name),
        text="\n".join(lines),
        footer=say("rules_footer", locale),
        buttons=render_rows([*rows, (card.back,)], locale),
    )


def _button(card: RulesCard, kind: str, locale: str) -> Choice:
    """It names the action that it leads to from here, so that a second tap changes nothing more."""
    action = card.rules[kind]
    following = ACTIONS[(ACTIONS.index(action) + 1) % len(ACTIONS)]
    text = f"{say(f'flag_kind_{kind}', locale)}: {say(f'rule_short_{action}', locale)}"
    return Choice(make("rule", card.project_public_id, f"{kind}-{following}"), text=text)
