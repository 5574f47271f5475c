"""A strict Bot API server on loopback, and the people who talk to the bot through it."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes.telegram_floods import Floods
from tests.fakes.telegram_setup import WEBHOOK_ACTIVE, Setup
from tests.fakes.telegram_spec import ApiError, Upload, check

GET_FILE_LIMIT = 20 * 1000 * 1000
"""https://core.telegram.org/bots/api#getfile: "bots can download files of up to 20MB in size"."""
KEYBOARD_LIMIT = 100
"""https://limits.tginfo.me/en: an inline keyboard has at most 100 buttons."""
ROW_LIMIT = 8
"""https://limits.tginfo.me/en: at most 8 buttons in a row."""
PICTURE_LIMIT = 10 * 1000 * 1000
"""https://core.telegram.org/bots/api#sendphoto: "The photo must be at most 10 MB in size"."""
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")
TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"
BOT = {"id": 42, "is_bot": True, "first_name": "Lightwork", "username": "lightwork_bot"}


@dataclass
class Call:
    """One call of the bot: the method, its parsed parameters, and what was answered."""

    method: str
    params: dict[str, Any]
    status: int = 200
    description: str = ""


@dataclass
class Fault:
    """What the next call of a method gets instead of an answer."""

    status: int
    description: str
    retry_after: int | None = None


