"""An annotation for an expert to audit: the item, the answer, accept or reject, with reasons by button."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.choice import label_page
from bot.cards.item import QUESTION_UNITS, is_cut, shown_parts
from bot.cards.views import Answers, Choice, View
from bot.surface import Message, Style
from bot.texts import say
from bot.texts.measures import share
from bot.texts.units import shorten
from bot.tokens import make
from core import labels
from core.audit_rate import ENOUGH
from core.audit_sample import AuditCase, AuditSummary
from core.auditing import REASONS

ALL_JOBS, ONE_JOB = "audit", "auditjob"
"""Verbs of the buttons: the next annotation comes from any job, or from the job of this one."""
RIGHT = {ALL_JOBS: "right", ONE_JOB: "rightjob"}
"""The same for the buttons that name the right label of an answer that is rejected."""


@dataclass(frozen=True, slots=True)
class AuditCard(View):
    """An annotation to audit.

    verb: of its buttons; it says whether the expert audits one job or all.
    choosing: the buttons ask why it is rejected, and which label is right.
    page: of these labels, from 0.
    undo: payload of the button that takes back the acceptance given just before; empty where there was none.
    """

    case: AuditCase
    summary: AuditSummary
    verb: str
    choosing: bool = False
    page: int = 0
    undo: str = ""


@dataclass(frozen=True, slots=True)
class AuditNone(View):
    """Nothing is left to audit, in one job or, without its name, in all. undo: as of `AuditCard`."""

    summary: AuditSummary
    project: str = ""
    undo: str = ""


def render(card: AuditCard, locale: str) -> Message:
    """Question, item and answer; nothing tells who gave it."""
    case = card.case
    pieces = [say("audit_answer", locale, label=labels.name_of(labels.load(case.label_schema), case.label_id))]
    if case.note:
        pieces.append(say("audit_note", locale, note=case.note))
    others = _others(card) if card.choosing else None
    if others is not None:
        pieces += [say("audit_why", locale), others.listed]
    rows = (
        (*others.rows, *render_rows(_reasons(card, others), locale)) if others else render_rows(_choices(card), locale)
    )
    return Message(
        kind="card",
        heading=shorten(case.question, QUESTION_UNITS),
        parts=shown_parts(case.content),
        text="\n\n".join(piece for piece in pieces if piece),
        footer=_summary(card.summary, locale),
        buttons=rows,
    )


def render_none(card: AuditNone, locale: str) -> Message:
    """That there is nothing, and what was found so far."""
    said = say("audit_none_in", locale, project=card.project) if card.project else say("audit_none", locale)
    return Message(text=said, footer=_summary(card.summary, locale), buttons=render_rows([_undo(card)], locale))


def estimate_sentence(summary: AuditSummary, locale: str) -> str:
    """The share of wrong answers among all, with its interval, or that it is too early for that; nothing at first."""
    found = summary.estimate
    if found is None:
        return say("audit_rate_early", locale, least=ENOUGH) if summary.audited else ""
    rates = {"rate": found.rate, "low": found.low, "high": found.high}
    return say("audit_rate", locale, **{name: share(value, locale) for name, value in rates.items()})


def _summary(summary: AuditSummary, locale: str) -> str:
    """How many are to be looked at, how many were, and how many answers are wrong in all."""
    lines = [
        say("audit_owed", locale, count=summary.owed) if summary.owed else "",
        say("audit_progress", locale, count=summary.audited, accepted=summary.accepted) if summary.audited else "",
        estimate_sentence(summary, locale),
    ]
    return "\n".join(line for line in lines if line)


def _others(card: AuditCard) -> Answers:
    """A button for each label that was not given."""
    schema, given = card.case.label_schema, card.case.label_id
    others = {**schema, "labels": [label for label in schema["labels"] if label["id"] != given]}
    verb, annotation = RIGHT[card.verb], card.case.annotation_public_id
    return label_page(others, card.page, lambda label_id: make(verb, annotation, label_id))


def _choices(card: AuditCard) -> Iterable[Iterable[Choice]]:
    yield [_choice(card, "accept", "button_accept", "primary"), _choice(card, "reject", "button_reject", "danger")]
    yield [_choice(card, "full", "button_full")] if is_cut(card.case.question, card.case.content) else []
    why = Choice(make("whyaudit", card.case.annotation_public_id), "button_why", style="quiet")
    yield [why] if card.case.explainable else []
    yield [_choice(card, "pass", "button_audit_pass"), *_undo(card)]


def _undo(card: AuditCard | AuditNone) -> list[Choice]:
    return [Choice(card.undo, "button_audit_undo", style="quiet")] if card.undo else []


def _reasons(card: AuditCard, others: Answers) -> Iterable[Iterable[Choice]]:
    turns = [(others.page - 1, "button_page_back"), (others.page + 1, "button_page_on")]
    yield [_choice(card, "reject", code, page=page) for page, code in turns if 0 <= page < others.pages]
    for reason in REASONS:
        yield [_choice(card, reason, f"button_audit_{reason}", "plain")]
    yield [_choice(card, "other", "button_audit_other", "plain")]
    yield [_choice(card, "back", "button_back")]


def _choice(card: AuditCard, act: str, code: str, style: Style = "quiet", page: int = 0) -> Choice:
    return Choice(make(card.verb, card.case.annotation_public_id, act, page), code, style=style)
