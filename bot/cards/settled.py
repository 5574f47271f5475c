"""Nothing is left to settle; and an item about which two experts differ, for the last word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.cards.buttons import render_rows
from bot.cards.choice import label_page
from bot.cards.item import QUESTION_UNITS, is_cut, shown_parts
from bot.cards.views import Answers, Choice, Notice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.units import shorten
from bot.tokens import make
from core import labels
from core.second_looks import Difference, ExpertAgreement


@dataclass(frozen=True, slots=True)
class SettledAll(View):
    """Nothing is disputed, in one job or, without its name, in all. agreement: of experts, where two judged alike."""

    project: str
    agreement: ExpertAgreement
    rows: tuple[tuple[Choice, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class FinalCard(View):
    """An item about which two experts differ. page: of its labels, from 0."""

    difference: Difference
    page: int = 0


def render(card: SettledAll, locale: str) -> Message:
    """A sentence, and how far experts agree."""
    said = say("settle_none_in", locale, project=card.project) if card.project else say("settle_none", locale)
    return Message(text=said, footer=agreement_sentence(card.agreement, locale), buttons=render_rows(card.rows, locale))


def verdict_notice(label_schema: dict[str, Any], label_id: str) -> Notice:
    """What was just decided: a label, or, where it is empty, that nobody can answer the item."""
    if not label_id:
        return Notice("settled_unanswerable")
    return Notice("settled", {"label": labels.name_of(labels.load(label_schema), label_id)})


def agreement_sentence(agreement: ExpertAgreement, locale: str) -> str:
    """How often two experts gave the same verdict; empty where no two have judged the same item."""
    if not agreement.compared:
        return ""
    low, high = agreement.interval
    counts = {"same": agreement.same, "compared": agreement.compared}
    return say("experts_agree", locale, **counts, low=f"{low:.0%}", high=f"{high:.0%}")


def render_final(card: FinalCard, locale: str) -> Message:
    """What both say, without names, and a button for each label."""
    one = card.difference
    given = label_page(one.label_schema, card.page, lambda label: make("finalset", one.item_public_id, label))
    said = say("final_ask", locale, first=_name(one, one.first, locale), second=_name(one, one.second, locale))
    page = say("card_page", locale, page=given.page + 1, pages=given.pages) if given.pages > 1 else ""
    return Message(
        kind="card",
        heading=shorten(one.question, QUESTION_UNITS),
        parts=shown_parts(one.content),
        text="\n\n".join(piece for piece in (said, given.listed) if piece),
        footer=page,
        buttons=(*given.rows, *render_rows(_rows(card, given), locale)),
    )


def _rows(card: FinalCard, given: Answers) -> tuple[tuple[Choice, ...], ...]:
    one = card.difference
    item = one.item_public_id
    turns = [(given.page - 1, "button_page_back"), (given.page + 1, "button_page_on")]
    pages = tuple(
        Choice(make("final", item, "", to), code, style="quiet") for to, code in turns if 0 <= to < given.pages
    )
    whole = Choice(make("finalfull", item), "button_full", style="quiet")
    return (
        pages,
        (Choice(make("finalset", item), "button_unanswerable", style="quiet"),),
        (whole,) if is_cut(one.question, one.content) else (),
    )


def _name(difference: Difference, label_id: str, locale: str) -> str:
    if not label_id:
        return say("final_unanswerable", locale)
    return f"“{labels.name_of(labels.load(difference.label_schema), label_id)}”"