class TelegramServer(Setup):
    """State of one bot.

    Args:
        token: the only one it takes.
        callback_lifetime: seconds for which a tap can be answered, see tdlib/telegram-bot-api#699.
        limits: the limits that are on, none where nothing is said.
    """

    def __init__(self, token: str, callback_lifetime: float = 15.0, limits: Floods | None = None) -> None:
        super().__init__()
        self.token = token
        self.callback_lifetime = callback_lifetime
        self.limits = limits
        self.languages: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.calls: list[Call] = []
        self.confirmed = 0
        self.files: dict[str, Upload] = {}
        self.answers: dict[str, str] = {}
        self._ids = itertools.count(1)
        self._update_ids = itertools.count(1000)
        self._faults: dict[str, list[Fault]] = defaultdict(list)
        self._taps: dict[str, float] = {}
        self._tappers: dict[str, int] = {}
        self._poll = 0
        self.open_polls = 0
        """Calls of getUpdates that wait."""

    async def start(self) -> None:
        """Listen."""
        app = web.Application(client_max_size=100_000_000)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        await self.serve(app)

    def fail_next(self, method: str, status: int, description: str, retry_after: int | None = None) -> None:
        """The next call of `method` is refused; called again, the one after it too."""
        self._faults[method].append(Fault(status, description, retry_after))

    def made(self, method: str, status: int = 200) -> list[Call]:
        """The calls of `method` that ended with `status`."""
        return [call for call in self.calls if call.method == method and call.status == status]

    # --- people ---

    async def say(self, user: int, text: str) -> dict[str, Any]:
        """`user` writes to the bot."""
        return await self._message(user, {"text": text})

    async def upload(self, user: int, name: str, content: bytes, caption: str = "", size: int = 0) -> dict[str, Any]:
        """`user` sends a document; `size` pretends another size."""
        file_id = f"file{next(self._ids)}"
        self.files[file_id] = Upload(name, "text/csv", content)
        document = {"file_id": file_id, "file_unique_id": file_id, "file_name": name, "file_size": size or len(content)}
        return await self._message(user, {"document": document, **({"caption": caption} if caption else {})})

    async def tap(self, user: int, message_id: int, button: str) -> dict[str, Any]:
        """`user` taps the button that shows `button`."""
        rows = self.messages[user][message_id]["reply_markup"]["inline_keyboard"]
        data = [found["callback_data"] for row in rows for found in row if found["text"] == button]
        assert len(data) == 1, f"no single button {button!r} in {rows}"
        return await self.forge(user, message_id, data[0])

    async def forge(self, user: int, message_id: int, data: str) -> dict[str, Any]:
        """A tap of a modified client, which sends what it wants."""
        query = {
            "id": str(next(self._ids)),
            "from": self._person(user),
            "chat_instance": str(user),
            "data": data,
            "message": self.messages[user][message_id],
        }
        return await self.deliver({"callback_query": query})

    async def block(self, user: int, blocked: bool = True) -> dict[str, Any]:
        """`user` blocks the bot, or lets it in again."""
        (self.blocked.add if blocked else self.blocked.discard)(user)
        standing = {"user": BOT, "status": "kicked", "until_date": 0}, {"user": BOT, "status": "member"}
        old, new = standing[::-1] if blocked else standing
        parties = {"chat": chat(user), "from": self._person(user), "date": 1}
        return await self.deliver({"my_chat_member": {**parties, "old_chat_member": old, "new_chat_member": new}})

    async def redeliver(self, update: dict[str, Any]) -> dict[str, Any]:
        """The same press once more, under a new update id: an app resends what nobody answered."""
        return await self.deliver({key: value for key, value in update.items() if key != "update_id"})

    async def deliver(self, content: dict[str, Any]) -> dict[str, Any]:
        """Put an update of any content into the queue."""
        update = {"update_id": next(self._update_ids), **content}
        if query := content.get("callback_query"):
            self._taps.setdefault(query["id"], time.monotonic())
            self._tappers[query["id"]] = query["from"]["id"]
        self.queue.append(update)
        await self.notify()
        return update

    def inbox(self, user: int) -> list[dict[str, Any]]:
        """What `user` sees from the bot now, oldest first."""
        return [message for message in self.messages.get(user, {}).values() if message["from"]["is_bot"]]

    def _person(self, user: int) -> dict[str, Any]:
        known = {"first_name": self.names[user]} if user in self.names else {}
        return person(user) | {"language_code": self.languages.get(user, "en"), **known}

    async def _message(self, user: int, content: dict[str, Any]) -> dict[str, Any]:
        message = {"message_id": next(self._ids), "from": self._person(user), "chat": chat(user), "date": 1, **content}
        self.messages.setdefault(user, {})[message["message_id"]] = message
        if content.get("text", "").startswith("/"):
            length = len(content["text"].split()[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return await self.deliver({"message": message})

    # --- the API ---

    async def _call(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        call = Call(method, {})
        try:
            if request.match_info["token"] != self.token:
                raise ApiError(401, "Unauthorized")
            call.params = check(method, await _form(request))
            if self._faults[method]:
                fault = self._faults[method].pop(0)
                raise ApiError(fault.status, fault.description, fault.retry_after)
            if self.limits is not None:
                self.limits.check(method, call.params.get("chat_id"))
            result = await self._methods()[method](call.params)
        except ApiError as error:
            call.status, call.description = error.status, error.description
            answer: dict[str, Any] = {"ok": False, "error_code": error.status, "description": error.description}
            if error.retry_after is not None:
                answer["parameters"] = {"retry_after": error.retry_after}
            return web.json_response(answer, status=error.status)
        else:
            return web.json_response({"ok": True, "result": result})
        finally:
            self.calls.append(call)
            await self.notify()

    def _methods(self) -> dict[str, Callable[[dict[str, Any]], Awaitable[Any]]]:
        return {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "sendMessage": self._send_message,
            "editMessageText": self._edit_message_text,
            "answerCallbackQuery": self._answer_callback_query,
            "sendDocument": self._send_document,
            "sendPhoto": self._send_photo,
            "getFile": self._get_file,
            **self.setup_methods(),
        }

    async def _get_me(self, params: dict[str, Any]) -> dict[str, Any]:
        return BOT

    async def _get_updates(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        """Offsets confirm; a newer call ends an older one with 409, as Telegram does."""
        if self.hook is not None:
            raise ApiError(409, WEBHOOK_ACTIVE)
        self._poll += 1
        mine, offset = self._poll, params.get("offset", 0)
        await self.notify()
        if offset > 0:
            self.confirmed = max(self.confirmed, offset)
            self.queue[:] = [update for update in self.queue if update["update_id"] >= offset]
        kinds = set(params.get("allowed_updates", ())) | {"update_id"}
        self.open_polls += 1
        try:
            async with asyncio.timeout(params.get("timeout", 0)), self._changed:
                await self._changed.wait_for(lambda: bool(self.queue) or self._poll != mine or self.hook is not None)
        except TimeoutError:
            return []
        finally:
            self.open_polls -= 1
        if self.hook is not None:
            raise ApiError(409, "Conflict: terminated by setWebhook request")
        if self._poll != mine:
            raise ApiError(409, "Conflict: terminated by other getUpdates request; make sure that only one runs")
        return [update for update in self.queue if set(update) <= kinds][: params.get("limit", 100)]

    async def _send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._store(params, {"text": params["text"], "entities": params.get("entities", [])})

    async def _send_document(self, params: dict[str, Any]) -> dict[str, Any]:
        upload = params["document"]
        file_id = f"file{next(self._ids)}"
        self.files[file_id] = upload
        document = {"file_id": file_id, "file_unique_id": file_id, "file_name": upload.name}
        return self._store(params, {"document": document, "caption": params.get("caption", "")})

    async def _send_photo(self, params: dict[str, Any]) -> dict[str, Any]:
        upload = params["photo"]
        if len(upload.content) > PICTURE_LIMIT:
            raise ApiError(413, "Request Entity Too Large")
        if not upload.content.startswith(PICTURES):
            raise ApiError(400, "Bad Request: IMAGE_PROCESS_FAILED")
        file_id = f"file{next(self._ids)}"
        self.files[file_id] = upload
        size = {"file_id": file_id, "file_unique_id": file_id, "width": 1, "height": 1}
        return self._store(params, {"photo": [size], "caption": params.get("caption", "")})

    async def _edit_message_text(self, params: dict[str, Any]) -> Any:
        chat_id = self.open_chat(params["chat_id"])
        message = self.messages.get(chat_id, {}).get(params["message_id"])
        if message is None or not message["from"]["is_bot"]:
            raise ApiError(400, "Bad Request: message to edit not found")
        if "text" not in message:
            raise ApiError(400, "Bad Request: there is no text in the message to edit")
        changed = {"text": params["text"], "entities": params.get("entities", [])}
        changed |= _keyboard(params)
        if all(message.get(key) == changed.get(key) for key in ("text", "entities", "reply_markup")):
            raise ApiError(400, "Bad Request: message is not modified: specified new message content is the same")
        message.pop("reply_markup", None)
        message |= changed
        self.on_seen(str(chat_id), message)
        return message

    async def _answer_callback_query(self, params: dict[str, Any]) -> bool:
        query_id = params["callback_query_id"]
        asked = self._taps.get(query_id)
        if asked is None or query_id in self.answers or time.monotonic() - asked > self.callback_lifetime:
            raise ApiError(400, TOO_OLD)
        self.answers[query_id] = params.get("text", "")
        self.on_seen(str(self._tappers[query_id]), {"callback_query_id": query_id, "text": self.answers[query_id]})
        return True

    async def _get_file(self, params: dict[str, Any]) -> dict[str, Any]:
        upload = self.files.get(params["file_id"])
        if upload is None:
            raise ApiError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
        if len(upload.content) > GET_FILE_LIMIT:
            raise ApiError(400, "Bad Request: file is too big")
        known = {"file_id": params["file_id"], "file_unique_id": params["file_id"]}
        return {**known, "file_path": f"documents/{params['file_id']}"}

    async def _download(self, request: web.Request) -> web.Response:
        upload = self.files.get(request.match_info["path"].rpartition("/")[2])
        if request.match_info["token"] != self.token or upload is None:
            raise web.HTTPNotFound
        return web.Response(body=upload.content)

    def _store(self, params: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        chat_id = self.open_chat(params["chat_id"])
        message = {"message_id": next(self._ids), "from": BOT, "chat": chat(chat_id), "date": 1, **content}
        message |= _keyboard(params)
        self.messages[chat_id][message["message_id"]] = message
        self.on_seen(str(chat_id), message)
        return message


def person(user: int) -> dict[str, Any]:
    """A Telegram user."""
    return {"id": user, "is_bot": False, "first_name": f"User {user}", "language_code": "en"}


def chat(user: int) -> dict[str, Any]:
    """The private chat with a user."""
    return {"id": user, "type": "private", "first_name": f"User {user}"}


def _keyboard(params: dict[str, Any]) -> dict[str, Any]:
    markup = params.get("reply_markup")
    if markup is None:
        return {}
    rows = markup.get("inline_keyboard", [])
    if sum(map(len, rows)) > KEYBOARD_LIMIT or any(len(row) > ROW_LIMIT for row in rows):
        raise ApiError(400, "Bad Request: reply markup is too long")
    return {"reply_markup": markup}


async def _form(request: web.Request) -> dict[str, str | Upload]:
    if request.content_type == "application/json":
        given: dict[str, Any] = await request.json()
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
    fields: dict[str, str | Upload] = dict(request.query)
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            fields[name] = Upload(value.filename, value.content_type, value.file.read())
        elif isinstance(value, str):
            fields[name] = value
    return fields
