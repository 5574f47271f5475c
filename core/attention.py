"""When a person may be written to unasked: quiet hours and days by their own clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, or_, true, tuple_
from sqlalchemy.orm import Session

from core.models import Worker


class QuietHours(NamedTuple):
    """When somebody wants to hear nothing: as the columns of `Worker` of the same names."""

    time_zone: str
    quiet_from: int | None
    quiet_to: int | None


QUIET_HOURS = (Worker.time_zone, Worker.quiet_from, Worker.quiet_to)


@lru_cache(maxsize=512)
def zone_of(time_zone: str) -> tzinfo:
    """The zone of an IANA name; UTC for the empty name and for one that this machine does not know (any more)."""
    try:
        return ZoneInfo(time_zone) if time_zone else UTC
    except (KeyError, ValueError, OSError):  # OSError: the name of a directory
        return UTC


def local_day(time_zone: str, now: datetime) -> str:
    """The ISO date of `now` in a time zone."""
    return now.astimezone(zone_of(time_zone)).date().isoformat()


def quiet_until(time_zone: str, quiet_from: int | None, quiet_to: int | None, now: datetime) -> datetime | None:
    """When the quiet hours that `now` lies in are over; nothing outside of them.

    By the person's wall clock: an hour that the clock repeats or leaves out is as quiet as its name says. Where the end
    falls into an hour that is left out, the quiet lasts as long as on other days.

    Args:
        quiet_from: minutes after midnight, included; the hours may span midnight.
        quiet_to: minutes after midnight, excluded.
    """
    if quiet_from is None or quiet_to is None or quiet_from == quiet_to:
        return None
    zone = zone_of(time_zone)
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    spans_midnight = quiet_from > quiet_to
    quiet = (minute >= quiet_from or minute < quiet_to) if spans_midnight else quiet_from <= minute < quiet_to
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if spans_midnight and minute >= quiet_from else 0)
    end = datetime.combine(day, time(quiet_to // 60, quiet_to % 60), zone)
    ends = [end.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return next((moment for moment in ends if moment > now), ends[0])


def quiet_now(
    session: Session, people: Select[str, int | None, int | None], now: datetime
) -> dict[QuietHours, datetime]:
    """Which quiet hours run at `now` among some people, with the moment at which each is over.

    Args:
        people: a selection of `QUIET_HOURS`; only the different ones are read, however many people keep them.
    """
    rows = session.execute(people.where(Worker.quiet_from.is_not(None)).distinct()).all()
    ends = {(hours := QuietHours(*row)): quiet_until(*hours, now) for row in rows}
    return {hours: end for hours, end in ends.items() if end is not None}


def awake(quiet: dict[QuietHours, datetime]) -> ColumnElement[bool]:
    """The condition that a `Worker` keeps none of the quiet hours that run, as `quiet_now` found them."""
    if not quiet:
        return true()
    return or_(Worker.quiet_from.is_(None), tuple_(*QUIET_HOURS).not_in(list(quiet)))
