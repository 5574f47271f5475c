"""Slack as the people of the demo use it: through the project's own strict imitation of a workspace."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Mapping
from typing import Any

from demo.chat import LONG_POLL_SECONDS, Answer, Bubble, Button
from demo.errors import DemoError
from demo.inbox import Inbox, is_card, reason
from demo.processes import Up
from demo.telegram_chat import CODE, PATIENCE_SECONDS

BOT_TOKEN, APP_TOKEN = "xoxb-demo", "xapp-demo"
COMMAND = "/lightwork"
MENTION = re.compile(rf"{COMMAND} ([a-z_]+)")
WORD_JOINER = "\u2060"
"""Stands in comments beside files, so that Slack reads no markup there."""


class SlackPlatform:
    """A workspace on loopback with Slack's rates, and its members."""

    name = "Slack"
    seats = 12
    stage_seconds = 600.0

    def __init__(self) -> None:
        # Only a checkout has the demo, so its tests are there too; nothing else needs them.
        from tests.fakes.slack_server import SlackServer

        self.server = SlackServer(BOT_TOKEN, APP_TOKEN, limits=True)
        self.server.on_seen = self._seen
        self._inboxes: dict[str, Inbox] = {}

    async def start(self) -> Mapping[str, str]:
        """Listen; returns the settings by which Lightwork finds the server."""
        await self.server.start()
        return {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": self.server.api_url}

    def reached(self, up: Up) -> None:
        """People wait for nothing more."""

    def chat(self) -> SlackChat:
        """The chat of one more member."""
        return SlackChat(self.server, self._inboxes)

    async def stop(self) -> None:
        """Stop listening."""
        await self.server.stop()

    def _seen(self, user: str, what: dict[str, Any]) -> None:
        inbox = self._inboxes.get(user)
        if inbox is None:
            return
        if "ts" in what:
            inbox.take(bubble_of(what))
        else:
            inbox.notice("", html.unescape(what["text"]))


class SlackChat:
    """One member's direct messages with the app. Raises `DemoError` where it stays silent beyond `patience` seconds."""

    def __init__(self, server: Any, inboxes: dict[str, Inbox], patience: float = PATIENCE_SECONDS) -> None:
        self._server = server
        self._inboxes = inboxes
        self._inbox = Inbox()
        self._patience = patience
        self._user = ""
        self.retries = 0

    async def join(self, code: str, name: str) -> Answer:
        """Become a member of the workspace, redeem the invite there, and agree."""
        self._user = name.upper()
        self._server.join(self._user, real_name=name)
        self._inboxes[self._user] = self._inbox
        found = CODE.search(code)
        answer = await self.say(f"/join {found[0] if found else code}")
        bubble = answer.last()
        agree = None if bubble is None else bubble.named("button_agree")
        return answer if bubble is None or agree is None else await self.tap(bubble, agree)

    async def tap(self, bubble: Bubble, button: Button) -> Answer:
        """Press a button: an answer that is saved changes its card, a refusal is a whisper.

        Whatever else comes meanwhile, an offer for instance, acknowledges nothing.
        """
        before, whispers = self._inbox.revision, len(self._inbox.notices)
        await self._server.forge(self._user, bubble.id, button.payload)
        return await self._answered(f"[{button.text}]", before, whispers, bubble if bubble.kind == "card" else None)

    async def say(self, text: str, *, again: bool = False) -> Answer:  # noqa: ARG002 - nothing is lost here
        """Write to the app, or give it a command."""
        before, whispers = self._inbox.revision, len(self._inbox.notices)
        await self._send(text)
        return await self._answered(text, before, whispers)

    async def upload(self, name: str, content: bytes, caption: str = "") -> Answer:
        """Share a file; a caption cannot begin with a slash there."""
        before, whispers = self._inbox.revision, len(self._inbox.notices)
        await self._server.share(self._user, name, content, html.escape(caption.removeprefix("/"), quote=False))
        return await self._answered(name, before, whispers)

    async def news(self, after: int, seconds: float = LONG_POLL_SECONDS) -> tuple[list[Bubble], int]:
        """States of messages newer than `after`."""
        await self._inbox.until(lambda: self._inbox.since(after) or None, seconds)
        return list(self._inbox.since(after)), self._inbox.revision

    async def download(self, address: str) -> bytes:
        """A file that the app has shared."""
        content: bytes = self._server.files[address]["content"]
        return content

    def _send(self, text: str) -> Awaitable[Any]:
        sent = html.escape(text.removeprefix("/"), quote=False)
        if text.startswith("/"):
            line: Awaitable[Any] = self._server.command(self._user, f"{COMMAND} {sent}", channel=f"D{self._user}")
            return line
        said: Awaitable[Any] = self._server.say(self._user, sent)
        return said

    async def _answered(self, what: str, before: int, whispers: int, card: Bubble | None = None) -> Answer:
        def look() -> Answer | None:
            new, refused = self._inbox.since(before), self._inbox.notices[whispers:]
            if any(card is None or (bubble.id == card.id and bubble != card) for bubble in new):
                return Answer(new, before + len(new), None, acknowledged=True)
            return Answer((), before, reason(refused[-1][1]), acknowledged=False) if refused else None

        answer = await self._inbox.until(look, self._patience)
        if answer is None:
            raise DemoError(f"The app does not answer to {what} in Slack.")
        return answer


def bubble_of(message: Mapping[str, Any]) -> Bubble:
    """A message of the app: its sections without heading, notice and footer; commands as the catalogue has them."""
    blocks = message["blocks"]
    elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    buttons = tuple(Button(one["text"]["text"], one["value"]) for one in elements)
    shown = "".join(block["text"]["text"] for block in blocks if block["type"] == "section")
    text = shown or html.unescape(message["text"]).replace(WORD_JOINER, "")
    card = is_card(tuple(button.text for button in buttons))
    files = message.get("files", ())
    return Bubble(
        id=message["ts"],
        author="bot",
        kind="card" if card else "text",
        item=text.partition("\n\n")[0] if card else "",
        text=MENTION.sub(r"/\1", text),
        buttons=buttons,
        file=(files[0]["name"], files[0]["id"]) if files else None,
    )
