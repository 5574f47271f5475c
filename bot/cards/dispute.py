"""A disputed item for an expert: the item, blind tallies and reasons, a button for each label."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.cards.buttons import render_rows
from bot.cards.choice import label_page
from bot.cards.item import QUESTION_UNITS, is_cut, shown_parts
from bot.cards.views import Answers, Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.units import length, shorten
from bot.tokens import make
from core import labels
from core.disputes import Dispute, Opinion
from core.suggestions import UNCLEAR
from core.unsettling import Verdict

CARD_UNITS = 3800
"""UTF-16 code units of all that stands above the footer; with it the card fits every platform."""
SAID_UNITS = 100
"""What people said gets at least this many of them."""
REASON_UNITS = 200
EXCERPT_UNITS, LABEL_UNITS = 80, 30
"""Of an item and of a label, where a sentence only mentions them."""


@dataclass(frozen=True, slots=True)
class DisputeCard(View):
    """A disputed item for an expert.

    before: what the reader said last; a verdict can still be made gold, and for a while all of it is undone by button.
    opinion: what the model says, once the expert has asked.
    page: of the labels, from 0.
    unclear: disputed items that wait for clearer guidelines, for those who can write them.
    asked: the text of the item before it, whose guidelines are unclear: what they should say may be sent as a message.
    """

    dispute: Dispute
    before: Verdict | None = None
    opinion: Opinion | None = None
    page: int = 0
    unclear: int = 0
    asked: str = ""


def full_text(dispute: Dispute) -> str:
    """Everything that the card may have to shorten, for reading it in several messages."""
    names = _names(dispute.label_schema)
    counts = " · ".join(f"{names.get(label, label)} {count}" for label, count in dispute.tallies.items())
    reasons = (f"– {names.get(label, label)}: {reason}" for label, reason in dispute.reasons)
    return "\n\n".join((dispute.question, labels.item_text(dispute.content), counts, *reasons))


def render(card: DisputeCard, locale: str) -> Message:
    """The labels come in the project's order, so that the tallies do not lead the hand.

    What people said takes the room that the rest leaves; where it is cut, it can be read whole by button.
    """
    dispute = card.dispute
    given = label_page(dispute.label_schema, card.page, lambda label: make("settle", dispute.item_public_id, label))
    heading, parts = shorten(dispute.question, QUESTION_UNITS), shown_parts(dispute.content)
    rest = (_opinion(card, locale), given.listed, _before(card, locale))
    room = CARD_UNITS - sum(length(text) for text in (heading, *(part.text for part in parts), *rest))
    said, short = _said(dispute, locale), shorten(_said(dispute, locale, REASON_UNITS), max(room, SAID_UNITS))
    whole = said == short and not is_cut(dispute.question, dispute.content)
    return Message(
        kind="card",
        heading=heading,
        parts=parts,
        text="\n\n".join(piece for piece in (short, *rest) if piece),
        footer=_footer(card, given, locale),
        progress=(dispute.position - 1) / dispute.total if dispute.total else None,
        buttons=(*given.rows, *render_rows(_choices(card, given, whole), locale)),
    )


def gold_choice(before: Verdict, shown_public_id: str = "") -> Choice:
    """The button that keeps a verdict as gold; the item that stays in view goes with it."""
    return Choice(
        make("gold", before.item_public_id, shown_public_id), "button_gold", shorten(before.label, LABEL_UNITS), "quiet"
    )


def undo_choice(before: Verdict, shown_public_id: str = "") -> list[Choice]:
    """The button that takes back what was said last, while that may be; the item in view goes with it."""
    if before.stamp is None:
        return []
    code = "button_undo" if before.label else f"button_undo_{_manner(before)}"
    payload = make("unsettle", before.item_public_id, shown_public_id, before.stamp)
    return [Choice(payload, code, shorten(before.label, LABEL_UNITS), "quiet")]


def _manner(before: Verdict) -> str:
    """What was said where that is no label."""
    return UNCLEAR if before.reason == UNCLEAR else "unanswerable"


def _said(dispute: Dispute, locale: str, reason_units: int = sys.maxsize) -> str:
    """What people said, how often and why, and why others skipped it."""
    names = _names(dispute.label_schema)
    counts = " · ".join(f"{names.get(label, label)} {count}" for label, count in dispute.tallies.items())
    said = [say("settle_tallies", locale, tallies=counts)]
    for label, reason in dispute.reasons:
        short = shorten(reason, reason_units)
        said.append(say("settle_reason", locale, label=names.get(label, label), reason=short))
    if dispute.skips:
        skips = [f"{say(f'button_skip_{reason}', locale)} {count}" for reason, count in dispute.skips.items()]
        said.append(say("settle_skips", locale, skips=" · ".join(skips)))
    return "\n".join(said)


def _opinion(card: DisputeCard, locale: str) -> str:
    opinion = card.opinion
    if opinion is None:
        return ""
    if opinion.version is None:
        return say("opinion_no_model", locale)
    if opinion.label_id is None:
        return say("opinion_unseen", locale, version=opinion.version)
    name = _names(card.dispute.label_schema).get(opinion.label_id, opinion.label_id)
    said = {"version": opinion.version, "confidence": f"{opinion.confidence:.0%}"}
    return say("opinion", locale, label=shorten(name, LABEL_UNITS), **said)


def _before(card: DisputeCard, locale: str) -> str:
    if card.asked:
        return say("settle_asked", locale, text=shorten(" ".join(card.asked.split()), EXCERPT_UNITS))
    if card.before is None:
        return ""
    text = shorten(" ".join(card.before.text.split()), EXCERPT_UNITS)
    if not card.before.label:
        return say(f"settle_before_{_manner(card.before)}", locale, text=text)
    code = "settle_before_gold" if card.before.is_gold else "settle_before"
    return say(code, locale, text=text, label=shorten(card.before.label, LABEL_UNITS))


def _footer(card: DisputeCard, given: Answers, locale: str) -> str:
    dispute = card.dispute
    pieces = [
        say("settle_left", locale, position=min(dispute.position, dispute.total), total=dispute.total),
        say("card_page", locale, page=given.page + 1, pages=given.pages) if given.pages > 1 else "",
        say("settle_aside", locale) if dispute.aside else "",
        say("settle_unclear", locale, count=card.unclear) if card.unclear else "",
    ]
    return " · ".join(piece for piece in pieces if piece)


def _choices(card: DisputeCard, given: Answers, whole: bool) -> Iterable[Iterable[Choice]]:
    dispute, before = card.dispute, card.before
    kept = before.item_public_id if before else ""

    def quiet(verb: str, code: str, version: int = 0) -> Choice:
        return Choice(make(verb, dispute.item_public_id, kept, version), code, style="quiet")

    turns = [(given.page - 1, "button_page_back"), (given.page + 1, "button_page_on")]
    yield [quiet("setpage", code, page) for page, code in turns if 0 <= page < given.pages]
    yield [quiet("unanswer", "button_unanswerable"), quiet("unclear", "button_unclear")]
    yield [quiet("opinion", "button_opinion", given.page)] if card.opinion is None else _why(card)
    yield [] if whole else [quiet("setfull", "button_full", given.page)]
    yield [gold_choice(before, dispute.item_public_id)] if before and before.may_be_gold else []
    yield undo_choice(before, dispute.item_public_id) if before else []
    yield [quiet("later", "button_later")]


def _why(card: DisputeCard) -> list[Choice]:
    """Once the model has spoken, or could."""
    speaks = card.opinion is not None and card.opinion.version is not None
    return [Choice(make("why", card.dispute.item_public_id), "button_why", style="quiet")] if speaks else []


def _names(label_schema: dict[str, Any]) -> dict[str, str]:
    return {label.id: label.name for label in labels.load(label_schema).labels}
