"""The settings of a job in words, wherever they are shown: before it is posted, while it runs, and one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.cards.aim import Answers, aim_words
from bot.cards.buttons import render_rows
from bot.cards.views import Choice, View
from bot.surface import Button, Message
from bot.texts import say
from bot.texts.languages import language_name
from bot.texts.measures import moment, money, number
from bot.texts.units import shorten
from core.aims import Aim

UNITS_OF_TIME = ((86400, "value_days"), (3600, "value_hours"), (60, "value_minutes"), (1, "value_seconds"))
NAME_UNITS = 40
GUIDELINES_UNITS = 1500
PER_ROW = 2
USUAL_AIM = Aim()


@dataclass(frozen=True, slots=True)
class Reading:
    """How amounts and moments are shown to whoever reads. time_zone: an IANA name, empty for UTC."""

    currency: str
    time_zone: str
    now: datetime


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What a coordinator sets. price: in hundredths; lease_seconds: time for one item.

    known: the column that holds known labels; known_file: the name of their own file; both empty where none are.
    gold_use: what known labels are for, as in `core.quality`.
    """

    minimum: int
    maximum: int
    price: int = 0
    lease_seconds: int = 600
    deadline: datetime | None = None
    audience: str = "everyone"
    language: str = ""
    guidelines: str = ""
    priority: int = 0
    name: str = ""
    known: str = ""
    known_file: str = ""
    aim: Aim = USUAL_AIM
    gold_use: str = "check"


@dataclass(frozen=True, slots=True)
class Preset:
    """A value that can be chosen by button."""

    payload: str
    settings: JobSettings


@dataclass(frozen=True, slots=True)
class SettingCard(View):
    """One setting is asked for.

    name: as in `bot.job_settings.SETTINGS`, or known. settings: as they are now.
    rows: further buttons, below the presets.
    """

    name: str
    settings: JobSettings
    reading: Reading
    presets: tuple[Preset, ...]
    rows: tuple[tuple[Choice, ...], ...]


def render(card: SettingCard, locale: str) -> Message:
    """What it means, what it is now, and what else it may be."""
    presets = [
        Button(describe(card.name, preset.settings, card.reading, locale), preset.payload) for preset in card.presets
    ]
    rows = [tuple(presets[start : start + PER_ROW]) for start in range(0, len(presets), PER_ROW)]
    written = shorten(card.settings.guidelines, GUIDELINES_UNITS) if card.name == "guidelines" else ""
    now = say("setting_now", locale, value=describe(card.name, card.settings, card.reading, locale))
    if card.name == "overlap":
        aim = describe("aim", card.settings, card.reading, locale)
        now += "\n" + say("setting_line", locale, name=say("setting_aim", locale), value=aim)
    return Message(
        kind="form",
        heading=say(f"setting_{card.name}", locale),
        text="\n\n".join(piece for piece in (say(f"ask_{card.name}", locale), now, written) if piece),
        buttons=(*rows, *render_rows(card.rows, locale)),
    )


def settings_text(names: tuple[str, ...], settings: JobSettings, reading: Reading, locale: str) -> str:
    """A line for each of these settings."""
    return "\n".join(
        say(
            "setting_line",
            locale,
            name=say(f"setting_{name}", locale),
            value=describe(name, settings, reading, locale),
        )
        for name in names
    )


def describe(name: str, settings: JobSettings, reading: Reading, locale: str) -> str:
    """The value of one setting in a few words."""
    match name:
        case "overlap":
            code = "value_overlap_exact" if settings.minimum == settings.maximum else "value_overlap"
            return say(code, locale, minimum=settings.minimum, maximum=settings.maximum)
        case "aim":
            answers = Answers(settings.minimum, settings.maximum, settings.price, reading.currency)
            return aim_words(settings.aim, answers, locale)
        case "price":
            return money(settings.price, reading.currency, locale) if settings.price else say("value_free", locale)
        case "time":
            return time_text(settings.lease_seconds, locale)
        case "deadline":
            due = settings.deadline
            return say("value_none", locale) if due is None else moment(due, reading.time_zone, locale, reading.now)
        case "language":
            return language_name(settings.language, locale) if settings.language else say("value_any", locale)
        case "known":
            return _known(settings, locale)
        case "guidelines":
            count = len(settings.guidelines)
            code = "value_characters" if count else "value_none"
            return say(code, locale, count=count, length=number(count, locale))
        case "priority":
            return _priority(settings.priority, locale)
        case "who":
            return say(f"value_{settings.audience}", locale)
        case _:
            return settings.name


def time_text(seconds: int, locale: str) -> str:
    """A length of time, exactly, in its largest whole unit."""
    size, code = next((size, code) for size, code in UNITS_OF_TIME if seconds % size == 0)
    return say(code, locale, count=seconds // size)


def _known(settings: JobSettings, locale: str) -> str:
    if settings.known_file:
        known = say("value_known_file", locale, name=shorten(settings.known_file, NAME_UNITS))
    elif settings.known:
        known = say("value_known_column", locale, column=shorten(settings.known, NAME_UNITS))
    else:
        return say("value_none", locale)
    return say(f"value_known_{settings.gold_use}", locale, known=known)


def _priority(priority: int, locale: str) -> str:
    if not priority:
        return say("value_priority_normal", locale)
    return say("value_priority_high" if priority > 0 else "value_priority_low", locale, number=f"{priority:+d}")
