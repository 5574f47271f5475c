"""What people write when they say when they want to be left in peace."""

from __future__ import annotations

import pytest

from core.preferences import find_zone, language_of, parse_hours


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("22-8", (1320, 480)),
        ("22:30-07:00", (1350, 420)),
        (" 22 – 8 ", (1320, 480)),
        ("22：30—7", (1350, 420)),
        ("10pm-8am", (1320, 480)),
        ("12am-12pm", (0, 720)),
        ("24-6", (0, 360)),
        ("0-6:15", (0, 375)),
    ],
)
def test_hours_are_understood(text: str, hours: tuple[int, int]) -> None:
    assert parse_hours(text) == hours


@pytest.mark.parametrize(
    "text", ["", "22", "25-8", "22-24:30", "22:60-8", "8-8", "0-24", "13pm-8am", "0am-8", "22-8-9", "22-x", "Berlin"]
)
def test_what_are_no_hours_is_not_guessed_at(text: str) -> None:
    assert parse_hours(text) is None


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("new york", "America/New_York"),
        ("utc", "UTC"),
        ("Etc/GMT-8", "Etc/GMT-8"),
        ("GMT-8", None),
        ("Europe", None),
        ("Atlantis", None),
        ("../Berlin", None),
        ("", None),
    ],
)
def test_zones_are_found_by_name_or_city(text: str, zone: str | None) -> None:
    assert find_zone(text) == zone


@pytest.mark.parametrize(
    ("locale", "language"), [("zh-Hans", "zh"), ("pt_BR", "pt"), ("EN", "en"), ("", ""), ("yue-HK", ""), ("x", "")]
)
def test_the_language_of_a_platforms_locale(locale: str, language: str) -> None:
    assert language_of(locale) == language
