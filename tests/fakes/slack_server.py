"""A strict Slack on loopback: Web API, Socket Mode or signed requests, response_url, modals, files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes.slack_blocks import check_blocks
from tests.fakes.slack_error import SlackError
from tests.fakes.slack_people import BOT_USER, TEAM, SlackPeople
from tests.fakes.slack_rates import Rates
from tests.fakes.slack_spec import check

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


class SlackServer(SlackPeople):
    """State of one workspace with one app.

    Args:
        bot_token: what the Web API takes.
        app_token: what opens a socket.
        signing_secret: what requests to the app are signed with, once there is a `request_url`.
        limits: whether Slack's rates are enforced.
    """

    def __init__(self, bot_token: str, app_token: str, signing_secret: str = "", *, limits: bool = False) -> None:
        super().__init__(signing_secret)
        self.bot_token = bot_token
        self.app_token = app_token
        self.calls: list[Call] = []
        self.whispers: list[dict[str, Any]] = []
        self.disabled: set[str] = set()
        self.file_tokens: list[str] = []
        self._rates = Rates() if limits else None
        self._faults: dict[str, list[SlackError]] = defaultdict(list)

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

    def refusals(self) -> list[tuple[str, str]]:
        """The calls that were refused: method and error."""
        return [(call.method, call.error) for call in self.calls if call.error]

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
            if self._rates is not None:
                self._rates.count(method, str(call.params.get("channel", "")), self.clock())
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
            "views.open": self._open_view,
            "views.update": self._update_view,
            "files.info": self._file_info,
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
        self._show(channel, self.messages[channel][ts])
        return {"channel": channel, "ts": ts, "message": self.messages[channel][ts]}

    def _update(self, params: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(params["channel"])
        message = self.messages[channel].get(params["ts"])
        if message is None:
            raise SlackError("message_not_found")
        if message["user"] != BOT_USER:
            raise SlackError("cant_update_message")
        message |= {key: params[key] for key in ("text", "blocks") if key in params}
        self._show(channel, message)
        return {"channel": channel, "ts": params["ts"], "text": message["text"]}

    def _post_ephemeral(self, params: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(params["channel"])
        self._whisper(channel, params["user"], params["text"])
        return {"message_ts": self._ts()}

    def _open(self, params: dict[str, Any]) -> dict[str, Any]:
        user = params.get("users", "")
        if user not in self._users:
            raise SlackError("user_not_found")
        if user in self.disabled:
            raise SlackError("user_disabled")
        return {"channel": {"id": self._users[user]}}

    def _user_info(self, params: dict[str, Any]) -> dict[str, Any]:
        user = params.get("user", "")
        if user not in self._users:
            raise SlackError("user_not_found")
        shown = {"id": user, "team_id": TEAM, "name": user.lower(), **self.profiles[user]}
        if str(params.get("include_locale", "0")) not in ("true", "1", "True"):
            del shown["locale"]
        return {"user": shown}

    def _open_view(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"view": {"id": self.open_modal(params["trigger_id"], params["view"]), **params["view"]}}

    def _update_view(self, params: dict[str, Any]) -> dict[str, Any]:
        found = [modal for modal in self.modals.values() if modal.id == params.get("view_id")]
        if not found:
            raise SlackError("not_found")
        found[0].view = params["view"]
        return {"view": {"id": found[0].id, **params["view"]}}

    def _file_info(self, params: dict[str, Any]) -> dict[str, Any]:
        if params.get("file") not in self.files:
            raise SlackError("file_not_found")
        return {"file": self.file_object(params["file"])}

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
            shared = {"user": BOT_USER, "text": params.get("initial_comment", ""), "blocks": []}
            ts = self._ts()
            self.messages[channel][ts] = {"ts": ts, **shared, "files": [{"id": one["id"], **file}]}
            self._show(channel, self.messages[channel][ts])
        return {"files": [{"id": one["id"]} for one in params["files"]]}

    def _show(self, channel: str, message: dict[str, Any]) -> None:
        self.on_seen(channel.removeprefix("D"), message)

    def _whisper(self, channel: str, user: str, text: str) -> None:
        whisper = {"channel": channel, "user": user, "text": text}
        self.whispers.append(whisper)
        self.on_seen(user, whisper)

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
        if place is None or not self.is_alive(place):
            self.calls.append(Call("response_url", {}, "used_url"))
            await self.notify()
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
            self._show(place.channel, self.messages[place.channel][place.ts])
        else:
            self._whisper(place.channel, place.user, given["text"])
        await self.notify()
        return web.Response(text="ok")


async def _given(request: web.Request) -> dict[str, Any]:
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        given |= await request.json()
    elif request.can_read_body:
        given |= dict(await request.post())
    return given
