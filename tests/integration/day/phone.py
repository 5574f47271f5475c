"""One person before one chat: what they do, and what they see. The same words for every platform."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Bubble:
    """A message as it stands now. key: the id on its platform; buttons: (text, payload); files: their names."""

    key: str
    text: str
    buttons: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()


class Phone(ABC):
    """Everything since the last act is news; `sees` waits until the news says what it should."""

    door = "not a member yet"
    """What somebody reads who has not joined."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.shown_as = name
        """What the platform tells the bot that they are called."""
        self.transcript: list[str] = []
        self._known: dict[str, Bubble] = {}
        self._order: list[str] = []
        """Keys of messages, those changed last at the end."""
        self._fresh: list[str] = []

    # --- what a platform has to provide ---

    @abstractmethod
    async def bubbles(self) -> list[Bubble]:
        """All messages of the bot, as they stand, oldest first; notices that go away are messages too."""

    @abstractmethod
    async def _say(self, text: str) -> None:
        """Text or a command."""

    @abstractmethod
    async def _tap(self, key: str, payload: str) -> None:
        """A button."""

    @abstractmethod
    async def _upload(self, name: str, content: bytes, caption: str) -> None:
        """A file."""

    @abstractmethod
    async def file(self, name: str) -> bytes:
        """The content of a file that the bot has sent."""

    # --- what a script says ---

    async def says(self, text: str) -> None:
        """Type something, or a command with a slash."""
        await self._begin(f"> {text}")
        await self._say(text)

    async def taps(self, text: str) -> None:
        """Press the button whose text begins with `text`, on the message that changed last and has it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := self._button(text)) is None:
            assert time.monotonic() < deadline, f"{self.name}: no button {text!r}\n" + "\n".join(self.transcript)
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()
        await self._begin(f"> [{text}]")
        await self._tap(*found)

    async def uploads(self, name: str, content: str, caption: str = "") -> None:
        """Share a file."""
        await self._begin(f"> {name} {caption}")
        await self._upload(name, content.encode(), caption)

    async def sees(self, *texts: str) -> str:
        """Wait until what has come since the last act contains all `texts`; returns it."""
        return await self._until(lambda news: all(text in news for text in texts), texts)

    async def sees_one_of(self, *texts: str) -> str:
        """Wait until what has come since the last act contains one of `texts`; returns it."""
        return await self._until(lambda news: any(text in news for text in texts), texts)

    async def _until(self, right: Callable[[str], bool], texts: tuple[str, ...]) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            await self._look()
            news = self.news()
            if right(news):
                self.transcript.append(news)
                return news
            assert time.monotonic() < deadline, (
                f"{self.name} does not see {texts}, but:\n{news}\n--- before:\n" + "\n".join(self.transcript)
            )
            await asyncio.sleep(LOOK_SECONDS)

    def news(self) -> str:
        """Texts and buttons of what has come or changed since the last act."""
        return "\n".join(_readable(self._known[key]) for key in self._order if key in self._fresh)

    def buttons(self) -> list[str]:
        """Texts of the buttons of the message that changed last."""
        return [text for text, _ in self._known[self._order[-1]].buttons] if self._order else []

    async def _begin(self, act: str) -> None:
        await self._look()
        self.transcript.append(act)
        self._fresh = []

    async def _look(self) -> None:
        for bubble in await self.bubbles():
            if self._known.get(bubble.key) == bubble:
                continue
            self._known[bubble.key] = bubble
            if bubble.key in self._order:
                self._order.remove(bubble.key)
            self._order.append(bubble.key)
            self._fresh.append(bubble.key)

    def _button(self, text: str) -> tuple[str, str] | None:
        for key in reversed(self._order):
            for shown, payload in self._known[key].buttons:
                if shown.startswith(text):
                    return key, payload
        return None


def _readable(bubble: Bubble) -> str:
    buttons = " ".join(f"[{text}]" for text, _ in bubble.buttons)
    files = " ".join(f"<{name}>" for name in bubble.files)
    return "\n".join(piece for piece in (bubble.text, files, buttons) if piece)
