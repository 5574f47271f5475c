"""What a job has cost, by kind, per item and per decided label."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.measures import money, number
from bot.tokens import make
from core.costs import Cost, Costs


@dataclass(frozen=True, slots=True)
class CostsCard(View):
    """The costs of one job. items: of it; decided: those that have a label; currency: of all amounts."""

    public_id: str
    name: str
    costs: Costs
    items: int
    decided: int
    currency: str


def render(card: CostsCard, locale: str) -> Message:
    """A line for each kind that there was, then the sum, and what it comes to."""
    costs = card.costs
    lines = [_line(name, cost, card, locale) for name, cost in costs.by_kind if cost.count]
    if costs.total:
        lines += [
            "",
            say("costs_total", locale, amount=money(costs.total, card.currency, locale)),
            *_each(card, locale),
        ]
    elif lines:
        lines += ["", say("costs_free", locale)]
    return Message(
        heading=say("costs_heading", locale, name=card.name),
        text="\n".join(lines) if lines else say("costs_none", locale),
        footer=say("costs_footer", locale) if costs.total else "",
        buttons=render_rows(_rows(card), locale),
    )


def _line(name: str, cost: Cost, card: CostsCard, locale: str) -> str:
    whole = round(cost.count)
    count = f"{cost.count:.1f}" if name == "training" else number(whole, locale)
    amount = money(cost.amount, card.currency, locale)
    return say(f"costs_{name}", locale, count=whole, number=count, amount=amount)


def _each(card: CostsCard, locale: str) -> list[str]:
    each = (("item", card.items), ("label", card.decided))
    return [
        say(f"costs_per_{kind}", locale, amount=money(round(card.costs.total / count), card.currency, locale))
        for kind, count in each
        if count
    ]


def _rows(card: CostsCard) -> tuple[tuple[Choice, ...], ...]:
    prices = Choice(make("auditset", card.public_id), "button_prices", style="quiet")
    status = Choice(make("status", card.public_id), "button_status", style="quiet")
    return ((prices, status),)
