"""The least Bot API server that taps can be measured against: a person taps again as soon as their card is edited."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from aiohttp import web

BOT = {"id": 42, "is_bot": True, "first_name": "Lightwork", "username": "lightwork_bot"}
OK = b'{"ok":true,"result":true}'


class Server:
    """Counts edits; keeps no messages."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._ids = iter(range(1, sys.maxsize))
        self.edits = 0

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._call)
        app.router.add_post("/begin/{people}", self._begin)
        app.router.add_get("/edits", self._edits)
        return app

    async def _begin(self, request: web.Request) -> web.Response:
        self.edits = 0
        self._waiting = asyncio.Queue()
        for user in range(1, int(request.match_info["people"]) + 1):
            self._tap(user)
        return web.Response()

    async def _edits(self, _request: web.Request) -> web.Response:
        return web.Response(text=str(self.edits))

    async def _call(self, request: web.Request) -> web.Response:
        method, body = request.match_info["method"], await request.read()
        if method == "getUpdates":
            return _answer(await self._updates())
        if method == "editMessageText":
            self.edits += 1
            self._tap(int(json.loads(body)["chat_id"]) if body.startswith(b"{") else _form_chat(body))
        if method == "getMe":
            return _answer(BOT)
        return web.Response(body=OK, content_type="application/json")

    async def _updates(self) -> list[dict[str, Any]]:
        try:
            async with asyncio.timeout(1.0):
                taps = [await self._waiting.get()]
        except TimeoutError:
            return []
        while not self._waiting.empty() and len(taps) < 100:
            taps.append(self._waiting.get_nowait())
        return taps

    def _tap(self, user: int) -> None:
        number = next(self._ids)
        person = {"id": user, "is_bot": False, "first_name": f"User {user}", "language_code": "en"}
        message = {"message_id": 5, "date": 1, "from": BOT, "text": "Is it?", "chat": {"id": user, "type": "private"}}
        query = {"id": str(number), "from": person, "chat_instance": "1", "data": "answer.abc.a.1", "message": message}
        self._waiting.put_nowait({"update_id": number, "callback_query": query})


def _answer(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _form_chat(body: bytes) -> int:
    for pair in body.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == b"chat_id":
            return int(value)
    raise web.HTTPBadRequest


async def main() -> None:
    """Serve until killed; the port is printed first."""
    runner = web.AppRunner(Server().application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
