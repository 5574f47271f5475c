"""One person's web chat over HTTP, as docs/web-chat.md describes it. Waits through a server that is being restarted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import httpx

from demo.chat import BUSY, LONG_POLL_SECONDS, Answer, Bubble, Button
from demo.errors import DemoError

FIRST_PAUSE_SECONDS = 0.1
LAST_PAUSE_SECONDS = 2.0
TIMEOUT = httpx.Timeout(LONG_POLL_SECONDS + 15.0, connect=5.0)


class ChatRefused(DemoError):
    """The server said no (status 4xx). `code` is its reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"The web chat refused: {message} ({code})")
        self.code = code


def new_transport(connections: int) -> httpx.AsyncHTTPTransport:
    """Connections that many people share; close it when the last of them has left."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=60)
    return httpx.AsyncHTTPTransport(limits=limits)


class WebChat:
    """A session of one person.

    Every method raises `DemoError` where the server stays away for longer than `patience` seconds, and
    `ChatRefused` where it says no.
    """

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport, patience: float = 60.0) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, transport=transport, timeout=TIMEOUT, trust_env=False)
        self._patience = patience
        self.retries = 0
        """How often something had to be said again because the server was away."""

    async def join(self, code: str, name: str) -> Answer:
        """Redeem an invite, and agree to what is stored where that is asked."""
        answer = _answer(await self._send("POST", "/api/join", again=False, json={"code": code, "name": name}))
        bubble = answer.last()
        agree = None if bubble is None else bubble.named("button_agree")
        if bubble is None or agree is None:
            return answer
        while (answer := await self.tap(bubble, agree)).refused in BUSY:
            await asyncio.sleep(FIRST_PAUSE_SECONDS)
        return answer

    async def tap(self, bubble: Bubble, button: Button) -> Answer:
        """Press a button; waits for a late commit, so that the answer says what came of it."""
        body = {"message": bubble.id, "payload": button.payload}
        said = await self._send("POST", "/api/tap", again=True, json=body)
        return await self._late(said, bubble.id) if said["late"] else _answer(said)

    async def say(self, text: str, *, again: bool = False) -> Answer:
        """Say something. again: saying it twice does no harm, so that it may be repeated after a lost connection."""
        said = await self._send("POST", "/api/text", again=again, json={"text": text})
        return await self._late(said, None) if said["late"] else _answer(said)

    async def upload(self, name: str, content: bytes, caption: str = "") -> Answer:
        """Hand in a CSV file."""
        files = {"file": (name, content, "text/csv")}
        said = await self._send("POST", "/api/upload", again=False, files=files, data={"caption": caption})
        return await self._late(said, None) if said["late"] else _answer(said)

    async def news(self, after: int, seconds: float = LONG_POLL_SECONDS) -> tuple[list[Bubble], int]:
        """Messages newer than revision `after`, as soon as there are any, and the newest revision."""
        params: dict[str, Any] = {"after": after, "wait": seconds}
        said = await self._send("GET", "/api/messages", again=True, params=params)
        return [_bubble(row) for row in said["messages"]], int(said["revision"])

    async def download(self, address: str) -> bytes:
        """The content of an attachment."""
        return (await self._response("GET", address, again=True)).content

    async def _late(self, said: Mapping[str, Any], tapped: str | None) -> Answer:
        """Wait for the replies to something that is still being saved.

        A tap is acknowledged when its own bubble is replaced: a refusal would be a new one.
        """
        revision, bubbles = int(said["revision"]), [_bubble(row) for row in said["messages"]]
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            new, revision = await self.news(revision)
            bubbles += new
            if any(bubble.author == "bot" for bubble in new):
                done = tapped is None or any(bubble.id == tapped for bubble in new)
                return Answer(tuple(bubbles), revision, None if done else "late", done)
        return Answer(tuple(bubbles), revision, "late", acknowledged=False)

    async def _send(self, method: str, path: str, *, again: bool, **options: Any) -> dict[str, Any]:
        response = await self._response(method, path, again=again, **options)
        said: dict[str, Any] = response.json()
        return said

    async def _response(self, method: str, path: str, *, again: bool, **options: Any) -> httpx.Response:
        """Send until there is an answer. Without `again` only what never reached the server is sent once more."""
        deadline, pause = time.monotonic() + self._patience, FIRST_PAUSE_SECONDS
        while True:
            try:
                response = await self._client.request(method, path, **options)
                if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return _accepted(response)
                problem = f"status {response.status_code}"
                fatal = not again
            except httpx.TransportError as error:
                problem = type(error).__name__
                fatal = not again and not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            if fatal or time.monotonic() > deadline:
                raise DemoError(f"The web chat does not answer ({method} {path}: {problem}).")
            self.retries += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, LAST_PAUSE_SECONDS)


def _accepted(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    said = response.json()
    raise ChatRefused(str(said.get("error", response.status_code)), str(said.get("message", "")))


def _answer(said: Mapping[str, Any]) -> Answer:
    refused = said["refused"]
    bubbles = tuple(_bubble(row) for row in said["messages"])
    return Answer(bubbles, int(said["revision"]), refused, refused is None)


def _bubble(row: Mapping[str, Any]) -> Bubble:
    content = row["content"]
    attachment = content["attachment"]
    return Bubble(
        id=row["id"],
        author=row["author"],
        kind=content["kind"],
        item="\n".join(part["text"] for part in content["parts"]),
        text=content["text"],
        buttons=tuple(Button(one["text"], one["payload"]) for line in content["buttons"] for one in line),
        file=(attachment["name"], attachment["url"]) if attachment else None,
    )
