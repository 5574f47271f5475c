"""When Telegram says 429.

https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this: "avoid sending more than one message
per second. We may allow short bursts that go over this limit, but eventually you'll begin receiving 429 errors"; "bots
are not able to send more than 20 messages per minute" in a group; "the API will not allow more than 30 messages per
second or so". Edits share these limits (tdlib/td#2592, tdlib/td#3034); answerCallbackQuery has none
(tdlib/telegram-bot-api#648). How long a short burst is, nobody says: three messages here.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from tests.fakes.telegram_spec import ApiError

COUNTED = ("sendMessage", "sendDocument", "sendPhoto", "editMessageText")
ALL_PER_SECOND = 30
CHAT_BURST = 3
GROUP_PER_MINUTE = 20


class Floods:
    """Counts what one bot sends. A refused call does not count.

    Args:
        speed: how many times faster than Telegram's its seconds go by, so that a test need not last as long.
    """

    def __init__(self, speed: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._speed = speed
        self._all: deque[float] = deque()
        self._chats: dict[int, float] = {}
        self._groups: dict[int, deque[float]] = {}

    def check(self, method: str, chat_id: object) -> None:
        """Count a call. Raises `ApiError` where it comes too soon."""
        if method not in COUNTED or not isinstance(chat_id, int):
            return
        now = self._clock() * self._speed
        self._within(self._all, ALL_PER_SECOND, 1.0, now)
        if chat_id < 0:
            sent = self._groups.setdefault(chat_id, deque())
            self._within(sent, GROUP_PER_MINUTE, 60.0, now)
            sent.append(now)
        else:
            empty_at = max(now, self._chats.get(chat_id, now))
            if empty_at - now > CHAT_BURST - 1:
                self._refuse(empty_at - now - (CHAT_BURST - 1))
            self._chats[chat_id] = empty_at + 1.0
        self._all.append(now)

    def _within(self, sent: deque[float], limit: int, seconds: float, now: float) -> None:
        while sent and sent[0] <= now - seconds:
            sent.popleft()
        if len(sent) >= limit:
            self._refuse(sent[0] + seconds - now)

    def _refuse(self, seconds: float) -> None:
        whole = max(1, math.ceil(seconds / self._speed))
        raise ApiError(429, f"Too Many Requests: retry after {whole}", whole)
