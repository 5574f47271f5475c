"""The currency in which a community counts money."""

from __future__ import annotations

from dataclasses import dataclass

from babel.numbers import get_currency_name

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import language_of, say
from bot.texts.measures import money
from bot.tokens import make

USUAL = ("USD", "EUR", "GBP", "CNY", "INR", "JPY")
"""What can be chosen by button; any other is typed."""
PER_ROW = 3
SAMPLE = 1234
"""Hundredths of the amount that is shown."""


@dataclass(frozen=True, slots=True)
class CurrencyCard(View):
    """The currency of a workspace, and ways to another one: codes of ISO 4217. before: what it was until just now."""

    currency: str
    before: str = ""


def render(card: CurrencyCard, locale: str) -> Message:
    """Which it is, what changing it means, and buttons for the usual ones."""
    name = get_currency_name(card.currency, locale=language_of(locale))
    shown = {"name": name, "currency": card.currency, "amount": money(SAMPLE, card.currency, locale)}
    lines = [say("currency_now", locale, **shown)]
    if card.before:
        lines = [say("currency_changed", locale, **shown, before=money(SAMPLE, card.before, locale))]
    others = [code for code in USUAL if code != card.currency]
    buttons = [Choice(make("currency", "", code), text=code) for code in others]
    rows = [buttons[start : start + PER_ROW] for start in range(0, len(buttons), PER_ROW)]
    return Message(text="\n\n".join([*lines, say("currency_how", locale)]), buttons=render_rows(rows, locale))
