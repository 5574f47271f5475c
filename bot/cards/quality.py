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
from bot.texts.units import in_a_row
from core.aims import Aim
from core.gold_pool import Pool
from core.quality import ACTIONS, QualitySettings


@dataclass(frozen=True, slots=True)
class QualityCard(View):
    """All sections of a job's quality.

    pool: its known items. pilot_size, pilot_state: as of the project.
    """

    name: str
    aim: Aim
    answers: Answers
    settings: QualitySettings
    pool: Pool
    pilot_size: int
    pilot_state: str
    rows: tuple[tuple[Choice, ...], ...]


def render(card: QualityCard, locale: str) -> Message:
    """A sentence for each section."""
    settings = card.settings
    sentences = (
        aim_sentence(card.aim, card.answers, locale),
        _known(card, locale),
        _quiz(card, locale),
        _least(settings, locale),
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
    pool, settings = card.pool, card.settings
    if not pool.known:
        return say("quality_gold_none", locale)
    if settings.gold_use != "check" or settings.gold_every <= 0:
        return say("quality_gold_compared", locale, count=pool.known)
    code = "quality_gold_teaches" if settings.teaches else "quality_gold_checks"
    return say(code, locale, count=pool.hidden, known=pool.known)


def _quiz(card: QualityCard, locale: str) -> str:
    """What comes before the job; without known items that may be asked nobody gets any of it."""
    settings, pool = card.settings, card.pool
    if not settings.practice and not settings.quiz:
        return say("quality_quiz_none", locale)
    if not pool.hidden and not pool.practice:
        return say("quality_quiz_idle", locale)
    practice = say("quality_practice", locale, count=settings.practice) if settings.practice else ""
    passed = share(settings.quiz_pass, locale)
    quiz = say("quality_quiz", locale, count=settings.quiz, share=passed) if settings.quiz else ""
    return in_a_row(practice, quiz)


def _least(settings: QualitySettings, locale: str) -> str:
    if not settings.least_accuracy:
        return say("quality_least_chance", locale)
    return say("quality_least", locale, share=share(settings.least_accuracy, locale))


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
