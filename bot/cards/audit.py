"""An annotation for an expert to audit: the item, the answer, accept or reject, with reasons by button."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.item import QUESTION_UNITS, is_cut, shown_parts
from bot.cards.views import Choice, View
from bot.surface import Message, Style
from bot.texts import say
from bot.texts.units import shorten
from bot.tokens import make
from core import labels
from core.audit_sample import AuditCase, AuditSummary
from core.auditing import REASONS


@dataclass(frozen=True, slots=True)
class AuditCard(View):
    """An annotation to audit.

    verb: of its buttons; it says whether the expert audits one job or all.
    choosing: the buttons ask why it is rejected.
    """

    case: AuditCase
    summary: AuditSummary
    verb: str
    choosing: bool = False


@dataclass(frozen=True, slots=True)
class AuditNone(View):
    """Nothing is left to audit, in one job or, without its name, in all."""

    summary: AuditSummary
    project: str = ""


def render(card: AuditCard, locale: str) -> Message:
    """Question, item and answer; nothing tells who gave it."""
    case = card.case
    pieces = [say("audit_answer", locale, label=labels.name_of(labels.load(case.label_schema), case.label_id))]
    if case.note:
        pieces.append(say("audit_note", locale, note=case.note))
    if card.choosing:
        pieces.append(say("audit_why", locale))
    return Message(
        kind="card",
        heading=shorten(case.question, QUESTION_UNITS),
        parts=shown_parts(case.content),
        text="\n\n".join(pieces),
        footer=_summary(card.summary, locale),
        buttons=render_rows(_reasons(card) if card.choosing else _choices(card), locale),
    )


def render_none(card: AuditNone, locale: str) -> Message:
    """That there is nothing, and what was found so far."""
    said = say("audit_none_in", locale, project=card.project) if card.project else say("audit_none", locale)
    return Message(text=said, footer=_summary(card.summary, locale))


def _summary(summary: AuditSummary, locale: str) -> str:
    """How many were audited, and how many of them were wrong; empty before the first."""
    if not summary.audited:
        return ""
    low, high = summary.interval
    progress = say("audit_progress", locale, count=summary.audited, accepted=summary.accepted)
    rates = {"rate": f"{summary.error_rate:.1%}", "low": f"{low:.1%}", "high": f"{high:.1%}"}
    return f"{progress}\n{say('audit_rate', locale, **rates)}"


def _choices(card: AuditCard) -> Iterable[Iterable[Choice]]:
    yield [_choice(card, "accept", "button_accept", "primary"), _choice(card, "reject", "button_reject", "danger")]
    yield [_choice(card, "full", "button_full")] if is_cut(card.case.question, card.case.content) else []
    yield [_choice(card, "pass", "button_audit_pass")]


def _reasons(card: AuditCard) -> Iterable[Iterable[Choice]]:
    for reason in REASONS:
        yield [_choice(card, reason, f"button_audit_{reason}", "plain")]
    yield [_choice(card, "other", "button_audit_other", "plain")]
    yield [_choice(card, "back", "button_back")]


def _choice(card: AuditCard, act: str, code: str, style: Style = "quiet") -> Choice:
    return Choice(make(card.verb, card.case.annotation_public_id, act), code, style=style)
