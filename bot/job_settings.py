"""The settings of a job as people type them: words and numbers become columns of a project."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel import Locale

from bot.aim_words import PRESETS as AIMS
from bot.aim_words import parse_aim, typed_aim
from bot.cards.settings import JobSettings
from bot.due_dates import NONE, parse_due_date
from bot.texts.catalogues import LANGUAGES
from core.attention import zone_of
from core.errors import InvalidInput
from core.projects import check_overlap, check_settings

OVERLAP = re.compile(r"(?:overlap\s*=?\s*)?(\d{1,3})(?:\s*(?:-|–|—|to|到|至)\s*(\d{1,3}))?", re.IGNORECASE)
PRICE = re.compile(r"(\d{1,6})(?:[.,](\d{1,2}))?")
TIME = re.compile(r"(\d{1,6})\s*([a-z]*|秒|分钟|分|小时|天)\.?", re.IGNORECASE)
NOT_PRICE = re.compile(r"[^\d.,-]")
SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒"), 1),
    **dict.fromkeys(("", "m", "min", "mins", "minute", "minutes", "分", "分钟"), 60),
    **dict.fromkeys(("h", "hour", "hours", "小时"), 3600),
    **dict.fromkeys(("d", "day", "days", "天"), 86400),
}
TIME_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
FREE = frozenset({*NONE, "free", "nothing", "免费"})
ANYBODY = frozenset({"everyone", "everybody", "all", "anyone", "所有人", "任何人"})
EXPERTS = frozenset({"experts", "expert", "专家"})
ANY_LANGUAGE = frozenset({*NONE, "any", "all", "任意"})
PRIORITIES = {"low": -10, "normal": 0, "high": 10, "低": -10, "普通": 0, "高": 10}


@dataclass(frozen=True, slots=True)
class Clock:
    """When something is said, and by which clock: an IANA name, empty for UTC."""

    now: datetime
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    parse: from what was typed to columns of the project, checked; for overlap "minimum" and "maximum".
    presets: what may be chosen by button, in words that `parse` takes.
    """

    parse: Callable[[str, Clock], dict[str, Any]]
    presets: tuple[str, ...] = ()


def parse_overlap(text: str, _clock: Clock | None = None) -> dict[str, Any]:
    """Minimum and maximum from a text such as 3-8, or from one number.

    Raises:
        InvalidInput: overlap_unclear, or bad_overlap.
    """
    match = OVERLAP.fullmatch(text.strip())
    if match is None:
        raise InvalidInput("overlap_unclear", text=text.strip()[:40])
    minimum, maximum = int(match[1]), int(match[2] or match[1])
    check_overlap(minimum, maximum)
    return {"minimum": minimum, "maximum": maximum}


def parse_price(text: str, clock: Clock) -> dict[str, Any]:
    """Hundredths from an amount such as 0.05, with or without a currency.

    Raises:
        InvalidInput: price_unclear, or bad_price.
    """
    if text.strip().casefold() in FREE:
        return {"price": 0}
    match = PRICE.fullmatch(NOT_PRICE.sub("", text))
    if match is None:
        raise InvalidInput("price_unclear", text=text.strip()[:40])
    return _checked({"price": int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))}, clock)


def parse_time(text: str, clock: Clock) -> dict[str, Any]:
    """Seconds from a time such as 10 min; a bare number is minutes.

    Raises:
        InvalidInput: time_unclear, or bad_lease.
    """
    match = TIME.fullmatch(text.strip())
    if match is None or match[2].casefold() not in SECONDS:
        raise InvalidInput("time_unclear", text=text.strip()[:40])
    return _checked({"lease_seconds": int(match[1]) * SECONDS[match[2].casefold()]}, clock)


def parse_deadline(text: str, clock: Clock) -> dict[str, Any]:
    """A moment, or nothing for "none"; as `bot.due_dates.parse_due_date`."""
    return {"deadline": parse_due_date(text, clock.time_zone, clock.now)}


