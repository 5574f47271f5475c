"""Slack with people who tap, in a process of its own: `python -m benchmarks.slack_server`.

A tap goes to the bot as a signed request, as Slack sends it; its acknowledgement is the answer to that. The card is
replaced through the tap's response_url, and then its person taps again.
"""

from __future__ import annotations

import asyncio
import json
import time
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from benchmarks.opinions import opinion
from benchmarks.telegram_server import People, serve

SECRET = "0" * 32
TEAM = "T000001"
ANSWERS: dict[str, dict[str, object]] = {
    "auth.test": {"team_id": TEAM, "user_id": "U0BOT", "bot_id": "B0BOT"},
    "users.info": {"user": {"real_name": "Somebody", "locale": "en-US"}},
}


class SlackPeople(People):
    """Their taps are requests to the bot."""

    def __init__(self) -> None:
        super().__init__()
        self.hook = ""
        self.root = ""
        self._signer = SignatureVerifier(SECRET)
        self._session: aiohttp.ClientSession | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def deliver(self, user: int, payload: str) -> None:
        """A tap, on its way to the bot."""
        sending = asyncio.create_task(self._send(user, payload))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _send(self, user: int, payload: str) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        tap = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": str(user), "team_id": TEAM, "name": f"user{user}"},
            "container": {"type": "message", "message_ts": "1.5", "channel_id": f"D{user}"},
            "channel": {"id": f"D{user}", "name": "directmessage"},
            "response_url": f"{self.root}/respond/{user}",
            "trigger_id": "1.2.3",
            "actions": [{"type": "button", "action_id": "button-0", "block_id": "b", "value": payload}],
        }
        body, moment = urlencode({"payload": json.dumps(tap)}), str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": moment,
            "X-Slack-Signature": self._signer.generate_signature(timestamp=moment, body=body) or "",
        }
        async with self._session.post(self.hook, data=body, headers=headers) as response:
            assert response.status == 200, await response.text()
        self.answer(f"{user}-")


class Server:
    """The methods of the Web API that a tap takes."""

    def __init__(self) -> None:
        self._people = SlackPeople()
        self._beginning: asyncio.Task[None] | None = None

    def application(self) -> web.Application:
        """All routes."""
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_post("/respond/{user}", self._respond)
        app.router.add_post("/hook", self._hook)
        app.router.add_post("/begin", self._begin)
        app.router.add_get("/report", self._report)
        return app

    async def _hook(self, request: web.Request) -> web.Response:
        self._people.hook, self._people.root = await request.text(), str(request.url.origin())
        return web.Response()

    async def _begin(self, request: web.Request) -> web.Response:
        while not self._people.hook:
            await asyncio.sleep(0.05)
        self._beginning = asyncio.create_task(self._people.begin(**await request.json()))
        return web.Response()

    async def _report(self, _request: web.Request) -> web.Response:
        return web.json_response(await self._people.report())

    async def _call(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True, **ANSWERS.get(request.match_info["method"], {})})

    async def _respond(self, request: web.Request) -> web.Response:
        said, user = await request.json(), int(request.match_info["user"])
        buttons = [one for block in said["blocks"] if block["type"] == "actions" for one in block["elements"]]
        texts = json.dumps([block for block in said["blocks"] if block["type"] != "actions"])
        payloads = [button["value"] for button in buttons if "value" in button]
        self._people.show(user, opinion(user, texts, payloads))
        return web.Response(text="ok")


if __name__ == "__main__":
    asyncio.run(serve(Server().application()))
