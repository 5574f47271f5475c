"""Calling Telegram until it answers: broken networks, floods, and tokens that are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from telegram.error import Conflict, InvalidToken, TelegramError

from bot.surfaces.lanes import back_off
from bot.surfaces.telegram_client import TelegramClient
from bot.surfaces.telegram_transport import TooManyRequests
from core.errors import SettingsError
from core.log import get_logger

T = TypeVar("T")
CONFLICT_PAUSE = 3.0
"""Seconds at most before polling again after a 409: the long poll of a reader that was killed ends soon."""
WEBHOOK_ACTIVE = "webhook"
"""What the text of a 409 names where a webhook stands in the way of polling."""

log = get_logger(__name__)


class Insistence:
    """Repeats a call with growing pauses. A token that is refused from the start is no use repeating."""

    def __init__(self, client: TelegramClient, first_pause: float) -> None:
        self._client = client
        self._first_pause = first_pause
        self._accepted = False

    async def __call__(self, call: Callable[[], Awaitable[T]], event: str) -> T:
        """The answer to `call`, made again after each failure, which is logged as `event`.

        Raises:
            SettingsError: Telegram refuses the token from the start. Later that is waited out like a broken network.
        """
        failures = 0
        while True:
            try:
                answer = await call()
                self._accepted = True
                return answer
            except InvalidToken as error:
                if not self._accepted:
                    raise SettingsError("TELEGRAM_BOT_TOKEN is refused by Telegram: check it.") from None
                failure: Exception = error
            except (TelegramError, TimeoutError) as error:
                failure = error
            failures += 1
            pause = self._pause(failures, failure)
            named = self._client.named(failure)
            log.warning(event, error=named, failures=failures, retry_in=round(pause, 2))
            await asyncio.sleep(pause)

    def _pause(self, failures: int, error: Exception) -> float:
        longest = CONFLICT_PAUSE if isinstance(error, Conflict) else 30.0
        pause = back_off(failures, self._first_pause, longest)
        return max(pause, error.seconds) if isinstance(error, TooManyRequests) else pause
