"""One person's chat as the people of the demo use it, on whichever surface it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from demo.sentences import is_button

BUSY = ("overloaded", "unexpected", "late", "database_away")
"""Refusals after which the same is said again."""
LONG_POLL_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a bubble."""

    text: str
    payload: str


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message. item: text of the item that it asks about; file: name and address of its attachment."""

    id: str
    author: str
    kind: str
    item: str
    text: str
    buttons: tuple[Button, ...]
    file: tuple[str, str] | None

    def named(self, *codes: str) -> Button | None:
        """Its first button that is one of the catalogue's `codes`."""
        return next((one for one in self.buttons if any(is_button(code, one.text) for code in codes)), None)

    def answering(self, label: str) -> Button | None:
        """Its button for `label`: the one that says it, or the one with the number that the text gives it."""
        listed = re.search(rf"^(\d+)\. {re.escape(label)}$", self.text, re.MULTILINE)
        number = f"{listed[1]} · " if listed else None
        return next(
            (one for one in self.buttons if one.text == label or (number and one.text.startswith(number))), None
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an act. acknowledged: it is saved; refused: the reason why it is not."""

    bubbles: tuple[Bubble, ...]
    revision: int
    refused: str | None
    acknowledged: bool

    def last(self) -> Bubble | None:
        """The newest bubble that the bot wrote or replaced."""
        return next((bubble for bubble in reversed(self.bubbles) if bubble.author == "bot"), None)


class Chat(Protocol):
    """A session of one person.

    Every method raises `DemoError` where the bot stays silent for longer than the chat has patience.
    """

    retries: int
    """How often something had to be said again because the server was away."""

    async def join(self, code: str, name: str) -> Answer:
        """Redeem an invite, given as a code or in a text that holds it, and agree to what is stored."""
        ...

    async def tap(self, bubble: Bubble, button: Button) -> Answer:
        """Press a button, and wait for what comes of it."""
        ...

    async def say(self, text: str, *, again: bool = False) -> Answer:
        """Say something. again: saying it twice does no harm."""
        ...

    async def upload(self, name: str, content: bytes, caption: str = "") -> Answer:
        """Hand in a CSV file."""
        ...

    async def news(self, after: int, seconds: float = LONG_POLL_SECONDS) -> tuple[list[Bubble], int]:
        """Messages newer than revision `after`, as soon as there are any, and the newest revision."""
        ...

    async def download(self, address: str) -> bytes:
        """The content of an attachment."""
        ...


Chats = Callable[[], Chat]
"""Opens the chat of one more person."""
