"""A person on Telegram who does not give up: they tap again until the bot says what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.texts.catalogues import catalogue
from demo.chat import BUSY, LONG_POLL_SECONDS, Answer, Bubble, Button
from demo.errors import DemoError
from demo.inbox import Inbox
from demo.sentences import read
from demo.telegram_chat import ACCEPTED, TelegramChat
from tests.acceptance.people import GONE, SAVED_BEFORE, UNDONE_BEFORE
from tests.fakes.telegram_server import TelegramServer

PATIENCE_SECONDS = 120.0
AGAIN_SECONDS = 3.0
"""Without a word from the bot for so long, the same is tapped again."""
NEXT_SECONDS = 1.5
KNOWN = [code for code in (*BUSY, SAVED_BEFORE, *GONE, *UNDONE_BEFORE) if code in catalogue("en").codes()]


class Phone:
    """A `demo.chat.Chat` on a chat that may lose everything.

    Only a notice at the button counts as an answer to a tap: a message that changed could have changed for another
    reason, and one that did not may have been changed in vain.
    """

    def __init__(self, server: TelegramServer, user: int, inbox: Inbox) -> None:
        self._server = server
        self._user = user
        self._inbox = inbox
        self._chat = TelegramChat(server, user, inbox)
        self.retries = 0

    async def join(self, code: str, name: str) -> Answer:
        """Follow the link of an invite, and agree."""
        return await self._chat.join(code, name)

    async def tap(self, bubble: Bubble, button: Button) -> Answer:
        """Press a button until it is known what came of it. Raises `DemoError` where that takes too long."""
        deadline, before = time.monotonic() + PATIENCE_SECONDS, self._inbox.revision
        queries: list[str] = []
        while time.monotonic() < deadline:
            update = await self._server.forge(self._user, int(bubble.id), button.payload)
            queries.append(update["callback_query"]["id"])
            notice = await self._inbox.until(lambda: self._notice(queries), AGAIN_SECONDS)
            if notice:
                return await self._told(notice, before)
            self.retries += 1
        raise DemoError("The bot does not answer to a button in Telegram.")

    async def say(self, text: str, *, again: bool = False) -> Answer:
        """Write to the bot; what may be repeated is, until there is an answer."""
        deadline, before = time.monotonic() + PATIENCE_SECONDS, self._inbox.revision
        while time.monotonic() < deadline:
            await self._server.say(self._user, text)
            if bubbles := await self._inbox.until(self._since(before), AGAIN_SECONDS if again else PATIENCE_SECONDS):
                return Answer(bubbles, before + len(bubbles), None, acknowledged=True)
            self.retries += 1
        raise DemoError(f"The bot does not answer to {text} in Telegram.")

    async def upload(self, name: str, content: bytes, caption: str = "") -> Answer:
        """Send a document."""
        return await self._chat.upload(name, content, caption)

    async def news(self, after: int, seconds: float = LONG_POLL_SECONDS) -> tuple[list[Bubble], int]:
        """States of messages newer than `after`."""
        return await self._chat.news(after, seconds)

    async def download(self, address: str) -> bytes:
        """A file that the bot has sent."""
        return await self._chat.download(address)

    async def _told(self, notice: str, before: int) -> Answer:
        refused = next((code for code in KNOWN if read(code, notice) is not None), notice)
        if any(read(code, notice) is not None for code in ACCEPTED):
            bubbles = await self._inbox.until(self._since(before), NEXT_SECONDS) or ()
            return Answer(bubbles, before + len(bubbles), None, acknowledged=True)
        bubbles = self._inbox.since(before)
        return Answer(bubbles, before + len(bubbles), refused, acknowledged=False)

    def _since(self, before: int) -> Callable[[], tuple[Bubble, ...] | None]:
        return lambda: self._inbox.since(before) or None

    def _notice(self, queries: list[str]) -> str | None:
        """The last word about a tap; "one moment" says nothing of what came of it."""
        said = (text for query, text in reversed(self._inbox.notices) if query in queries and text)
        return next((text for text in said if read("one_moment", text) is None), None)
