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
from core.training_times import TrainingTimes

PER_ROW = 3
SWITCHES = ("hints", "accept", "prior")
"""Settings that are on or off."""
AGAIN = {"button": "accept_once_allowed", "unproven": "accept_once_shown"}
"""What lets a version label again whose labels were taken back; for other reasons nothing does."""
SHARES = ("blind_share", "accept_error", "accept_audit", "retrain_growth")
CRONS = {"0 3 * * *": "nightly", "0 3 * * 1": "weekly", "0 * * * *": "hourly"}
"""Times that have words of their own."""


@dataclass(frozen=True, slots=True)
class LearningCard(View):
    """All settings. hints: agreement with the model where people saw a hint, and where not; None before the first.

    saved: something was changed.
    """

    name: str
    settings: LearningSettings
    times: TrainingTimes
    report: ModelReport
    hints: tuple[Agreement, Agreement] | None
    rows: tuple[tuple[Choice, ...], ...]
    saved: bool = False


@dataclass(frozen=True, slots=True)
class LearningSetting(View):
    """One setting. value: as in `LearningSettings`, or of a column of the project that has this name.

    presets: payloads with the values that they choose.
    """

    setting: str
    value: Any
    presets: tuple[tuple[str, Any], ...]
    rows: tuple[tuple[Choice, ...], ...]


def render(card: LearningCard, locale: str) -> Message:
    """A sentence for each setting, then what came of them."""
    settings = card.settings
    sentences = [
        say(f"learning_method_{settings.method}", locale),
        *_times(card.times, settings.retrain_growth, locale),
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
    buttons = [Button(_capital(value_words(card.setting, value, locale)), payload) for payload, value in card.presets]
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
    if setting == "retrain_threshold":
        return number(value, locale) if value else say("learning_off", locale)
    if setting == "retrain_cron":
        return cron_words(value, locale) if value else say("learning_off", locale)
    return share_words(value, locale) if setting in SHARES else say(f"learning_value_{value}", locale)


def cron_words(cron: str, locale: str) -> str:
    """At what times a cron string fires: in words where it is a usual one."""
    return say(f"cron_{CRONS[cron]}", locale) if cron in CRONS else say("cron_own", locale, cron=cron)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def share_words(value: float, locale: str) -> str:
    """A share with as many digits as it needs."""
    return share(value, locale, 0 if round(value * 1000) % 10 == 0 else 1)


def model_sentences(report: ModelReport, locale: str) -> list[str]:
    """What models have labeled by themselves, and how right that is; nothing where they never did."""
    lines = [say("accept_due", locale)] if report.due else []
    if report.held is not None and not report.due:
        lines = [say("accept_unproven", locale, held=number(report.held, locale))]
    for one in report.labeled:
        lines += _labeled(one, locale)
        if one.reason and one.in_use and not report.due:
            lines.append(say(AGAIN.get(one.reason, "accept_no_more"), locale))
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
        code = "accept_audited_then" if one.reason else "accept_audited"
        lines.append(say(code, locale, count=found.count, wrong=found.wrong, low=low, high=high))
    if found.waiting and not one.reason:
        lines.append(say("accept_waiting", locale, count=found.waiting))
    return lines


def _accept(settings: LearningSettings, locale: str) -> str:
    if not settings.accept:
        return say("learning_accept_off", locale)
    error, audit = (share_words(value, locale) for value in (settings.accept_error, settings.accept_audit))
    return say("learning_accept_on", locale, error=error, audit=audit)


def _times(times: TrainingTimes, growth: float, locale: str) -> list[str]:
    """When the model is trained by itself."""
    if not (times.threshold or times.cron):
        return [say("learning_times_off", locale)]
    after, share_more = say("learning_after_off", locale), share_words(growth, locale)
    if count := times.threshold:
        code = "learning_after_growth" if growth else "learning_after"
        after = say(code, locale, count=count, number=number(count, locale), share=share_more)
    at = say("learning_at", locale, times=cron_words(times.cron, locale)) if times.cron else ""
    return [after, at or say("learning_at_off", locale)]


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
