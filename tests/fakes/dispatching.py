"""A dispatch that answers with a script and remembers what it was asked: for tests of surfaces."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.surface import Event, Outcome, Uploaded
from tests.waiting import PATIENCE_SECONDS

Answer = Outcome | Exception | Callable[[Event], Awaitable[Outcome]]


class ScriptedDispatch:
    """Call number n gets answer number n, then an empty outcome.

    An answer may be an outcome, an exception to raise, or a coroutine function to await.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.events: list[Event] = []
        self.contents: list[bytes] = []
        self._changed = asyncio.Condition()

    async def __call__(self, event: Event) -> Outcome:
        answer = self.answers.pop(0) if self.answers else Outcome()
        if isinstance(event, Uploaded):
            self.contents.append(Path(event.path).read_bytes())
        async with self._changed:
            self.events.append(event)
            self._changed.notify_all()
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Outcome) else await answer(event)

    async def until(self, ready: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until an event makes `ready` true."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(ready)
