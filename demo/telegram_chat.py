"""Telegram as the people of the demo use it: through the project's own strict imitation of the Bot API."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from demo.chat import BUSY, LONG_POLL_SECONDS, Answer, Bubble, Button
from demo.errors import DemoError
from demo.inbox import Inbox, is_card, reason
from demo.processes import Up
from demo.sentences import read

CODE = re.compile(r"(?<![a-z2-7])[a-z2-7]{16}(?![a-z2-7])")
TOKEN = "42:demo"  # noqa: S105 - of a server that exists as long as the demo
BOT_NAME = "lightwork_bot"
PATIENCE_SECONDS = 60.0
STILL_SECONDS = 4.0
"""Where a button was answered without a word and nothing moves for so long, the message shows already what is true."""
ACCEPTED = ("answered", "skipped", "undone", "agreed", "settled", "settle_put_later")
"""Notices at a button that acknowledge; any other tells why nothing was saved."""


class TelegramPlatform:
    """A Bot API server on loopback with Telegram's limits, and the phones of the people."""

    name = "Telegram"
    seats = 24
    """Each chat takes a message a second, all of them together 30."""
    stage_seconds = 1200.0

    def __init__(self) -> None:
        # Only a checkout has the demo, so its tests are there too; nothing else needs them.
        from tests.fakes.telegram_floods import Floods
        from tests.fakes.telegram_server import TelegramServer

        self.server = TelegramServer(TOKEN, limits=Floods())
        self.server.on_seen = self._seen
        self._ids = itertools.count(1000)
        self._inboxes: dict[str, Inbox] = {}

    async def start(self) -> Mapping[str, str]:
        """Listen; returns the settings by which Lightwork finds the server."""
        await self.server.start()
        return {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_BOT_NAME": BOT_NAME,
            "TELEGRAM_API_URL": self.server.url,
        }

    def reached(self, up: Up) -> None:
        """People wait for nothing more."""

    def chat(self) -> TelegramChat:
        """The phone of one more person."""
        user = next(self._ids)
        inbox = self._inboxes[str(user)] = Inbox()
        return TelegramChat(self.server, user, inbox)

    async def stop(self) -> None:
        """Stop listening."""
        await self.server.stop()

    def _seen(self, user: str, what: dict[str, Any]) -> None:
        inbox = self._inboxes.get(user)
        if inbox is None:
            return
        if query := what.get("callback_query_id"):
            inbox.notice(query, what["text"])
        else:
            inbox.take(bubble_of(what))


class TelegramChat:
    """One person's chat with the bot. Raises `DemoError` where the bot stays silent for longer than `patience`."""

    def __init__(self, server: Any, user: int, inbox: Inbox, patience: float = PATIENCE_SECONDS) -> None:
        self._server = server
        self._user = user
        self._inbox = inbox
        self._patience = patience
        self.retries = 0

    async def join(self, code: str, name: str) -> Answer:
        """Follow the link of an invite, and agree."""
        self._server.names[self._user] = name
        found = CODE.search(code)
        answer = await self.say(f"/start {found[0] if found else code}")
        bubble = answer.last()
        agree = None if bubble is None else bubble.named("button_agree")
        return answer if bubble is None or agree is None else await self.tap(bubble, agree)

    async def tap(self, bubble: Bubble, button: Button) -> Answer:
        """Press a button; what counts is what the notice says, and what becomes of the message."""
        before = self._inbox.revision
        update = await self._server.forge(self._user, int(bubble.id), button.payload)
        query = update["callback_query"]["id"]
        answer = await self._inbox.until(lambda: self._after_tap(query, bubble, before, silence=True), self._patience)
        if answer is None:
            raise DemoError("The bot does not answer to a button in Telegram.")
        if answer.bubbles or not answer.acknowledged:
            return answer
        seconds = self._patience if self._notice(query) else STILL_SECONDS
        return await self._inbox.until(lambda: self._after_tap(query, bubble, before), seconds) or answer

    async def say(self, text: str, *, again: bool = False) -> Answer:  # noqa: ARG002 - nothing is lost here
        """Write to the bot."""
        return await self._told(text, self._server.say(self._user, text))

    async def upload(self, name: str, content: bytes, caption: str = "") -> Answer:
        """Send a document."""
        return await self._told(name, self._server.upload(self._user, name, content, caption))

    async def news(self, after: int, seconds: float = LONG_POLL_SECONDS) -> tuple[list[Bubble], int]:
        """States of messages newer than `after`."""
        await self._inbox.until(lambda: self._inbox.since(after) or None, seconds)
        return list(self._inbox.since(after)), self._inbox.revision

    async def download(self, address: str) -> bytes:
        """A file that the bot has sent."""
        content: bytes = self._server.files[address].content
        return content

    async def _told(self, what: str, saying: Any) -> Answer:
        before = self._inbox.revision
        await saying
        bubbles = await self._inbox.until(lambda: self._inbox.since(before) or None, self._patience)
        if bubbles is None:
            raise DemoError(f"The bot does not answer to {what} in Telegram.")
        return Answer(bubbles, before + len(bubbles), None, acknowledged=True)

    def _after_tap(self, query: str, tapped: Bubble, before: int, *, silence: bool = False) -> Answer | None:
        """What came of a tap, once the message looks different; with `silence` once the button is answered."""
        notice, new = self._notice(query), self._inbox.since(before)
        if notice and read("one_moment", notice) is not None:  # the rest comes as a message
            notice = next((bubble.text for bubble in new if reason(bubble.text) in BUSY), None)
        if notice and not _accepts(notice):
            return Answer(new, before + len(new), reason(notice), acknowledged=False)
        changed = any(bubble.id == tapped.id and bubble != tapped for bubble in new)
        if changed or (notice is not None and (new or silence)):
            return Answer(new, before + len(new), None, acknowledged=True)
        return None

    def _notice(self, query: str) -> str | None:
        return next((text for subject, text in reversed(self._inbox.notices) if subject == query), None)


def _accepts(notice: str) -> bool:
    return not notice or any(read(code, notice) is not None for code in ACCEPTED)


def bubble_of(message: Mapping[str, Any]) -> Bubble:
    """A message of the bot; its bold heading is left out of the text."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    buttons = tuple(Button(one["text"], one["callback_data"]) for row in rows for one in row)
    text = message.get("text", message.get("caption", ""))
    if message.get("entities"):
        text = text.partition("\n\n")[2]
    card = is_card(tuple(button.text for button in buttons))
    document = message.get("document")
    return Bubble(
        id=str(message["message_id"]),
        author="bot",
        kind="card" if card else "text",
        item=text.partition("\n\n")[0] if card else "",
        text=text,
        buttons=buttons,
        file=(document["file_name"], document["file_id"]) if document else None,
    )
