"""A Bot API server with people who tap, in a process of its own: `python -m benchmarks.telegram_server`.

Somebody taps a button of their card (see `opinions`), and again when the card was edited. In a closed loop at once; in
an open one when their turn comes, so many times a second, whether or not the taps before have been answered. What a tap
took is measured here, from the moment it was due. A tap brings the message that it was on, and an edit is answered with
the edited message, as https://core.telegram.org/bots/api#callbackquery and #editmessagetext say; who reads it pays for
it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from contextlib import suppress
from itertools import islice
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from benchmarks.opinions import opinion

BOT = {"id": 42, "is_bot": True, "first_name": "Lightwork", "username": "lightwork_bot"}
DONE = b'{"ok":true,"result":true}'
REPORT_SECONDS = 120.0


class People:
    """Who taps, and how long each tap took, in milliseconds."""

    def __init__(self) -> None:
        self.taps: deque[dict[str, Any]] = deque()
        self.tapped = asyncio.Event()
        self.answered: list[float] = []
        self.shown: list[float] = []
        self._cards: dict[int, str] = {}
        self._messages: dict[int, dict[str, Any]] = {}
        self._rested: deque[int] = deque()
        self._due: deque[float] = deque()
        self._since: dict[int, float] = {}
        self._ids = iter(range(1, sys.maxsize))
        self._left = self._awaited = 0
        self._open = False
        self._done = asyncio.Event()

    async def begin(self, payloads: dict[str, str], rate: float, taps: int) -> None:
        """Make so many taps: `rate` a second, or, where it is 0, each person as soon as their card was edited.

        Args:
            payloads: of the first button of each person's card; without them they go on where they stopped.
        """
        if payloads:  # another bot, which the last taps of the one before do not concern
            self.taps.clear()
            self._cards = {int(user): payload for user, payload in payloads.items()}
            self._messages = {}
        self.answered, self.shown = [], []
        self._left = self._awaited = taps
        self._open = rate > 0
        self._done.clear()
        self._rested = deque(self._cards)
        if not self._open:
            while self._rested and self._left:
                self._tap(self._rested.popleft(), time.monotonic())
            return
        started = time.monotonic()
        for number in range(taps):
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            self._due.append(started + number / rate)
            self._tap_who_rests()

    async def report(self) -> dict[str, Any]:
        """What the taps took, once the last one was shown."""
        await asyncio.wait_for(self._done.wait(), REPORT_SECONDS)
        return {"answered": self.answered, "shown": self.shown}

    def answer(self, query_id: str) -> None:
        """A tap was acknowledged."""
        user, _, _number = query_id.partition("-")
        if (since := self._since.get(int(user))) is not None:
            self.answered.append((time.monotonic() - since) * 1000)

    def show(self, user: int, payload: str, message: dict[str, Any] | None = None) -> None:
        """A card was edited: its person saw that. `payload` is what they tap next, `message` all of it."""
        since = self._since.pop(user, None)
        if since is None:
            return
        self.shown.append((time.monotonic() - since) * 1000)
        self._cards[user] = payload
        if message is not None:
            self._messages[user] = message
        self._awaited -= 1
        if self._awaited == 0:
            self._done.set()
        self._rested.append(user)
        if self._open:
            self._tap_who_rests()
        elif self._left:
            self._tap(self._rested.popleft(), time.monotonic())

    def _tap_who_rests(self) -> None:
        while self._due and self._rested:
            self._tap(self._rested.popleft(), self._due.popleft())

    def _tap(self, user: int, due: float) -> None:
        self._left -= 1
        self._since[user] = due
        self.deliver(user, self._cards[user])

    def deliver(self, user: int, payload: str) -> None:
        """A tap, on its way to the bot."""
        number = next(self._ids)
        person = {"id": user, "is_bot": False, "first_name": f"User {user}", "language_code": "en"}
        message = self._messages.get(user) or _message(user, 5, "Is it?")
        query = {"id": f"{user}-{number}", "from": person, "chat_instance": "1", "data": payload}
        self.taps.append({"update_id": number, "callback_query": {**query, "message": message}})
        self.tapped.set()


class Server:
    """The methods that a tap takes; keeps no messages."""

    def __init__(self) -> None:
        self._people = People()
        self._beginning: asyncio.Task[None] | None = None

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/bot{token}/{method}", self._call)
        app.router.add_post("/begin", self._begin)
        app.router.add_get("/report", self._report)
        return app

    async def _begin(self, request: web.Request) -> web.Response:
        self._beginning = asyncio.create_task(self._people.begin(**await request.json()))
        return web.Response()

    async def _report(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._people.report())

    async def _call(self, request: web.Request) -> web.Response:
        method, body = request.match_info["method"], await request.read()
        if method == "getUpdates":
            return _answer(await self._updates(int(_said(body).get("offset", 0))))
        if method == "getMe":
            return _answer(BOT)
        said = _said(body)
        if method == "answerCallbackQuery":
            self._people.answer(str(said["callback_query_id"]))
        elif method == "editMessageText" and said.get("reply_markup"):
            user, payloads = int(said["chat_id"]), _payloads(said["reply_markup"])
            shown = _message(user, int(said["message_id"]), said["text"])
            shown |= {"edit_date": 2, "reply_markup": said["reply_markup"]}
            self._people.show(user, opinion(user, said["text"], payloads), shown)
            return _answer(shown)
        return web.Response(body=DONE, content_type="application/json")

    async def _updates(self, offset: int) -> list[dict[str, Any]]:
        """What is not confirmed by `offset`; it stays, so that nothing is lost where nobody reads the answer."""
        taps = self._people.taps
        while taps and taps[0]["update_id"] < offset:
            taps.popleft()
        if not taps:
            self._people.tapped.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._people.tapped.wait(), 1.0)
        return list(islice(taps, 100))


def _message(user: int, message_id: int, text: str) -> dict[str, Any]:
    chat = {"id": user, "type": "private", "first_name": f"User {user}"}
    return {"message_id": message_id, "from": BOT, "chat": chat, "date": 1, "text": text}


def _payloads(keyboard: dict[str, Any]) -> list[str]:
    return [button["callback_data"] for row in keyboard["inline_keyboard"] for button in row]


def _said(body: bytes) -> dict[str, Any]:
    """The parameters of a call, as JSON or as a form, in which what is nested is JSON."""
    if body.startswith(b"{"):
        return dict(json.loads(body))
    said: dict[str, Any] = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    if "reply_markup" in said:
        said["reply_markup"] = json.loads(said["reply_markup"])
    return said


def _answer(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


async def serve(application: web.Application) -> None:
    """Serve until killed; the port is printed first."""
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Server().application()))
