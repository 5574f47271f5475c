"""Quiet hours and days by people's own clocks: midnight, summer time, zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.attention import local_day, quiet_until, zone_of

NIGHT = (22 * 60, 8 * 60)
NAP = (13 * 60, 14 * 60 + 30)


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-01-15T21:59:59", None),
        ("2026-01-15T22:00:00", "2026-01-16T08:00:00"),
        ("2026-01-15T23:59:59", "2026-01-16T08:00:00"),
        ("2026-01-16T00:00:00", "2026-01-16T08:00:00"),
        ("2026-01-16T07:59:59", "2026-01-16T08:00:00"),
        ("2026-01-16T08:00:00", None),
        ("2026-01-16T12:00:00", None),
    ],
)
def test_hours_that_span_midnight(now: str, end: str | None) -> None:
    assert quiet_until("", *NIGHT, at(now)) == (None if end is None else at(end))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-01-15T12:59:59", None),
        ("2026-01-15T13:00:00", "2026-01-15T14:30:00"),
        ("2026-01-15T14:29:59", "2026-01-15T14:30:00"),
        ("2026-01-15T14:30:00", None),
    ],
)
def test_hours_within_a_day(now: str, end: str | None) -> None:
    assert quiet_until("", *NAP, at(now)) == (None if end is None else at(end))


def test_none_are_none() -> None:
    assert quiet_until("", None, None, at("2026-01-15T23:00:00")) is None
    assert quiet_until("", 60, None, at("2026-01-15T23:00:00")) is None
    assert quiet_until("", 600, 600, at("2026-01-15T10:00:00")) is None


def test_the_hours_are_those_of_the_persons_clock() -> None:
    now = at("2026-01-15T15:00:00")  # 23:00 in Shanghai, 10:00 in New York
    assert quiet_until("Asia/Shanghai", *NIGHT, now) == at("2026-01-16T00:00:00")
    assert quiet_until("America/New_York", *NIGHT, now) is None
    assert quiet_until("Etc/GMT-8", *NIGHT, now) == at("2026-01-16T00:00:00")


def test_the_end_follows_the_clock_over_a_change_of_summer_time() -> None:
    # Berlin goes to summer time on 29 March 2026 at 1:00 UTC, and back on 25 October 2026 at 1:00 UTC.
    assert quiet_until("Europe/Berlin", *NIGHT, at("2026-03-28T22:00:00")) == at("2026-03-29T06:00:00")
    assert quiet_until("Europe/Berlin", *NIGHT, at("2026-10-24T22:00:00")) == at("2026-10-25T07:00:00")


def test_an_end_in_the_hour_that_comes_twice_is_never_in_the_past() -> None:
    hours = (60, 2 * 60 + 30)
    first, second = at("2026-10-25T00:15:00"), at("2026-10-25T01:15:00")  # both 2:15 in Berlin
    assert quiet_until("Europe/Berlin", *hours, first) == at("2026-10-25T00:30:00")
    assert quiet_until("Europe/Berlin", *hours, second) == at("2026-10-25T01:30:00")


def test_an_end_in_the_hour_that_is_left_out_comes_as_late_as_on_other_days() -> None:
    hours = (60, 2 * 60 + 30)
    assert quiet_until("Europe/Berlin", *hours, at("2026-03-29T00:30:00")) == at("2026-03-29T01:30:00")
    assert quiet_until("Europe/Berlin", *hours, at("2026-03-29T01:00:00")) is None


@given(
    minutes=st.integers(0, 365 * 24 * 60),
    zone=st.sampled_from(
        ["", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Etc/GMT+10"]
    ),
    quiet_from=st.integers(0, 1439),
    length=st.integers(1, 1200),
)
def test_quiet_ends_soon_and_not_before_now(minutes: int, zone: str, quiet_from: int, length: int) -> None:
    now, quiet_to = at("2026-01-01") + timedelta(minutes=minutes), (quiet_from + length) % 1440
    end = quiet_until(zone, quiet_from, quiet_to, now)
    local = now.astimezone(zone_of(zone))
    inside = (local.hour * 60 + local.minute - quiet_from) % 1440 < length
    assert (end is not None) == inside
    if end is not None:
        assert now < end <= now + timedelta(minutes=length + 60)
        assert quiet_until(zone, quiet_from, quiet_to, end) is None


@pytest.mark.parametrize("name", ["", "Nowhere/Town", "../../etc/passwd", "Europe", "Europe/Berlin\0"])
def test_an_unknown_zone_counts_as_utc(name: str) -> None:
    assert zone_of(name) is UTC


def test_a_day_is_that_of_the_persons_clock() -> None:
    now = at("2026-03-01T23:30:00")
    assert local_day("", now) == "2026-03-01"
    assert local_day("Europe/Berlin", now) == "2026-03-02"
    assert local_day("America/New_York", now) == "2026-03-01"
