"""What the surfaces of foreign platforms share: order per person, patience with a busy platform, and back-off."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from bot.surface import RetryLater
from core.log import get_logger

T = TypeVar("T")
Work = Callable[[], Awaitable[None]]
FINISH_SECONDS = 2.0
"""How long what runs may go on where everything is to end: long enough for a commit and a call."""

log = get_logger(__name__)
_random = random.SystemRandom()


class Lanes:
    """Work of one key runs in the order it was started; work of different keys runs at once.

    Args:
        finish_seconds: how long what runs may go on after `close` was called.
    """

    def __init__(self, finish_seconds: float = FINISH_SECONDS) -> None:
        self._finish_seconds = finish_seconds
        self._last: dict[str, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()

    def start(self, key: str, work: Work) -> asyncio.Task[None]:
        """Run `work` after everything that was started under `key` before. Its errors are logged, not raised."""
        running = asyncio.create_task(self._run(self._last.get(key), work))
        self._last[key] = running
        self._running.add(running)
        running.add_done_callback(lambda done: self._forget(key, done))
        return running

    async def close(self) -> None:
        """Let what is running come to its end, for a short while; cancel the rest, and wait until that has ended."""
        if self._running:
            await asyncio.wait(self._running, timeout=self._finish_seconds)
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, previous: asyncio.Task[None] | None, work: Work) -> None:
        if previous is not None:
            await asyncio.wait([previous])
        try:
            await work()
        except Exception as error:
            log.error("surface.work_failed", error=type(error).__name__, exc_info=True)

    def _forget(self, key: str, done: asyncio.Task[None]) -> None:
        self._running.discard(done)
        if self._last.get(key) is done:
            del self._last[key]


async def to_its_end(work: Coroutine[Any, Any, T], seconds: float = FINISH_SECONDS) -> T:
    """Await `work`; where the one who awaits is cancelled, `work` is given so many seconds to end before it is too."""
    working = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working}, timeout=seconds)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        raise


async def patiently(send: Callable[[], Awaitable[T]], tries: int = 3, longest: float = 30.0) -> T:
    """Call `send`, and again after each pause that the platform asks for.

    Args:
        send: what may raise `RetryLater`.
        tries: calls in all.
        longest: a pause above this many seconds is not waited for.

    Raises:
        RetryLater: still busy after the last try, or for longer than `longest`.
    """
    for _ in range(tries - 1):
        try:
            return await send()
        except RetryLater as busy:
            if busy.seconds > longest:
                raise
            await asyncio.sleep(busy.seconds)
    return await send()


def back_off(failures: int, first: float = 1.0, longest: float = 30.0) -> float:
    """Seconds to wait after the given number of failures in a row: doubling, capped, with jitter of half.

    The jitter keeps several processes that lost the same server from coming back in the same moment.
    """
    full: float = min(longest, first * 2.0 ** min(failures - 1, 20))
    return full * _random.uniform(0.5, 1.0)
