"""An aiohttp server on a free port of loopback, on whose state a test can wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

from tests.waiting import PATIENCE_SECONDS


class Loopback:
    """Start and stop it inside a test's event loop."""

    url: str = ""
    _runner: web.AppRunner | None = None

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self.on_seen: Callable[[str, dict[str, Any]], None] = lambda _who, _what: None
        """Called with the id of who sees something new: a message as it is now, or a passing notice, by its text."""

    async def serve(self, app: web.Application) -> None:
        """Listen; `url` then says where."""
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0][:2])

    async def stop(self) -> None:
        """Stop listening and drop all connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def until(self, ready: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until something that the bot or a person did makes `ready` true."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(ready)

    async def notify(self) -> None:
        """Tell those who wait that the state has changed."""
        async with self._changed:
            self._changed.notify_all()
