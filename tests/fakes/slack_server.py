"""A strict Slack on loopback: Web API, Socket Mode, response_url, files; and the people of its one workspace."""

from __future__ import annotations

import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.loopback import Loopback
from tests.fakes.slack_spec import SlackError, check, check_blocks

TEAM = "T0LIGHT"
BOT_USER = "U0BOT"
RESPONSE_URL_USES = 5
"""https://docs.slack.dev/interactivity/handling-user-interaction#message_responses: 5 times within 30 minutes."""
RESPONSE_FIELDS = {
    "text",
    "blocks",
    "attachments",
    "response_type",
    "replace_original",
    "delete_original",
    "thread_ts",
    "unfurl_links",
    "unfurl_media",
    "metadata",
}


@dataclass
class Call:
    """One call of the app: the method, its parsed parameters, and the error it got."""

    method: str
    params: dict[str, Any]
    error: str = ""


@dataclass
class Ack:
    """An acknowledgement, with the seconds it took."""

    envelope_id: str
    seconds: float
    payload: Any = None


@dataclass
class ResponseUrl:
    """Where a tap may be answered, and how often it was."""

    user: str
    channel: str
    ts: str
    uses: int = 0


class SlackServer(Loopback):
    """State of one workspace with one app."""

    def __init__(self, bot_token: str, app_token: str) -> None:
        super().__init__()
        self.bot_token = bot_token
        self.app_token = app_token
        self.calls: list[Call] = []
        self.acks: dict[str, Ack] = {}
        self.messages: dict[str, dict[str, dict[str, Any]]] = {}
        self.whispers: list[dict[str, Any]] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.disabled: set[str] = set()
        self.connections = 0
        self.deaf = False
        self.file_tokens: list[str] = []
        self._users: dict[str, str] = {}
        self._ids = itertools.count(1)
        self._faults: dict[str, list[SlackError]] = defaultdict(list)
        self._sent_at: dict[str, float] = {}
        self._sockets: list[web.WebSocketResponse] = []
        self._tickets: set[str] = set()

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL would be."""
        return f"{self.url}/api/"

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=100_000_000)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get("/link", self._socket)
        app.router.add_post("/response/{id}", self._respond)
        app.router.add_post("/upload/{id}", self._receive)
        app.router.add_get("/files/{id}", self._give)
        await self.serve(app)

    def fail_next(self, method: str, code: str, status: int = 200, retry_after: int | None = None) -> None:
        """The next call of `method` is refused; called again, the one after it too."""
        self._faults[method].append(SlackError(code, status, retry_after))

    def made(self, method: str) -> list[Call]:
        """The calls of `method` that were answered with ok."""
        return [call for call in self.calls if call.method == method and not call.error]

    # --- people ---

    def join(self, user: str) -> str:
        """A member of the workspace; returns the channel of their direct messages with the app."""
        channel = self._users.setdefault(user, f"D{user}")
        self.messages.setdefault(channel, {})
        return channel

    def inbox(self, user: str) -> list[dict[str, Any]]:
        """What `user` sees from the app now, oldest first."""
        return [message for message in self.messages[self.join(user)].values() if message["user"] == BOT_USER]

    async def command(self, user: str, line: str, channel: str = "C0GENERAL") -> str:
        """`user` types a slash command somewhere; returns the envelope id."""
        name, _, text = line.partition(" ")
        payload = {
            "command": name,
            "text": text,
            "user_id": user,
            "user_name": user.lower(),
            "team_id": TEAM,
            "channel_id": channel,
            "response_url": self._response_url(user, channel, ""),
            "trigger_id": f"trigger{next(self._ids)}",
        }
        return await self.deliver("slash_commands", payload)

    async def tap(self, user: str, ts: str, button: str) -> str:
        """`user` taps the button that shows `button`; returns the envelope id."""
        blocks = self.messages[self.join(user)][ts]["blocks"]
        elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
        values = [element["value"] for element in elements if element["text"]["text"] == button]
        assert len(values) == 1, f"no single button {button!r} in {elements}"
        return await self.forge(user, ts, values[0])

    async def forge(self, user: str, ts: str, value: str) -> str:
        """A tap with any value."""
        channel = self.join(user)
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": TEAM},
            "team": {"id": TEAM, "domain": "light"},
            "container": {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False},
            "channel": {"id": channel, "name": "directmessage"},
            "message": self.messages[channel].get(ts, {}),
            "response_url": self._response_url(user, channel, ts),
            "trigger_id": f"trigger{next(self._ids)}",
            "actions": [{"type": "button", "action_id": "button-0", "block_id": "b", "value": value}],
        }
        return await self.deliver("interactive", payload)

    async def say(self, user: str, text: str, **more: Any) -> str:
        """`user` writes to the app; `more` goes into the event."""
        channel = self.join(user)
        event = {"type": "message", "user": user, "text": text, "channel": channel, "channel_type": "im", **more}
        event["ts"] = self._ts()
        return await self.event(event)

    async def share(self, user: str, name: str, content: bytes, text: str = "", url: str = "") -> str:
        """`user` shares a file with the app; `url` pretends another place."""
        file_id = f"F{next(self._ids)}"
        self.files[file_id] = {"name": name, "content": content}
        place = url or f"{self.url}/files/{file_id}"
        file = {"id": file_id, "name": name, "size": len(content), "url_private": place}
        return await self.say(user, text, subtype="file_share", files=[file])

    async def event(self, event: dict[str, Any]) -> str:
        """Any event of the Events API."""
        payload = {"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{next(self._ids)}", "event": event}
        return await self.deliver("events_api", {**payload, "event_time": 1, "authorizations": []})

    async def deliver(self, kind: str, payload: dict[str, Any], envelope_id: str = "") -> str:
        """Send an envelope over the newest socket, once there is one; the same id again is a redelivery."""
        envelope_id = envelope_id or f"envelope{next(self._ids)}"
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

    # --- the sides that the app calls ---

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        call = Call(method, {})
        headers: dict[str, str] = {}
        status = 200
        try:
            self._authorize(method, request.headers.get("Authorization", ""))
            call.params = check(method, await _given(request))
            if self._faults[method]:
                raise self._faults[method].pop(0)
            answer = {"ok": True, **self._methods()[method](call.params)}
        except SlackError as error:
            call.error, status = error.code, error.status
            answer = {"ok": False, "error": error.code}
            if error.retry_after is not None:
                headers["Retry-After"] = str(error.retry_after)
        self.calls.append(call)
        await self.notify()
        return web.json_response(answer, status=status, headers=headers)

    def _authorize(self, method: str, header: str) -> None:
        expected = self.app_token if method == "apps.connections.open" else self.bot_token
        if not header:
            raise SlackError("not_authed")
        if header != f"Bearer {expected}":
            raise SlackError("invalid_auth")

    def _methods(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        return {
            "auth.test": self._auth_test,
            "apps.connections.open": self._connections_open,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._post_ephemeral,
            "conversations.open": self._open,
            "users.info": self._user_info,
            "views.open": self._view,
            "views.update": self._view,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete_upload,
        }

    def _auth_test(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"url": self.url, "team": "Light", "user": "bot", "team_id": TEAM, "user_id": BOT_USER, "bot_id": "B0"}

    def _connections_open(self, params: dict[str, Any]) -> dict[str, Any]:
        ticket = f"ticket{next(self._ids)}"
        self._tickets.add(ticket)
        return {"url": f"{self.url.replace('http', 'ws')}/link?ticket={ticket}"}

    def _channel(self, name: str) -> str:
        channel = self._users.get(name, name)
        if channel not in self.messages:
            raise SlackError("channel_not_found")
        if any(self._users[user] == channel for user in self.disabled):
            raise SlackError("user_disabled")
        return channel

    def _post(self, params: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(params["channel"])
        if not (params.get("text") or params.get("blocks")):
            raise SlackError("no_text")
        ts = self._ts()
        content = {"text": params.get("text", ""), "blocks": params.get("blocks", [])}
        self.messages[channel][ts] = {"ts": ts, "user": BOT_USER, **content}
        return {"channel": channel, "ts": ts, "message": self.messages[channel][ts]}

    def _update(self, params: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(params["channel"])
        message = self.messages[channel].get(params["ts"])
        if message is None:
            raise SlackError("message_not_found")
        if message["user"] != BOT_USER:
            raise SlackError("cant_update_message")
        message |= {key: params[key] for key in ("text", "blocks") if key in params}
        return {"channel": channel, "ts": params["ts"], "text": message["text"]}

    def _post_ephemeral(self, params: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(params["channel"])
        self.whispers.append({"channel": channel, "user": params["user"], "text": params["text"]})
        return {"message_ts": self._ts()}

    def _open(self, params: dict[str, Any]) -> dict[str, Any]:
        user = params.get("users", "")
        if user not in self._users:
            raise SlackError("user_not_found")
        if user in self.disabled:
            raise SlackError("user_disabled")
        return {"channel": {"id": self._users[user]}}

    def _user_info(self, params: dict[str, Any]) -> dict[str, Any]:
        if params.get("user") not in self._users:
            raise SlackError("user_not_found")
        return {"user": {"id": params["user"], "team_id": TEAM, "name": params["user"].lower()}}

    def _view(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"view": {"id": f"V{next(self._ids)}", **params["view"]}}

    def _upload_url(self, params: dict[str, Any]) -> dict[str, Any]:
        file_id = f"F{next(self._ids)}"
        self.files[file_id] = {"name": params["filename"], "length": int(params["length"])}
        return {"file_id": file_id, "upload_url": f"{self.url}/upload/{file_id}"}

    def _complete_upload(self, params: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(params["channel_id"])
        for one in params["files"]:
            file = self.files.get(one["id"])
            if file is None or "content" not in file:
                raise SlackError("file_not_found")
            ts = self._ts()
            shared = {"ts": ts, "user": BOT_USER, "text": "", "blocks": [], "files": [{"id": one["id"], **file}]}
            self.messages[channel][ts] = shared
        return {"files": [{"id": one["id"]} for one in params["files"]]}

    async def _receive(self, request: web.Request) -> web.Response:
        file = self.files[request.match_info["id"]]
        content = await request.read()
        if len(content) != file["length"]:
            raise web.HTTPBadRequest
        file["content"] = content
        return web.Response(text=f"OK - {len(content)}")

    async def _give(self, request: web.Request) -> web.Response:
        """Without a valid token Slack redirects to its login page."""
        self.file_tokens.append(request.headers.get("Authorization", ""))
        if request.headers.get("Authorization") != f"Bearer {self.bot_token}":
            raise web.HTTPFound("/login")
        return web.Response(body=self.files[request.match_info["id"]]["content"])

    async def _respond(self, request: web.Request) -> web.Response:
        place = self.response_urls.get(request.match_info["id"])
        if place is None or place.uses >= RESPONSE_URL_USES:
            return web.Response(status=404, text="used_url")
        given = await request.json()
        try:
            if set(given) - RESPONSE_FIELDS:
                raise SlackError("invalid_payload")
            check_blocks(given.get("blocks", []))
        except SlackError as error:
            return web.Response(status=400, text=error.code)
        place.uses += 1
        if given.get("replace_original") and place.ts in self.messages.get(place.channel, {}):
            self.messages[place.channel][place.ts] |= {"text": given["text"], "blocks": given["blocks"]}
        else:
            self.whispers.append({"channel": place.channel, "user": place.user, "text": given["text"]})
        await self.notify()
        return web.Response(text="ok")

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
                    await self._acknowledge(json.loads(message.data))
        finally:
            self._sockets.remove(socket)
        return socket

    async def _acknowledge(self, answer: dict[str, Any]) -> None:
        envelope_id = answer["envelope_id"]
        seconds = time.monotonic() - self._sent_at[envelope_id]
        self.acks[envelope_id] = Ack(envelope_id, seconds, answer.get("payload"))
        await self.notify()

    def _response_url(self, user: str, channel: str, ts: str) -> str:
        key = f"r{next(self._ids)}"
        self.response_urls[key] = ResponseUrl(user, channel, ts)
        return f"{self.url}/response/{key}"

    def _ts(self) -> str:
        return f"1700000000.{next(self._ids):06}"


async def _given(request: web.Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        given |= await request.json()
    elif request.can_read_body:
        given |= dict(await request.post())
    return given
