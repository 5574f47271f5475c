"""How the Slack fake tells its app what happened: over sockets, or by signed HTTP requests."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from tests.fakes.loopback import Loopback

ACK_SECONDS = 3.0
"""https://docs.slack.dev/apis/events-api/#responding: an HTTP 2xx within three seconds."""


@dataclass
class Ack:
    """An acknowledgement, with the seconds it took."""

    envelope_id: str
    seconds: float
    payload: Any = None


class SlackDelivery(Loopback):
    """Envelopes go over the newest socket; to `request_url` where one is set."""

    def __init__(self, signing_secret: str) -> None:
        super().__init__()
        self.signing_secret = signing_secret
        self.request_url = ""
        self.acks: dict[str, Ack] = {}
        self.refused: dict[str, int] = {}
        """HTTP answers that were no acknowledgement: status by envelope id, 0 for none in time."""
        self.connections = 0
        self.deaf = False
        self.clock: Callable[[], float] = time.monotonic
        """What everything that grows old is measured by."""
        self._ids = itertools.count(1)
        self._sent_at: dict[str, float] = {}
        self._sockets: list[web.WebSocketResponse] = []
        self._tickets: set[str] = set()
        self._posting: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Stop listening and drop all connections."""
        for posting in self._posting:
            posting.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        await super().stop()

    async def deliver(self, kind: str, payload: dict[str, Any], envelope_id: str = "", **headers: str) -> str:
        """Send an envelope, over a socket once there is one; the same id again is a redelivery.

        Args:
            kind: "slash_commands", "interactive" or "events_api".
            payload: what it tells.
            envelope_id: of an envelope that was sent before.
            headers: replace those of the request, over HTTP.
        """
        envelope_id = envelope_id or f"envelope{next(self._ids)}"
        if self.request_url:
            self._sent_at[envelope_id] = time.monotonic()
            posting = asyncio.create_task(self._post_signed(kind, payload, envelope_id, headers))
            self._posting.add(posting)
            posting.add_done_callback(self._posting.discard)
            return envelope_id
        await self.until(lambda: bool(self._sockets))
        envelope = {"type": kind, "envelope_id": envelope_id, "payload": payload, "accepts_response_payload": True}
        self._sent_at[envelope_id] = time.monotonic()
        await self._sockets[-1].send_str(json.dumps(envelope))
        return envelope_id

    async def acknowledged(self, envelope_id: str) -> Ack:
        """The acknowledgement of an envelope, once it has come."""
        await self.until(lambda: envelope_id in self.acks)
        return self.acks[envelope_id]

    async def drop_sockets(self) -> None:
        """Close all sockets, as Slack does every few hours."""
        for socket in list(self._sockets):
            await socket.close()

    def sign(self, body: bytes, timestamp: str) -> str:
        """https://docs.slack.dev/authentication/verifying-requests-from-slack."""
        base = b"v0:" + timestamp.encode() + b":" + body
        return "v0=" + hmac.new(self.signing_secret.encode(), base, hashlib.sha256).hexdigest()

    async def take_ack(self, envelope_id: str, payload: Any) -> None:
        """An envelope was acknowledged with `payload`."""
        self.acks[envelope_id] = Ack(envelope_id, time.monotonic() - self._sent_at[envelope_id], payload)
        await self.notify()

    async def _post_signed(self, kind: str, payload: dict[str, Any], envelope_id: str, headers: dict[str, str]) -> None:
        body, content_type = _encoded(kind, payload)
        timestamp = headers.pop("timestamp", str(int(time.time())))
        signed = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": self.sign(body, timestamp),
        }
        status, text = 0, ""
        try:
            timeout = aiohttp.ClientTimeout(total=ACK_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self.request_url, data=body, headers=signed | headers) as answer,
            ):
                status, text = answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        if status == 200:
            await self.take_ack(envelope_id, json.loads(text) if text.startswith("{") else text or None)
        else:
            self.refused[envelope_id] = status
            await self.notify()

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0"}})
        self._sockets.append(socket)
        self.connections += 1
        await self.notify()
        try:
            async for message in socket:
                if message.type is WSMsgType.PING and not self.deaf:
                    await socket.pong(message.data)
                elif message.type is WSMsgType.TEXT:
                    answer = json.loads(message.data)
                    await self.take_ack(answer["envelope_id"], answer.get("payload"))
        finally:
            self._sockets.remove(socket)
        return socket


def _encoded(kind: str, payload: dict[str, Any]) -> tuple[bytes, str]:
    """https://docs.slack.dev/interactivity/handling-user-interaction#payloads: forms, but for events."""
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"
