"""What follows where somebody's answers look wrong: a line and a button for each kind, and what each may lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.tokens import make
from core.quality import ACTIONS, RULES

SURE = "sure"
"""In place of an action on a button: a ban that was asked about."""


@dataclass(frozen=True, slots=True)
class RulesCard(View):
    """The rules of a job: kind of flag to action.

    kind: of the one rule whose action is asked for, empty for all. asks_ban: whether they are sure of a ban is asked.
    """

    name: str
    project_public_id: str
    rules: Mapping[str, str]
    back: Choice
    kind: str = ""
    asks_ban: bool = False


def render(card: RulesCard, locale: str) -> Message:
    """What is looked for and what follows; or one rule with everything that may follow from it."""
    if card.kind:
        return _of_one(card, locale)
    lines = [f"• {say(f'rule_{kind}', locale)}\n→ {say(f'rule_then_{card.rules[kind]}', locale)}" for kind in RULES]
    rows = [(_button_of(card, kind, locale),) for kind in RULES]
    return Message(
        kind="form",
        heading=say("rules_heading", locale, project=card.name),
        text="\n".join(lines),
        footer=say("rules_footer", locale),
        buttons=render_rows([*rows, (card.back,)], locale),
    )


def _of_one(card: RulesCard, locale: str) -> Message:
    asked = say("rule_sure_ban" if card.asks_ban else "rule_ask", locale)
    choices = [_sure(card)] if card.asks_ban else [_action(card, action, locale) for action in ACTIONS]
    return Message(
        kind="form",
        heading=say("rules_heading", locale, project=card.name),
        text=f"{say(f'rule_{card.kind}', locale)}\n\n{asked}",
        buttons=render_rows([*((choice,) for choice in choices), (card.back,)], locale),
    )


def _button_of(card: RulesCard, kind: str, locale: str) -> Choice:
    text = f"{say(f'flag_kind_{kind}', locale)}: {say(f'rule_short_{card.rules[kind]}', locale)}"
    return Choice(make("rules", card.project_public_id, kind), text=text)


def _action(card: RulesCard, action: str, locale: str) -> Choice:
    """An action by its name; the one that holds now is marked."""
    chosen = card.rules[card.kind] == action
    text = ("✓ " if chosen else "") + say(f"rule_do_{action}", locale)
    payload = make("rule", card.project_public_id, f"{card.kind}-{action}")
    return Choice(payload, text=text, style="primary" if chosen else "plain")


def _sure(card: RulesCard) -> Choice:
    return Choice(make("rule", card.project_public_id, f"{card.kind}-{SURE}"), "button_member_ban_sure", style="danger")
