"""What the model of a job may do, and what it has done by itself: all settings in plain sentences, and one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Button, Message
from bot.texts import say
from bot.texts.measures import number, share
from core.acceptance_report import LabeledBy, ModelReport
from core.hints import Agreement
from core.learning import LearningSettings

PER_ROW = 3
SWITCHES = ("hints", "accept", "prior")
"""Settings that are on or off."""
SHARES = ("blind_share", "accept_error", "accept_audit", "retrain_growth")


@dataclass(frozen=True, slots=True)
class LearningCard(View):
    """All settings. hints: agreement with the model where people saw a hint, and where not; None before the first.

    saved: something was changed.
    """

    name: str
    settings: LearningSettings
    report: ModelReport
    hints: tuple[Agreement, Agreement] | None
    rows: tuple[tuple[Choice, ...], ...]
    saved: bool = False


@dataclass(frozen=True, slots=True)
class LearningSetting(View):
    """One setting. value: as in `LearningSettings`; presets: payloads with the values that they choose."""

    setting: str
    value: Any
    presets: tuple[tuple[str, Any], ...]
    rows: tuple[tuple[Choice, ...], ...]


def render(card: LearningCard, locale: str) -> Message:
    """A sentence for each setting, then what came of them."""
    settings = card.settings
    sentences = [
        say(f"learning_method_{settings.method}", locale),
        say("learning_growth", locale, share=share_words(settings.retrain_growth, locale)),
        say("learning_blind", locale, share=share_words(settings.blind_share, locale)),
        say("learning_hints_on" if settings.hints else "learning_hints_off", locale),
        _accept(settings, locale),
        say("learning_prior_on" if settings.prior else "learning_prior_off", locale),
    ]
    found = [_prior(card, locale), *model_sentences(card.report, locale), _hint_effect(card, locale)]
    pieces = [
        say("learning_saved", locale) if card.saved else "",
        "\n".join(f"• {sentence}" for sentence in sentences),
        "\n".join(line for line in found if line),
    ]
    return Message(
        kind="form",
        heading=say("learning_heading", locale, name=card.name),
        text="\n\n".join(piece for piece in pieces if piece),
        buttons=render_rows(card.rows, locale),
    )


def render_setting(card: LearningSetting, locale: str) -> Message:
    """What it means, what it is now, and what it may be."""
    buttons = [Button(value_words(card.setting, value, locale), payload) for payload, value in card.presets]
    rows = tuple(tuple(buttons[start : start + PER_ROW]) for start in range(0, len(buttons), PER_ROW))
    now = value_words(card.setting, card.value, locale)
    return Message(
        kind="form",
        text=say(f"learning_ask_{card.setting}", locale, value=now),
        buttons=(*rows, *render_rows(card.rows, locale)),
    )


def value_words(setting: str, value: Any, locale: str) -> str:
    """The value of a setting, as a button says it."""
    if setting in SWITCHES:
        return say("learning_on" if value else "learning_off", locale)
    return share_words(value, locale) if setting in SHARES else say(f"learning_value_{value}", locale)


def share_words(value: float, locale: str) -> str:
    """A share with as many digits as it needs."""
    return share(value, locale, 0 if round(value * 1000) % 10 == 0 else 1)


def model_sentences(report: ModelReport, locale: str) -> list[str]:
    """What models have labeled by themselves, and how right that is; nothing where they never did."""
    lines = [] if report.held is None else [say("accept_unproven", locale, held=number(report.held, locale))]
    for one in report.labeled:
        lines += _labeled(one, locale)
    return lines


def _labeled(one: LabeledBy, locale: str) -> list[str]:
    if one.reason:
        lines = [say(f"accept_back_{one.reason}", locale, version=one.version)]
    else:
        lines = [
            say("accept_given", locale, count=one.count, items=number(one.count, locale), version=one.version),
            say("accept_held", locale, count=one.wrong, held=number(one.held, locale)),
        ]
    found = one.audits
    if found.count:
        low, high = (share(end, locale, 1) for end in found.interval)
        lines.append(say("accept_audited", locale, count=found.count, wrong=found.wrong, low=low, high=high))
    if found.waiting and not one.reason:
        lines.append(say("accept_waiting", locale, count=found.waiting))
    return lines


def _accept(settings: LearningSettings, locale: str) -> str:
    if not settings.accept:
        return say("learning_accept_off", locale)
    error, audit = (share_words(value, locale) for value in (settings.accept_error, settings.accept_audit))
    return say("learning_accept_on", locale, error=error, audit=audit)


def _prior(card: LearningCard, locale: str) -> str:
    """Whether the prior helps, where it is wanted."""
    if not card.settings.prior:
        return ""
    measured = {None: "unknown", True: "helps", False: "useless"}[card.report.prior]
    return say(f"learning_prior_{measured}", locale, count=card.report.prior_items)


def _hint_effect(card: LearningCard, locale: str) -> str:
    """How far hints sway people: their agreement with the model beside how sure it was, with a hint and without."""
    if card.hints is None:
        return ""
    seen, unseen = card.hints
    said = {"agreed": share(seen.agreed, locale), "sure": share(seen.sure, locale), "count": seen.count}
    if not unseen.count:
        return say("hint_effect_alone", locale, **said)
    without = {"other_agreed": share(unseen.agreed, locale), "other_sure": share(unseen.sure, locale)}
    return say("hint_effect", locale, **said, **without)
