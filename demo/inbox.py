"""What one person has got to see on a chat platform, in the order in which it came."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from bot.texts.catalogues import catalogue
from demo.chat import BUSY, Bubble
from demo.sentences import read

T = TypeVar("T")


class Inbox:
    """Every state of every message; the revision is how many there have been."""

    def __init__(self) -> None:
        self.bubbles: list[Bubble] = []
        self.notices: list[tuple[str, str]] = []
        """Passing notices: what they belong to, and their text."""
        self._bell = asyncio.Event()

    @property
    def revision(self) -> int:
        """Of the newest state."""
        return len(self.bubbles)

    def take(self, bubble: Bubble) -> None:
        """A message has come, or looks different now."""
        self.bubbles.append(bubble)
        self._bell.set()

    def notice(self, subject: str, text: str) -> None:
        """A notice flashes up."""
        self.notices.append((subject, text))
        self._bell.set()

    def since(self, revision: int) -> tuple[Bubble, ...]:
        """What is newer than `revision`."""
        return tuple(self.bubbles[revision:])

    async def until(self, look: Callable[[], T | None], seconds: float) -> T | None:
        """What `look` finds, as soon as it finds something; None after so many seconds. One waits at a time."""
        deadline = time.monotonic() + seconds
        while (found := look()) is None and (left := deadline - time.monotonic()) > 0:
            self._bell.clear()
            try:
                async with asyncio.timeout(left):
                    await self._bell.wait()
            except TimeoutError:
                return look()
        return found


def reason(text: str) -> str:
    """Why something was refused, where the bot said `text`: a code of `BUSY`, else the text itself."""
    known = catalogue("en").codes()
    return next((code for code in BUSY if code in known and read(code, text) is not None), text)


def is_card(texts: tuple[str, ...]) -> bool:
    """Whether a message with buttons of these captions asks about an item: it can be skipped, or left for later."""
    return any(read(code, text) is not None for text in texts for code in ("button_hard", "button_later"))
