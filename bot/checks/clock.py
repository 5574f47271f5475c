"""This machine's clock beside that of a platform."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from core.clock import now
from core.findings import Finding, ok, warning

MOST_SKEW_SECONDS = 60.0
"""Slack refuses to be believed after 5 minutes; deadlines and quiet hours are off long before that is noticed."""


def compare(platform: str, theirs: datetime | None) -> Iterator[Finding]:
    """Nothing where the platform did not say what time it is."""
    if theirs is None:
        return
    skew = abs((theirs - now()).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        says = f"This machine and {platform} differ by {skew:.0f} s."
        yield warning("clock", says, "Set the clock by NTP (chrony or systemd-timesyncd).")
    else:
        yield ok("clock", f"within {max(1.0, skew):.0f} s of {platform}")
