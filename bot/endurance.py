"""What people do while the database is away is kept, and done once when it is back; the surface says "one moment"."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.db.away import is_away
from core.db.writer import Overloaded
from core.errors import Conflict
from core.log import get_logger

SECONDS = 60.0
"""So long the database may be away before somebody is told that nothing was saved."""
AT_ONCE = 1000
"""More events than this do not wait: whoever comes then is told at once to try again."""
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.1, 3.0

T = TypeVar("T")

log = get_logger(__name__)


class Endurance:
    """Begins work again, with back-off and jitter, until the database is there."""

    def __init__(
        self,
        seconds: float = SECONDS,
        at_once: int = AT_ONCE,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._at_once = at_once
        self._pause = pause
        self._clock = clock
        self._waiting = 0

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of `attempt`, which changes nothing where it fails.

        Raises:
            Conflict: `database_away`, it has not come back in time.
            Overloaded: too many wait already.
        """
        began, longest = self._clock(), FIRST_PAUSE_SECONDS
        while True:
            try:
                return await attempt()
            except Exception as error:
                if not is_away(error):
                    raise
                if self._clock() - began >= self._seconds:
                    log.exception("database_away", seconds=round(self._clock() - began, 1))
                    raise Conflict("database_away") from error
                if self._waiting >= self._at_once:
                    raise Overloaded from error
                if not self._waiting and longest == FIRST_PAUSE_SECONDS:  # else each attempt of each event would say so
                    log.warning("database_waited_for", error=type(error).__name__)
            await self._rest(longest)
            longest = min(longest * 2, LAST_PAUSE_SECONDS)

    async def _rest(self, longest: float) -> None:
        self._waiting += 1
        try:
            await self._pause(random.uniform(0.5, 1.0) * longest)  # noqa: S311 (jitter needs no cryptography)
        finally:
            self._waiting -= 1
