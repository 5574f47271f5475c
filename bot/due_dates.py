"""Deadlines as people type them: friday, tomorrow, in 3 days, 2026-12-24 17:00, 周五, 3天后."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from core.attention import zone_of
from core.errors import InvalidInput

NONE = frozenset({"none", "no", "off", "never", "-", "无", "没有", "不限"})
DAYS = {"today": 0, "tomorrow": 1, "今天": 0, "明天": 1, "后天": 2}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS_ZH = "一二三四五六日"
UNITS = {
    **dict.fromkeys(("minute", "minutes", "min", "分钟"), timedelta(minutes=1)),
    **dict.fromkeys(("hour", "hours", "h", "小时"), timedelta(hours=1)),
    **dict.fromkeys(("day", "days", "d", "天"), timedelta(days=1)),
    **dict.fromkeys(("week", "weeks", "w", "周", "星期"), timedelta(weeks=1)),
    **dict.fromkeys(("month", "months", "个月"), timedelta(days=30)),
}
END_OF_DAY = time(23, 59)
MAX_AHEAD = timedelta(days=10 * 365)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_TIME = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*(am|pm)?")
_AHEAD = re.compile(r"(?:in\s+)?(\d{1,4}|an?)\s*([a-z]+|分钟|小时|天|周|星期|个月)\s*(?:后|之后|以后|from now)?")


def parse_due_date(text: str, time_zone: str, now: datetime) -> datetime | None:
    """The moment in UTC that `text` names by the clock of `time_zone`, or nothing for "none".

    A day without a time means its last minute. A weekday is the next one; today's name is a week from now.

    Raises:
        InvalidInput: deadline_unclear, or deadline_past.
    """
    words = " ".join(text.casefold().split())
    if words in NONE:
        return None
    try:
        due = _ahead(words, now) or _named(words, time_zone, now)
    except (ValueError, OverflowError):
        due = None
    if due is None or due - now > MAX_AHEAD:
        raise InvalidInput("deadline_unclear", text=text.strip()[:40])
    if due <= now:
        raise InvalidInput("deadline_past")
    return due.astimezone(UTC)


def _ahead(words: str, now: datetime) -> datetime | None:
    match = _AHEAD.fullmatch(words)
    if match is None or match[2] not in UNITS:
        return None
    count = 1 if match[1].startswith("a") else int(match[1])
    return (now + count * UNITS[match[2]]).replace(second=0, microsecond=0)


def _named(words: str, time_zone: str, now: datetime) -> datetime | None:
    zone = zone_of(time_zone)
    today = now.astimezone(zone).date()
    name, _, rest = words.removeprefix("by ").removeprefix("on ").removeprefix("next ").partition(" ")
    day, at = _day(name, today), _time(rest.removeprefix("at "))
    return None if day is None or at is None else datetime.combine(day, at, zone)


def _day(name: str, today: date) -> date | None:
    name = name.rstrip(",")
    if (match := _DATE.fullmatch(name)) is not None:
        return date(int(match[1]), int(match[2]), int(match[3]))
    if name in DAYS:
        return today + timedelta(days=DAYS[name])
    weekday = _weekday(name)
    return None if weekday is None else today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _weekday(name: str) -> int | None:
    if name[:1] in ("周", "星") and (day := name.removeprefix("周").removeprefix("星期")):
        return WEEKDAYS_ZH.find(day.replace("天", "日")) if day in (*WEEKDAYS_ZH, "天") else None
    known = [number for number, weekday in enumerate(WEEKDAYS) if len(name) >= 3 and weekday.startswith(name)]
    return known[0] if known else None


def _time(text: str) -> time | None:
    if not text:
        return END_OF_DAY
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute = int(match[1]), int(match[2] or 0)
    if match[3]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match[3] == "pm" else 0)
    return time(hour, minute)
