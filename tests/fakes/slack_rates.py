"""Slack's documented rates: a call above them is refused with 429 and Retry-After."""

from __future__ import annotations

import math
from collections import defaultdict, deque

from tests.fakes.slack_error import SlackError

WINDOW_SECONDS = 60.0
"""https://docs.slack.dev/apis/web-api/rate-limits: "Rate limit windows are per minute"; tier 3 "50+ per minute", tier 4
"100+ per minute"; "chat.postMessage generally allows posting one message per second per channel". The fake refuses at
the first call above, and allows to a channel the short burst of two that the page speaks of.
"""
TIER_3, TIER_4 = 50, 100
TIERS = {
    # The facts of each method's page, https://docs.slack.dev/reference/methods/<method>.
    "chat.update": TIER_3,
    "conversations.open": TIER_3,
    "chat.postEphemeral": TIER_4,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "users.info": TIER_4,
    "views.open": TIER_4,
}
BURST = 2


class Rates:
    """Counts calls by method and posts by channel."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[float]] = defaultdict(deque)
        self._posts: dict[str, tuple[float, float]] = {}

    def count(self, method: str, channel: str, now: float) -> None:
        """Raises `SlackError` where this is one call too many."""
        if method == "chat.postMessage":
            self._count_post(channel, now)
        elif method in TIERS:
            calls = self._calls[method]
            while calls and calls[0] <= now - WINDOW_SECONDS:
                calls.popleft()
            if len(calls) >= TIERS[method]:
                raise _refused(calls[0] + WINDOW_SECONDS - now)
            calls.append(now)

    def _count_post(self, channel: str, now: float) -> None:
        left, since = self._posts.get(channel, (float(BURST), now))
        left = min(float(BURST), left + now - since)
        if left < 1.0:
            raise _refused(1.0 - left)
        self._posts[channel] = (left - 1.0, now)


def _refused(seconds: float) -> SlackError:
    return SlackError("ratelimited", 429, max(1, math.ceil(seconds)))
