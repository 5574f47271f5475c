"""How often Slack takes which call: https://docs.slack.dev/apis/web-api/rate-limits, counted per app and workspace.

A method of tier 3 may be called 50 times a minute, one of tier 4 100 times. A bucket that fills at 40 a minute and
holds 10 never lets more than 50 through in any minute; likewise 80 and 20.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.surface import Rate
from core.lanes import Lane

TIER_3 = (40 / 60, 10.0)
TIER_4 = (80 / 60, 20.0)
TIERS = {
    "chat.update": TIER_3,
    "conversations.open": TIER_3,
    "chat.postEphemeral": TIER_4,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "users.info": TIER_4,
    "views.open": TIER_4,
}
"""Tiers as the pages https://docs.slack.dev/reference/methods/<method> name them."""
POSTS = Rate("chat.postMessage", 4.0, 20.0, shared=True)
"""The workspace's limit of chat.postMessage is not named; several hundred a minute have been allowed."""


def rate_of(method: str) -> Rate:
    """The rate of a method of a tier."""
    per_second, burst = TIERS[method]
    return Rate(method, per_second, burst, shared=True)


def rates_of_posting(channel: str) -> tuple[Rate, Rate]:
    """One message a second to a channel, within the workspace's limit. Bursts may be lost unseen, so there are none."""
    return Rate(f"chat.postMessage:{channel}", 1.0), POSTS


class Unlimited:
    """A `Limiter` that never waits: for tests, and where nothing else sends."""

    async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
        """At once."""

    async def close(self, rate: Rate, seconds: float) -> None:
        """Forgotten."""
