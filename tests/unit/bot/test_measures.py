"""Numbers, money and moments read as people of a language write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.texts.measures import bar, moment, money, number, share, span

NOON = datetime(2026, 6, 12, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [
        (0.0, 0, "0%"),
        (0.6199, 0, "62%"),
        (0.996, 0, "99%"),
        (1.0, 0, "100%"),
        (0.8125, 1, "81.2%"),
        (0.9999, 1, "99.9%"),
    ],
)
def test_only_all_of_it_is_a_hundred_per_cent(value: float, digits: int, said: str) -> None:
    assert share(value, "en", digits) == said


@pytest.mark.parametrize(
    ("locale", "currency", "said"),
    [
        ("en", "JPY", "¥12.30"),
        ("en", "KWD", "KWD12.300"),
        ("en", "USD", "$12.30"),
        ("zh", "CNY", "¥12.30"),
        ("zh-Hans", "USD", "US$12.30"),
        ("xx", "EUR", "€12.30"),
    ],
)
def test_money_names_its_currency(locale: str, currency: str, said: str) -> None:
    assert money(1230, currency, locale).replace("\xa0", "") == said


def test_whole_amounts_have_the_digits_that_are_usual() -> None:
    assert [money(1200, code, "en") for code in ("USD", "JPY")] == ["$12.00", "¥12"]


def test_a_moment_of_today_needs_no_day() -> None:
    assert moment(NOON + timedelta(hours=1), "", "en", NOON) == "13:00 UTC"
    assert moment(NOON + timedelta(hours=1), "Asia/Shanghai", "en", NOON) == "21:00"
    assert moment(NOON + timedelta(hours=5), "Asia/Shanghai", "en", NOON) == "Sat, Jun 13 01:00", (
        "tomorrow by their clock"
    )
    assert moment(NOON + timedelta(days=2), "", "zh", NOON) == "6月14日周日 12:00 UTC"


def test_spans_numbers_and_bars() -> None:
    assert (span(timedelta(minutes=200), "en"), span(timedelta(minutes=200), "zh")) == ("3 hours", "3 小时")
    assert number(12345, "en") == "12,345"
    assert [bar(value) for value in (-1.0, 0.0, 0.5, 2.0)] == ["░" * 10, "░" * 10, "▓" * 5 + "░" * 5, "▓" * 10]
