"""The aim of a job in words, and the card on which it is chosen."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Button, Message
from bot.texts import say
from bot.texts.measures import money, number, share
from bot.texts.units import in_a_row
from core.aims import Aim

PER_ROW = 2


@dataclass(frozen=True, slots=True)
class Answers:
    """The range of answers per item, and what one costs. price: in hundredths of `currency`."""

    minimum: int
    maximum: int
    price: int
    currency: str


@dataclass(frozen=True, slots=True)
class AimCard(View):
    """The aim of a job that runs, and what else it may be.

    used: answers given and in hand; accuracy: share of labels expected to be right so far, None where nothing is known.
    presets: other aims with the payloads that choose them.
    """

    name: str
    aim: Aim
    answers: Answers
    used: int
    accuracy: float | None
    presets: tuple[tuple[str, Aim], ...]
    rows: tuple[tuple[Choice, ...], ...]
    saved: bool = False


def render(card: AimCard, locale: str) -> Message:
    """What it means, how far it is reached, and a button for each other aim."""
    pieces = (
        say("aim_saved", locale) if card.saved else "",
        aim_sentence(card.aim, card.answers, locale),
        _so_far(card, locale),
        say("aim_ask", locale, currency=card.answers.currency),
    )
    buttons = [Button(aim_words(aim, card.answers, locale), payload) for payload, aim in card.presets]
    rows = [tuple(buttons[start : start + PER_ROW]) for start in range(0, len(buttons), PER_ROW)]
    return Message(
        kind="form",
        heading=say("aim_heading", locale, name=card.name),
        text="\n\n".join(piece for piece in pieces if piece),
        buttons=(*rows, *render_rows(card.rows, locale)),
    )


def aim_words(aim: Aim, answers: Answers, locale: str) -> str:
    """An aim in a few words, as a button and a line of settings say it."""
    if aim.kind == "accuracy" and aim.target is not None:
        return say("value_aim_accuracy", locale, share=percentage(aim.target, locale))
    if aim.kind == "budget" and aim.budget is not None:
        counted = say("value_aim_budget", locale, count=aim.budget, answers=number(aim.budget, locale))
        worth = _worth(aim.budget, answers, locale)
        return say("value_aim_worth", locale, answers=counted, cost=worth) if answers.price else counted
    cost = round(aim.error_cost)
    return say("value_aim_error_cost", locale, count=cost, answers=number(cost, locale))


def aim_sentence(aim: Aim, answers: Answers, locale: str) -> str:
    """What an aim does, in a sentence or two."""
    params = {"minimum": answers.minimum, "maximum": answers.maximum, "aim": aim_words(aim, answers, locale)}
    return say(f"aim_says_{aim.kind}" if answers.minimum < answers.maximum else "aim_says_fixed", locale, **params)


def percentage(value: float, locale: str) -> str:
    """A share as people set it: whole per cent where it is whole."""
    return share(value, locale, 0 if abs(value * 100 - round(value * 100)) < 1e-6 else 1)


def _so_far(card: AimCard, locale: str) -> str:
    used = say("aim_used", locale, count=card.used, answers=number(card.used, locale))
    if card.accuracy is None:
        return used
    return in_a_row(used, say("aim_expected", locale, share=share(card.accuracy, locale, 1)))


def _worth(count: int, answers: Answers, locale: str) -> str:
    return money(count * answers.price, answers.currency, locale)
