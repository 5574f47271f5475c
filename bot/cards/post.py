"""A job before it is posted: the card with all of its settings, the first item as a worker sees it, and the price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.cards import item
from bot.cards.buttons import render_rows
from bot.cards.settings import JobSettings, Reading, describe, settings_text
from bot.cards.views import Choice, ItemCard, View
from bot.surface import Message
from bot.texts import say
from bot.texts.measures import money, number, share, span
from bot.texts.units import shorten
from bot.tokens import make
from core.forecast import Estimate
from core.views import LeaseView

SHOWN = ("overlap", "price", "time", "deadline", "who", "language", "known", "guidelines")
"""The settings on the card, in their order."""
NAMED_LABELS = 12
LABEL_UNITS = 40
QUESTION_UNITS = 1000
SAMPLE = make("sample")


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence by its code, with its parameters."""

    code: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HubCard(View):
    """All settings of a job that is not posted yet. name: of the file. items: that the file gives, about.

    remarks: on its known labels.
    """

    name: str
    items: int
    question: str
    labels: tuple[str, ...]
    settings: JobSettings
    reading: Reading
    rows: tuple[tuple[Choice, ...], ...]
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleCard(View):
    """The first item, exactly as a worker will see it; its buttons say that it is a preview."""

    view: LeaseView


@dataclass(frozen=True, slots=True)
class PriceCard(View):
    """What the job will take, and the way to post it. shown: whether its first item stands above.

    items: that are to be labeled. remarks: on its known labels.
    """

    items: int
    settings: JobSettings
    reading: Reading
    estimate: Estimate
    shown: bool
    rows: tuple[tuple[Choice, ...], ...]
    remarks: tuple[Remark, ...] = ()


def render_hub(card: HubCard, locale: str) -> Message:
    """Question and labels, a line for each setting, a button to change each."""
    labels = say("hub_labels", locale, labels=labels_text(card.labels))
    facts = settings_text(SHOWN, card.settings, card.reading, locale)
    items = say("hub_items", locale, count=card.items, items=number(card.items, locale))
    question = f"“{shorten(card.question, QUESTION_UNITS)}”\n{labels}"
    pieces = (question, facts, _remarks(card.remarks, locale), say("hub_change", locale))
    return Message(
        kind="form",
        heading=f"{card.name} · {items}",
        text="\n\n".join(piece for piece in pieces if piece),
        buttons=render_rows(card.rows, locale),
    )


def _remarks(remarks: Sequence[Remark], locale: str) -> str:
    return "\n".join(say(remark.code, locale, **remark.params) for remark in remarks)


def labels_text(labels: Sequence[str]) -> str:
    """The first labels, and how many more there are."""
    named = " | ".join(shorten(label, LABEL_UNITS) for label in labels[:NAMED_LABELS])
    more = len(labels) - NAMED_LABELS
    return f"{named} … (+{more})" if more > 0 else named


def render_sample(card: SampleCard, locale: str) -> Message:
    """The worker's card with harmless buttons."""
    shown = item.render(ItemCard(card.view), locale)
    rows = tuple(tuple(replace(button, payload=SAMPLE) for button in row) for row in shown.buttons)
    return replace(shown, buttons=rows)


def render_price(card: PriceCard, locale: str) -> Message:
    """Answers, money and time, as far as they can be known."""
    estimate, answers = card.estimate, number(card.estimate.answers, locale)
    low, high = (number(count, locale) for count in (estimate.low, estimate.high))
    items = number(card.items, locale)
    facts = [
        say("price_answers", locale, count=card.items, items=items, answers=answers, low=low, high=high),
        _cost(card, locale),
        _time(estimate, locale),
        _right(estimate, locale),
    ]
    lines = "\n".join(fact for fact in facts if fact)
    above = say("price_above" if card.shown else "price_no_sample", locale)
    return Message(
        kind="form",
        heading=say("price_heading", locale),
        text="\n\n".join(piece for piece in (above, lines, _remarks(card.remarks, locale)) if piece),
        buttons=render_rows(card.rows, locale),
    )


def _time(estimate: Estimate, locale: str) -> str:
    if estimate.seconds is None:
        return say("price_time_unknown", locale)
    return say("price_time", locale, time=span(timedelta(seconds=max(60.0, estimate.seconds)), locale))


def _right(estimate: Estimate, locale: str) -> str:
    if estimate.accuracy is None:
        return ""
    middle, low, high = (
        share(value, locale) for value in (estimate.accuracy.middle, estimate.accuracy.low, estimate.accuracy.high)
    )
    return say("price_right", locale, share=middle, low=low, high=high)


def _cost(card: PriceCard, locale: str) -> str:
    if not card.settings.price:
        return say("price_free", locale)
    each = describe("price", card.settings, card.reading, locale)
    return say("price_cost", locale, cost=money(card.estimate.cost, card.reading.currency, locale), price=each)
