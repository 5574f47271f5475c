"""A phone for each surface: Telegram and Slack through the strict fakes, the web chat through its HTTP interface."""

from __future__ import annotations

from typing import Any

import httpx

from tests.fakes.slack_server import SlackServer
from tests.fakes.telegram_server import TelegramServer
from tests.integration.day.phone import Bubble, Phone


class TelegramPhone(Phone):
    """A private chat with the bot."""

    def __init__(self, name: str, server: TelegramServer, user: int) -> None:
        super().__init__(name)
        self._server, self._user = server, user
        self.shown_as = f"User {user}"
        self._queries: list[str] = []

    async def bubbles(self) -> list[Bubble]:
        """Messages, then what was shown at buttons."""
        shown = [_telegram_bubble(message) for message in self._server.inbox(self._user)]
        toasts = [(query, self._server.answers.get(query, "")) for query in self._queries]
        return shown + [Bubble(f"toast {query}", text) for query, text in toasts if text]

    async def _say(self, text: str) -> None:
        await self._server.say(self._user, text)

    async def _tap(self, key: str, payload: str) -> None:
        update = await self._server.forge(self._user, int(key), payload)
        self._queries.append(update["callback_query"]["id"])

    async def _upload(self, name: str, content: bytes, caption: str) -> None:
        await self._server.upload(self._user, name, content, caption)

    async def file(self, name: str) -> bytes:
        """A document."""
        for message in reversed(self._server.inbox(self._user)):
            if message.get("document", {}).get("file_name") == name:
                return self._server.files[message["document"]["file_id"]].content
        raise AssertionError(f"{self.name} was sent no file {name}")


class SlackPhone(Phone):
    """The direct messages with the app; commands are typed with /lightwork."""

    def __init__(self, name: str, server: SlackServer, user: str) -> None:
        super().__init__(name)
        self._server, self._user = server, user
        self.shown_as = f"{user} Real"

    async def bubbles(self) -> list[Bubble]:
        """Messages, then notices that only this person sees."""
        shown = [_slack_bubble(message) for message in self._server.inbox(self._user)]
        whispers = [one for one in self._server.whispers if one.get("user") == self._user]
        return shown + [Bubble(f"whisper {at}", _slack_text(one)) for at, one in enumerate(whispers)]

    async def _say(self, text: str) -> None:
        if not text.startswith("/"):
            await self._server.say(self._user, text)
            return
        verb = text[1:].replace("start ", "join ", 1) if text.startswith("/start ") else text[1:]
        await self._server.command(self._user, f"/lightwork {verb}")

    async def _tap(self, key: str, payload: str) -> None:
        await self._server.forge(self._user, key, payload)

    async def _upload(self, name: str, content: bytes, caption: str) -> None:
        await self._server.share(self._user, name, content, caption.removeprefix("/"))

    async def file(self, name: str) -> bytes:
        """A shared file."""
        found = [file for file in self._server.files.values() if file["name"] == name and file.get("content")]
        assert found, f"{self.name} was sent no file {name}"
        content: bytes = found[-1]["content"]
        return content


class WebPhone(Phone):
    """A browser's session, by what the page would fetch."""

    door = "Open your invite link"

    def __init__(self, name: str, client: httpx.AsyncClient) -> None:
        super().__init__(name)
        self._client = client
        self._rows: dict[str, dict[str, Any]] = {}
        self._toasts: list[str] = []
        self._revision = 0

    async def bubbles(self) -> list[Bubble]:
        """Messages of the bot, then what was shown as a toast."""
        if self._revision or self._client.cookies:
            said = (await self._client.get("/api/messages", params={"after": self._revision})).json()
            self._take(said)
        shown = [_web_bubble(key, row) for key, row in self._rows.items() if row["author"] == "bot"]
        return shown + [Bubble(f"toast {at}", text) for at, text in enumerate(self._toasts)]

    async def _say(self, text: str) -> None:
        if text.startswith("/start ") and not self._client.cookies:
            body = {"code": text.split()[1], "name": self.name}
            response = await self._client.post("/api/join", json=body)
        else:
            response = await self._client.post("/api/text", json={"text": text})
        self._heard(response)

    async def _tap(self, key: str, payload: str) -> None:
        self._heard(await self._client.post("/api/tap", json={"message": key, "payload": payload}))

    async def _upload(self, name: str, content: bytes, caption: str) -> None:
        files = {"file": (name, content, "text/csv")}
        self._heard(await self._client.post("/api/upload", files=files, data={"caption": caption}))

    async def file(self, name: str) -> bytes:
        """A download."""
        for row in reversed(self._rows.values()):
            attachment = row["content"]["attachment"]
            if attachment and attachment["name"] == name:
                return (await self._client.get(attachment["url"])).content
        raise AssertionError(f"{self.name} was sent no file {name}")

    def _heard(self, response: httpx.Response) -> None:
        said = response.json()
        if response.is_success:
            self._take(said)
        if toast := said.get("toast") or said.get("message"):
            self._toasts.append(toast)

    def _take(self, said: dict[str, Any]) -> None:
        for row in said["messages"]:
            self._rows[row["id"]] = row
        self._revision = max(self._revision, said["revision"])


def _telegram_bubble(message: dict[str, Any]) -> Bubble:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    buttons = tuple((one["text"], one["callback_data"]) for row in rows for one in row)
    document = message.get("document")
    names = (document["file_name"],) if document else ("picture.png",) if message.get("photo") else ()
    return Bubble(str(message["message_id"]), message.get("text") or message.get("caption", ""), buttons, names)


def _slack_bubble(message: dict[str, Any]) -> Bubble:
    elements = [one for block in message.get("blocks", []) if block["type"] == "actions" for one in block["elements"]]
    buttons = tuple((one["text"]["text"], one["value"]) for one in elements)
    names = tuple(file["name"] for file in message.get("files", []))
    return Bubble(message["ts"], _slack_text(message), buttons, names)


def _slack_text(message: dict[str, Any]) -> str:
    pieces = []
    for block in message.get("blocks", []):
        pieces += [block["text"]["text"]] if "text" in block else []
        pieces += [element["text"] for element in block.get("elements", []) if isinstance(element.get("text"), str)]
    return "\n\n".join(pieces) or message.get("text", "")


def _web_bubble(key: str, row: dict[str, Any]) -> Bubble:
    content = row["content"]
    parts = [part["text"] for part in content["parts"]]
    text = "\n\n".join(piece for piece in (content["heading"], *parts, content["text"], content["footer"]) if piece)
    buttons = tuple((one["text"], one["payload"]) for line in content["buttons"] for one in line)
    attachment = content["attachment"]
    return Bubble(key, text, buttons, (attachment["name"],) if attachment else ())
