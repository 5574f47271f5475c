"""Known answers of a job: what they are for, how often they check people, the lessons made of them, and doubts."""

from __future__ import annotations

from dataclasses import dataclass

from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Button, Message, Part
from bot.texts import say
from bot.texts.measures import share
from bot.texts.units import shorten
from core.gold_doubts import Doubt
from core.gold_pool import Pool
from core.quality import QualitySettings

TEXT_UNITS = 1000


@dataclass(frozen=True, slots=True)
class Preset:
    """A value of a setting that a tap chooses; `chosen` where it is the one in use."""

    payload: str
    name: str
    value: float
    chosen: bool


@dataclass(frozen=True, slots=True)
class GoldsetCard(View):
    """The section of /quality about known answers. doubts: known answers that look wrong. failed: people shut out.

    presets: rows of values that can be chosen, where one setting is asked for; else empty.
    """

    name: str
    pool: Pool
    settings: QualitySettings
    doubts: int
    failed: int
    rows: tuple[tuple[Choice, ...], ...]
    asked: str = ""
    presets: tuple[Preset, ...] = ()


@dataclass(frozen=True, slots=True)
class DoubtCard(View):
    """A known answer that most good people contradict. more: how many others wait."""

    doubt: Doubt
    more: int
    rows: tuple[tuple[Choice, ...], ...]


def render(card: GoldsetCard, locale: str) -> Message:
    """A sentence for each setting; or one setting with its values."""
    presets = tuple(
        Button(_mark(preset, locale), preset.payload, "primary" if preset.chosen else "plain")
        for preset in card.presets
    )
    pairs = tuple(presets[start : start + 2] for start in range(0, len(presets), 2))
    sentences = [say(f"ask_{card.asked}", locale)] if card.asked else _sentences(card, locale)
    return Message(
        kind="form",
        heading=say(f"setting_{card.asked}" if card.asked else "goldset_heading", locale, name=card.name),
        text="\n".join(sentences),
        buttons=(*pairs, *render_rows(card.rows, locale)),
    )


def render_doubt(card: DoubtCard, locale: str) -> Message:
    """The item, what is known of it, and what people say."""
    doubt = card.doubt
    params = {"known": doubt.known, "said": doubt.said, "against": doubt.against, "count": doubt.good}
    return Message(
        kind="form",
        heading=say("doubt_heading", locale),
        parts=(Part("text", shorten(doubt.text, TEXT_UNITS)),),
        text=say("doubt_text", locale, **params),
        footer=say("doubt_more", locale, count=card.more) if card.more else "",
        buttons=render_rows(card.rows, locale),
    )


def value_text(name: str, value: float, locale: str) -> str:
    """The value of a setting in a few words."""
    if name in ("quiz_pass", "least_accuracy"):
        return share(value, locale) if value else say("value_gold_chance", locale)
    if not value:
        return say("value_gold_never" if name in ("gold_every", "qualification_days") else "value_gold_none", locale)
    return say(f"value_{name}", locale, count=int(value))


def _mark(preset: Preset, locale: str) -> str:
    text = value_text(preset.name, preset.value, locale)
    return f"✓ {text}" if preset.chosen else text


def _sentences(card: GoldsetCard, locale: str) -> list[str]:
    pool, settings = card.pool, card.settings
    if not pool.known:
        return [say("goldset_none", locale)]
    checks = settings.gold_use == "check" and settings.gold_every > 0
    lines = [say("goldset_known", locale, count=pool.known)]
    if checks:
        lines += [say("goldset_checks", locale, count=pool.hidden, every=settings.gold_every)]
    else:
        lines += [say("goldset_measures", locale)]
    if pool.served:
        right = share(1 - pool.missed / pool.served, locale)
        lines += [say("goldset_served", locale, count=pool.served, share=right)]
    lines += [say("goldset_teaches" if settings.teaches else "goldset_silent", locale)] if checks else []
    lines += _lessons(settings, pool, locale)
    least = value_text("least_accuracy", settings.least_accuracy, locale)
    lines += [say("setting_line", locale, name=say("setting_least_accuracy", locale), value=least)]
    lines += [say("goldset_doubts", locale, count=card.doubts)] if card.doubts else []
    return lines + ([say("goldset_failed", locale, count=card.failed)] if card.failed else [])


def _lessons(settings: QualitySettings, pool: Pool, locale: str) -> list[str]:
    if (settings.practice or settings.quiz) and not (pool.hidden or pool.practice):
        return [say("quality_quiz_idle", locale)]
    lines = []
    if settings.practice:
        lines += [say("goldset_practice", locale, count=settings.practice)]
    if settings.quiz:
        needed = share(settings.quiz_pass, locale)
        lines += [say("goldset_quiz", locale, count=settings.quiz, share=needed, attempts=settings.quiz_attempts)]
        if settings.qualification_days:
            lines += [say("goldset_renewal", locale, count=settings.qualification_days)]
        if pool.hidden < 2 * settings.quiz:
            lines += [say("goldset_quiz_few", locale, count=pool.hidden)]
    return lines or [say("goldset_no_lessons", locale)]
