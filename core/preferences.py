"""How people want to be treated: languages, quiet hours, time zone, a daily goal, a pause."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.assignment import ask_once_more, release_leases
from core.errors import InvalidInput
from core.models import Membership, Worker
from core.offers import ask_again

READ_LANGUAGES = ("en", "zh", "es", "de", "fr", "pt", "ru", "ar", "hi", "ja", "ko")
"""Offered to choose from, as codes of ISO 639-1."""
MAX_GOAL = 1000
MINUTES_PER_DAY = 24 * 60
_LANGUAGE = re.compile(r"[a-z]{2}")
_HOURS = re.compile(
    r"(?P<from_hour>\d{1,2})(?::(?P<from_minute>\d{2}))?(?P<from_half>am|pm)?-"
    r"(?P<to_hour>\d{1,2})(?::(?P<to_minute>\d{2}))?(?P<to_half>am|pm)?"
)


def language_of(locale: str) -> str:
    """The language in a platform's locale, as a code of ISO 639-1; empty where it names none."""
    language = re.split("[-_]", locale, maxsplit=1)[0].lower()
    return language if _LANGUAGE.fullmatch(language) else ""


def guess_languages(worker: Worker, locale: str) -> None:
    """Somebody who has not said which languages they read reads that of their platform."""
    if not worker.languages and language_of(locale):
        worker.languages = [language_of(locale)]


def set_reading(session: Session, worker: Worker, language: str, *, reads: bool, now: datetime) -> None:
    """Mark a language as one that the worker reads, or not. With none marked they are asked in any.

    Raises:
        InvalidInput: not a code of a language.
    """
    if not _LANGUAGE.fullmatch(language):
        raise InvalidInput("unknown_button")
    others = [code for code in worker.languages if code != language]
    worker.languages = [*others, language] if reads else others
    _look_for_work(session, worker, now)


def parse_hours(text: str) -> tuple[int, int] | None:
    """Hours in minutes after midnight: "22-8", "22:30–07:00", "10pm - 8am"; nothing where it is not of that kind."""
    match = _HOURS.fullmatch(re.sub(r"\s+", "", text.lower()).translate({0x2013: "-", 0x2014: "-", 0xFF1A: ":"}))
    if match is None:
        return None
    ends = [_minutes(match[f"{end}_hour"], match[f"{end}_minute"], match[f"{end}_half"]) for end in ("from", "to")]
    start, stop = ends
    return None if start is None or stop is None or start == stop else (start, stop)


def _minutes(hour: str, minute: str | None, half: str | None) -> int | None:
    hours, minutes = int(hour), int(minute or 0)
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half == "pm" else 0)
    return (
        (hours * 60 + minutes) % MINUTES_PER_DAY if minutes < 60 and hours * 60 + minutes <= MINUTES_PER_DAY else None
    )


def set_quiet_hours(session: Session, worker: Worker, hours: tuple[int, int] | None, now: datetime) -> None:
    """When the worker hears nothing unasked, in minutes after their midnight; None: they may always be written to.

    Raises:
        InvalidInput: not two different minutes of a day.
    """
    if hours is not None and (hours[0] == hours[1] or not all(0 <= end < MINUTES_PER_DAY for end in hours)):
        raise InvalidInput("unknown_button")
    worker.quiet_from, worker.quiet_to = hours or (None, None)
    _look_for_work(session, worker, now)


def find_zone(text: str) -> str | None:
    """The IANA name that somebody means by "europe/berlin", "Berlin" or "new york"; nothing where there is none."""
    return _zones().get(re.sub(r"\s+", "_", text.strip().lower()))


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    names = sorted(available_timezones())
    cities = {name.rpartition("/")[2].lower(): name for name in names if "/" in name and not name.startswith("Etc/")}
    return cities | {name.lower(): name for name in names}


def set_time_zone(session: Session, worker: Worker, name: str, now: datetime) -> None:
    """By which clock the worker's hours and days are meant.

    Raises:
        InvalidInput: no such zone.
    """
    if name not in available_timezones():
        raise InvalidInput("zone_unknown", text=name[:40])
    worker.time_zone = name
    _look_for_work(session, worker, now)


def set_goal(worker: Worker, answers: int) -> None:
    """How many answers a day the worker sets out to give; 0: none.

    Raises:
        InvalidInput: below 0 or above `MAX_GOAL`.
    """
    if not 0 <= answers <= MAX_GOAL:
        raise InvalidInput("goal_unclear", limit=MAX_GOAL)
    worker.daily_goal = answers


def pause(session: Session, worker_id: int, workspace_id: int, now: datetime) -> None:
    """No more messages from the workspace; what the person holds goes back at once."""
    release_leases(session, worker_id, now, workspace_id)
    _lock_membership(session, worker_id, workspace_id).status = "paused"


def resume(session: Session, worker_id: int, workspace_id: int, now: datetime) -> None:
    """Back again: the person may be asked, in every open job. Nothing changes for who has not paused."""
    membership = _lock_membership(session, worker_id, workspace_id)
    if membership.status != "paused":
        return
    membership.status = "active"
    ask_once_more(session, worker_id, workspace_id)
    ask_again(session, workspace_id, now)


def _lock_membership(session: Session, worker_id: int, workspace_id: int) -> Membership:
    statement = select(Membership).where(Membership.workspace_id == workspace_id, Membership.worker_id == worker_id)
    return session.scalars(statement.with_for_update()).one()


def _look_for_work(session: Session, worker: Worker, now: datetime) -> None:
    """Who hears something again at another time is looked for again."""
    memberships = select(Membership.workspace_id).where(
        Membership.worker_id == worker.id, Membership.status == "active"
    )
    for workspace_id in session.scalars(memberships).all():
        ask_again(session, workspace_id, now)
