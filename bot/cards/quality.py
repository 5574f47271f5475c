"""What makes sure of the labels of a job, in plain sentences with a button for each section."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bot.cards.aim import Answers, aim_sentence
from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Message
from bot.texts import say
from bot.texts.measures import share
from core.aims import Aim
from core.quality import ACTIONS, QualitySettings


@dataclass(frozen=True, slots=True)
class QualityCard(View):
    """All sections of a job's quality.

    known: items with a known label that may be asked. pilot_size, pilot_state: as of the project.
    """

    name: str
    aim: Aim
    answers: Answers
    settings: QualitySettings
    known: int
    pilot_size: int
    pilot_state: str
    rows: tuple[tuple[Choice, ...], ...]


def render(card: QualityCard, locale: str) -> Message:
    """A sentence for each section."""
    settings = card.settings
    sentences = (
        aim_sentence(card.aim, card.answers, locale),
        _known(card, locale),
        _quiz(settings, locale),
        _rules(settings, locale),
        _audits(settings, locale),
        _pilot(card, locale),
    )
    return Message(
        kind="form",
        heading=say("quality_heading", locale, name=card.name),
        text="\n".join(f"• {sentence}" for sentence in sentences if sentence),
        buttons=render_rows(card.rows, locale),
    )


def _known(card: QualityCard, locale: str) -> str:
    if not card.known:
        return say("quality_gold_none", locale)
    checks = card.settings.gold_use == "check" and card.settings.gold_every > 0
    return say("quality_gold_checks" if checks else "quality_gold_compared", locale, count=card.known)


def _quiz(settings: QualitySettings, locale: str) -> str:
    practice = say("quality_practice", locale, count=settings.practice) if settings.practice else ""
    passed = share(settings.quiz_pass, locale)
    quiz = say("quality_quiz", locale, count=settings.quiz, share=passed) if settings.quiz else ""
    return " ".join(piece for piece in (practice, quiz) if piece) or say("quality_quiz_none", locale)


def _rules(settings: QualitySettings, locale: str) -> str:
    """How many rules there are that do something, and the strictest of what they do."""
    acting = Counter(action for action in settings.rules.values() if action != "none")
    if not acting:
        return say("quality_rules_none", locale)
    strictest = max(acting, key=ACTIONS.index)
    return say("quality_rules", locale, count=acting.total(), strictest=say(f"quality_rules_{strictest}", locale))


def _audits(settings: QualitySettings, locale: str) -> str:
    if not settings.audit_share:
        return say("quality_audits_none", locale)
    digits = 0 if settings.audit_share >= 0.01 else 1
    return say("quality_audits", locale, share=share(settings.audit_share, locale, digits))


def _pilot(card: QualityCard, locale: str) -> str:
    if not card.pilot_size:
        return say("quality_pilot_none", locale)
    return say(f"quality_pilot_{card.pilot_state or 'set'}", locale, count=card.pilot_size)