def parse_who(text: str, _clock: Clock) -> dict[str, Any]:
    """Who may work.

    Raises:
        InvalidInput: bad_audience.
    """
    word = text.strip().casefold()
    if word not in ANYBODY | EXPERTS:
        raise InvalidInput("bad_audience")
    return {"audience": "everyone" if word in ANYBODY else "experts"}


def parse_language(text: str, clock: Clock) -> dict[str, Any]:
    """A code of ISO 639-1 from the code or the name of a language; empty for any.

    Raises:
        InvalidInput: bad_language.
    """
    word = text.strip().casefold()
    if word in ANY_LANGUAGE:
        return {"language": ""}
    for locale in map(Locale.parse, LANGUAGES):
        for code, name in locale.languages.items():
            if len(code) == 2 and word in (code, str(name).casefold()):
                return _checked({"language": code}, clock)
    raise InvalidInput("bad_language", language=text.strip()[:40])


def parse_priority(text: str, clock: Clock) -> dict[str, Any]:
    """A whole number, or low, normal, high.

    Raises:
        InvalidInput: priority_unclear, or bad_priority.
    """
    word = text.strip().casefold()
    if word not in PRIORITIES and re.fullmatch(r"[+-]?\d{1,4}", word) is None:
        raise InvalidInput("priority_unclear", text=text.strip()[:40])
    return _checked({"priority": PRIORITIES[word] if word in PRIORITIES else int(word)}, clock)


def parse_guidelines(text: str, clock: Clock) -> dict[str, Any]:
    """A text as it is, or none.

    Raises:
        InvalidInput: guidelines_too_long.
    """
    text = text.replace("\r\n", "\n").strip()
    return _checked({"guidelines": "" if text.casefold() in NONE else text}, clock)


def parse_name(text: str, clock: Clock) -> dict[str, Any]:
    """The name of a job, on one line.

    Raises:
        InvalidInput: bad_name.
    """
    return _checked({"name": " ".join(text.split())}, clock)


SETTINGS: Mapping[str, Setting] = {
    "overlap": Setting(parse_overlap, ("1", "3", "3-5", "3-8", "5-10")),
    "aim": Setting(lambda text, _clock: {"aim": parse_aim(text)}, AIMS),
    "price": Setting(parse_price, ("0", "0.01", "0.02", "0.05", "0.10")),
    "time": Setting(parse_time, ("2 min", "10 min", "30 min", "2 h", "1 day")),
    "deadline": Setting(parse_deadline, ("none", "tomorrow", "in 3 days", "in 1 week", "in 2 weeks")),
    "who": Setting(parse_who, ("everyone", "experts")),
    "language": Setting(parse_language, ("any", "en", "zh", "es", "fr", "de")),
    "priority": Setting(parse_priority, ("low", "normal", "high")),
    "guidelines": Setting(parse_guidelines),
    "name": Setting(parse_name),
}
"""By the name that stands in buttons, captions and texts."""


def typed(name: str, settings: JobSettings, clock: Clock) -> str:
    """A setting in words that its parser takes for the same value."""
    match name:
        case "overlap":
            return f"{settings.minimum}-{settings.maximum}"
        case "aim":
            return typed_aim(settings.aim)
        case "price":
            return f"{settings.price // 100}.{settings.price % 100:02d}"
        case "time":
            size, unit = next((size, unit) for size, unit in TIME_UNITS if settings.lease_seconds % size == 0)
            return f"{settings.lease_seconds // size} {unit}"
        case "deadline":
            due = settings.deadline
            return "none" if due is None else f"{due.astimezone(zone_of(clock.time_zone)):%Y-%m-%d %H:%M}"
        case "who":
            return settings.audience
        case "language":
            return settings.language or "any"
        case "priority":
            return str(settings.priority)
        case "guidelines":
            return settings.guidelines
        case _:
            return settings.name


def _checked(values: dict[str, Any], clock: Clock) -> dict[str, Any]:
    check_settings(values, clock.now)
    return values
