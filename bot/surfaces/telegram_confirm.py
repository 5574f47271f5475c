"""How far the updates of a token are dealt with, stored behind the polls instead of between them.

What confirms an update to Telegram is the next poll: it forgets whatever lies before the offset that it is asked for.
The stored offset only tells a process that starts where to go on, and an old one is no harm to it: Telegram has
forgotten what lies between. Where a process dies with its last poll still on the way, what was dealt with since the
last store comes again, as it always could between a commit and the next poll, and is known by its ids.
"""

from __future__ import annotations

import asyncio

from bot.surface import Offsets
from bot.surfaces.lanes import FINISH_SECONDS
from core.log import get_logger

PAUSE_SECONDS = 1.0
"""Offsets are stored no more often than this: each store is a commit that taps would have to wait for."""

log = get_logger(__name__)


class Confirmation:
    """The offset under one fence, from the first one that is noted until `close`."""

    def __init__(self, offsets: Offsets, fence: int, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._offsets = offsets
        self._fence = fence
        self._pause_seconds = pause_seconds
        self._newest: int | None = None
        self._stored: int | None = None
        self._storing: asyncio.Task[bool] | None = None

    async def note(self, offset: int) -> bool:
        """Everything before `offset` is dealt with; false where somebody with a higher fence has stored an offset.

        The first one is stored at once, so that a reader that was replaced confirms nothing. Raises what storing has
        raised since the last call.
        """
        self._newest = offset
        if self._storing is None:
            if not await self._store():
                return False
            self._storing = asyncio.create_task(self._store_behind())
        return self._storing.result() if self._storing.done() else True

    async def close(self) -> None:
        """Store what is not stored yet, in a short while; where that cannot be, log it and raise nothing."""
        if self._storing is None:
            return
        ended = self._storing.done()
        self._storing.cancel()
        await asyncio.gather(self._storing, return_exceptions=True)
        if not ended and self._newest != self._stored:
            try:
                async with asyncio.timeout(FINISH_SECONDS):
                    await self._store()
            except Exception as error:  # what ended the reader is on its way already, and an old offset does no harm
                log.warning("telegram.offset_not_stored", error=type(error).__name__)

    async def _store_behind(self) -> bool:
        """Ends, with false, where another reader has stored something."""
        while True:
            await asyncio.sleep(self._pause_seconds)
            if self._newest != self._stored and not await self._store():
                return False

    async def _store(self) -> bool:
        assert self._newest is not None  # noqa: S101 - noted before
        offset = self._newest
        kept = await self._offsets.store(offset, self._fence)
        self._stored = offset
        return kept
