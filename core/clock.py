"""The one source of time. UTC everywhere; services take `now` as a parameter and never ask SQL."""

from __future__ import annotations

from datetime import UTC, datetime

BUCKET_SECONDS = 10


def now() -> datetime:
    """The present moment, timezone-aware in UTC."""
    return datetime.now(UTC)


def bucket(moment: datetime, seconds: int = BUCKET_SECONDS) -> int:
    """The number of the bucket of `seconds` in which `moment` lies, counted from the Unix epoch."""
    return int(moment.timestamp()) // seconds


def bucket_end(number: int, seconds: int = BUCKET_SECONDS) -> datetime:
    """The first moment after bucket `number`."""
    return datetime.fromtimestamp((number + 1) * seconds, UTC)
