"""Numbers, money and moments as a person of a language and a time zone writes them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from babel.dates import format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from bot.texts import language_of
from core.attention import zone_of

BAR_CELLS = 10
DIGIT_BEFORE_HAN = re.compile(r"(?<=\d)(?=[\u4e00-\u9fff])")
"""Where Chinese has a space between a number and its unit, as in all of its sentences here."""


def number(value: int, locale: str) -> str:
    """A whole number with separators: 12,345."""
    return str(format_decimal(value, locale=language_of(locale)))


def share(value: float, locale: str, digits: int = 0) -> str:
    """A share from 0 to 1 as per cent. Only all of it is 100%: what is nearly whole is rounded down."""
    step = 10 ** (digits + 2)
    shown = int(value * step) / step if value < 1 < value + 0.5 / step else value
    pattern = "#,##0" + (f".{'0' * digits}" if digits else "") + "%"
    return str(format_percent(shown, pattern, locale=language_of(locale)))


def money(hundredths: int, currency: str, locale: str) -> str:
    """An amount of a currency, named by its ISO 4217 code; of a yen, too, hundredths are shown where there are any."""
    usual = hundredths % 100 == 0 or get_currency_precision(currency) > 0
    return str(format_currency(hundredths / 100, currency, locale=language_of(locale), currency_digits=usual))


def moment(at: datetime, time_zone: str, locale: str, now: datetime) -> str:
    """A moment by the person's clock: the time alone where it is today, else with the day.

    Args:
        time_zone: IANA name; empty means UTC, which is then said.
    """
    zone, language = zone_of(time_zone), language_of(locale)
    local = at.astimezone(zone)
    said = f"{local:%H:%M}"
    if local.date() != now.astimezone(zone).date():
        said = f"{format_skeleton('MMMEd', local, tzinfo=zone, locale=language)} {said}"
    return said if time_zone else f"{said} UTC"


def span(length: timedelta, locale: str) -> str:
    """A length of time in its largest unit: 3 hours."""
    said = str(format_timedelta(length, threshold=1.5, locale=language_of(locale)))
    return DIGIT_BEFORE_HAN.sub(" ", said)


def bar(value: float) -> str:
    """A share from 0 to 1 as a bar of text. Only all of it fills the bar."""
    full = BAR_CELLS if value >= 1.0 else min(round(max(value, 0.0) * BAR_CELLS), BAR_CELLS - 1)
    return "▓" * full + "░" * (BAR_CELLS - full)
