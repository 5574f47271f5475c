"""What tests of the Telegram and Slack surfaces share: a card, offsets in memory, and a surface at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from bot.surface import Button, Dispatch, Event, Message, Outcome, Part


class Runs(Protocol):
    """A surface, as far as `running` needs it."""

    async def run(self, dispatch: Dispatch) -> None:
        """Work until cancelled."""


class Memory:
    """Offsets in memory: what a database keeps over a restart."""

    def __init__(self) -> None:
        self.offset = 0
        self.stored: list[int] = []

    async def load(self) -> int:
        """The last one stored."""
        return self.offset

    async def store(self, offset: int, fence: int = 0) -> bool:
        """Remember it, and that it was stored."""
        self.offset = offset
        self.stored.append(offset)
        return True


def card(text: str) -> Message:
    """An item with two labels."""
    row = (Button("Rain", f"tap.{text}.1.0"), Button("Sun", f"tap.{text}.2.0"))
    return Message(kind="card", heading="Weather?", parts=(Part("text", text),), footer="1 of 3", buttons=(row,))


@asynccontextmanager
async def running(surface: Runs, dispatch: Callable[[Event], Awaitable[Outcome]]) -> AsyncIterator[asyncio.Task[None]]:
    """The surface at work; cancelled at the end, as a killed process would be."""
    work = asyncio.create_task(surface.run(dispatch))
    try:
        yield work
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
