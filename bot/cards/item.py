"""The card of an item to answer; what stands on its buttons is up to the label schema's own module."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, Protocol, cast

from bot.cards.buttons import render_button, render_rows
from bot.cards.lessons import step_text, told_text
from bot.cards.views import Answers, Choice, ItemCard
from bot.surface import NOTE, Button, Message, Part
from bot.texts import say
from bot.texts.measures import share
from bot.texts.units import length, shorten
from bot.tokens import make
from core import labels
from core.labeling import SKIP_REASONS
from core.views import LeaseView

QUESTION_UNITS, CONTENT_UNITS, GUIDELINES_UNITS = 1000, 1500, 200
"""UTF-16 code units of question, item and guidelines that a card shows; with the labels they fit every platform."""
HINT_UNITS = 60
"""The same of a label in a hint."""


class KindCard(Protocol):
    """What `bot/cards/<kind>.py` provides."""

    def answers(self, view: LeaseView, page: int) -> Answers:
        """The buttons of a page with which an item is answered."""


def render(card: ItemCard, locale: str) -> Message:
    """Question, item, answers, then undo and skip, with the progress below."""
    view = card.view
    kind = cast(KindCard, importlib.import_module(f"bot.cards.{view.label_schema['kind']}"))
    given = kind.answers(view, card.page)
    short = view.guidelines if length(view.guidelines) <= GUIDELINES_UNITS else ""
    cheer = say("goal_reached", locale, count=view.goal) if card.cheer else ""
    why = say("skip_why", locale) if card.skipping else given.listed
    return Message(
        kind="card",
        heading=shorten(view.question, QUESTION_UNITS),
        parts=(*_told(card, locale), *shown_parts(view.content)),
        text="\n\n".join(piece for piece in (short, why, _step(card, locale), _hint(view, locale), cheer) if piece),
        footer=_footer(view, given, locale),
        progress=min(1.0, view.done / view.total) if view.total else None,
        buttons=_reasons(view, locale) if card.skipping else _buttons(card, given, locale),
    )


def _hint(view: LeaseView, locale: str) -> str:
    """What the model thinks of the item, where the job shows that."""
    if view.hint is None:
        return ""
    name = labels.name_of(labels.load(view.label_schema), view.hint.label_id)
    return say("card_hint", locale, label=shorten(name, HINT_UNITS), share=share(view.hint.confidence, locale))


def _told(card: ItemCard, locale: str) -> tuple[Part, ...]:
    """What is told about the answer before: above the item, so that it is read first; nothing on most cards."""
    return (Part(NOTE, told_text(card.told, locale)),) if card.told else ()


def _step(card: ItemCard, locale: str) -> str:
    """How far practice or a quiz has come; empty for most cards."""
    return step_text(card.step, locale) if card.step else ""


def is_cut(question: str, content: Sequence[dict[str, Any]]) -> bool:
    """Whether a card does not show all of its item or question."""
    item = sum(length(str(part.get("text", ""))) for part in content)
    return item > CONTENT_UNITS or length(question) > QUESTION_UNITS


def shown_parts(content: Sequence[dict[str, Any]]) -> tuple[Part, ...]:
    """The parts until the room is used up; the one in which that happens ends in a mark."""
    shown, room = [], CONTENT_UNITS
    for part in content:
        text = str(part.get("text", ""))
        if room > 0:
            shown.append(Part(str(part.get("type", "text")), shorten(text, room)))
        room -= length(text)
    return tuple(shown)


def _footer(view: LeaseView, given: Answers, locale: str) -> str:
    pieces = [
        say("card_today", locale, today=view.today, goal=view.goal) if view.goal else "",
        say("card_progress", locale, done=min(view.done, view.total), total=view.total),
        say("card_page", locale, page=given.page + 1, pages=given.pages) if given.pages > 1 else "",
    ]
    return " · ".join(piece for piece in pieces if piece)


def _buttons(card: ItemCard, given: Answers, locale: str) -> tuple[tuple[Button, ...], ...]:
    view, lease = card.view, card.view.lease

    def choice(verb: str, code: str, argument: str = "") -> Choice:
        return Choice(make(verb, lease.public_id, argument, lease.version), code, style="quiet")

    turns = [(given.page - 1, "button_page_back"), (given.page + 1, "button_page_on")]
    paging = [choice("page", code, str(page)) for page, code in turns if 0 <= page < given.pages]
    reading = [choice("full", "button_full")] if is_cut(view.question, view.content) else []
    if view.guidelines:
        code = "button_guidelines_new" if view.guidelines_changed else "button_guidelines"
        reading.append(choice("guide", code))
    undo = [card.undo] if card.undo else []
    quiet = [choice("skip", "button_skip"), choice("skip", "button_hard", "hard")]
    return (*given.rows, *render_rows((paging, reading, undo, quiet), locale))


def _reasons(view: LeaseView, locale: str) -> tuple[tuple[Button, ...], ...]:
    lease = view.lease
    reasons = [
        Choice(make("skip", lease.public_id, reason, lease.version), f"button_skip_{reason}") for reason in SKIP_REASONS
    ]
    back = Choice(make("page", lease.public_id, "0", lease.version), "button_back", style="quiet")
    return tuple((render_button(choice, locale),) for choice in (*reasons, back))
