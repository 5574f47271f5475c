"""Lets everybody work, or holds them all between two cards, so that nothing is under way while rows are compared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Gate:
    """Belongs to one event loop."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._inside = 0
        self._held = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Deal with one card; waits while all are held."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._held)
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @asynccontextmanager
    async def held(self, seconds: float) -> AsyncIterator[None]:
        """Hold everybody, once what they are at is done.

        Raises:
            TimeoutError: it is not done within `seconds`.
        """
        self._held = True
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: not self._inside)
            yield
        finally:
            self._held = False
            async with self._changed:
                self._changed.notify_all()
