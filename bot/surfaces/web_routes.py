"""The HTTP interface, endpoint by endpoint; docs/web-chat.md is its description."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from bot.surface import (
    Command,
    Dispatch,
    Edit,
    Event,
    Message,
    MessageRef,
    Outcome,
    Person,
    Said,
    Send,
    Tapped,
    Toast,
    Uploaded,
)
from bot.surfaces.web_chat import PERSON, Chat, public_rows
from bot.surfaces.web_content import clean, safe_file_name
from bot.surfaces.web_http import WebRefusal, count_field, read_json, text_field
from bot.surfaces.web_late import LateReplies, settled
from bot.surfaces.web_page import Page
from bot.surfaces.web_session import Session, Sessions, clean_name, person_of
from bot.surfaces.web_upload import receive_upload
from core.ids import is_public_id, new_public_id

WAIT_SECONDS: Final = 25.0
TEXT_LIMIT: Final = 20_000
PAYLOAD_LIMIT: Final = 64
CODE_LIMIT: Final = 300
MEDIA_TYPE: Final = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,100}(; ?charset=[\w-]{1,20})?", re.ASCII)
_COMMAND = re.compile(r"/([A-Za-z][\w-]*)(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Desk:
    """All that the endpoints work with."""

    dispatch: Dispatch
    chat: Chat
    sessions: Sessions
    late: LateReplies
    page: Page
    max_upload_bytes: int


@dataclass(frozen=True, slots=True)
class _Turn:
    """One thing that a person does: from which revision on its answer counts, and what was tapped."""

    person: Person
    base: int
    everything: bool
    """The person said up to which revision they know the chat: the answer holds all that is newer."""
    tapped: str | None = None
    own: tuple[dict[str, Any], ...] = ()
    """Stored rows of what the person has said."""


class Endpoints:
    """The handlers. Each translates in, dispatches, and translates out."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """The routing table; what is hit most comes first."""
        return [
            Route("/api/tap", self.tap, methods=["POST"]),
            Route("/api/messages", self.messages, methods=["GET"]),
            Route("/api/text", self.text, methods=["POST"]),
            Route("/api/upload", self.upload, methods=["POST"]),
            Route("/api/join", self.join, methods=["POST"]),
            Route("/api/files/{message_id}", self.file, methods=["GET"]),
            Route("/", self.home, methods=["GET"]),
            Route("/join/{code}", self.invited, methods=["GET"]),
            Route("/static/{name}", self._desk.page.static, methods=["GET"]),
            Route("/healthz", self.health, methods=["GET"]),
        ]

    async def home(self, request: Request) -> Response:
        """The chat for who has joined, else the request for an invite link."""
        session = self._desk.sessions.read(request)
        return self._desk.page.show("chat", name=session.name) if session else self._desk.page.show("locked")

    async def invited(self, request: Request) -> Response:
        """The join form. Link previews open links too, so opening one does not consume the code."""
        session = self._desk.sessions.read(request)
        code = request.path_params["code"]
        name = session.name if session else ""
        return self._desk.page.show("join", code=code if len(code) <= CODE_LIMIT else "", name=name)

    async def health(self, _request: Request) -> Response:
        """That the process answers."""
        return JSONResponse({"status": "ok"})

    async def join(self, request: Request) -> Response:
        """Present an invite code: a new account, or another role for the one whose cookie came along."""
        body = await read_json(request)
        code = clean(text_field(body, "code", CODE_LIMIT)).strip().rstrip("/").rsplit("/", 1)[-1]
        name = clean_name(text_field(body, "name", 1000))
        known = self._desk.sessions.read(request)
        session = known or Session(new_public_id(), name)
        session = replace(session, name=name or session.name)
        person = person_of(session, request)
        base = await self._desk.chat.revision(person.external_id) if known else 0
        # Whether the code counts decides about the cookie, so even a late commit is waited for.
        outcome = await settled(await self._desk.dispatch(Command(person, "start", code)))
        if outcome.refused is not None:
            return JSONResponse({"error": outcome.refused, "message": _sentences(outcome)}, 403)
        turn = _Turn(person, base, everything=False)
        response = await self._answer(turn, outcome)
        self._desk.sessions.write(request, response, session)
        return response

    async def messages(self, request: Request) -> Response:
        """What is new, now or as soon as there is something."""
        session = self._session(request)
        after = count_field(request.query_params.get("after"), "after") or 0
        rows = await self._desk.chat.wait(session.external_id, after, _seconds(request), request.is_disconnected)
        return JSONResponse({"messages": rows, "revision": rows[-1]["revision"] if rows else after})

    async def tap(self, request: Request) -> Response:
        """Press a button."""
        session = self._session(request)
        body = await read_json(request)
        payload = text_field(body, "payload", PAYLOAD_LIMIT)
        if not payload:
            raise WebRefusal(400, "web_bad_field", field="payload", limit=PAYLOAD_LIMIT)
        message = text_field(body, "message", PAYLOAD_LIMIT)
        tapped = await self._desk.chat.owned(session.external_id, message) if message else None
        turn = replace(await self._turn(request, session, body.get("after")), tapped=tapped)
        ref = MessageRef(session.external_id, tapped) if tapped else None
        return await self._do(turn, Tapped(turn.person, clean(payload), ref))

    async def text(self, request: Request) -> Response:
        """Say something, or give a command."""
        session = self._session(request)
        body = await read_json(request)
        text = body.get("text")
        if isinstance(text, str) and len(text) > TEXT_LIMIT:
            raise WebRefusal(400, "web_text_too_long", limit=TEXT_LIMIT)
        text = clean(text_field(body, "text", TEXT_LIMIT)).strip()
        if not text:
            raise WebRefusal(400, "web_text_empty")
        turn = await self._turn(request, session, body.get("after"))
        turn = await self._say(turn, Message(text=text))
        return await self._do(turn, _spoken(turn.person, text))

    async def upload(self, request: Request) -> Response:
        """Hand in a file."""
        session = self._session(request)
        turn = await self._turn(request, session, request.query_params.get("after"))
        directory = TemporaryDirectory(prefix="lightwork-upload-", ignore_cleanup_errors=True)
        late = False
        try:
            got = await receive_upload(request, Path(directory.name), self._desk.max_upload_bytes)
            turn = await self._say(turn, Message(kind="file", heading=got.name, text=got.caption))
            event = Uploaded(turn.person, got.name, got.path, got.caption)
            outcome = await self._desk.dispatch(event)
            late = outcome.late
            return await self._answer(turn, outcome, directory.cleanup)
        finally:
            if not late:
                directory.cleanup()

    async def file(self, request: Request) -> Response:
        """The attachment of one of the caller's own bubbles."""
        session = self._session(request)
        message_id = request.path_params["message_id"]
        row = await self._desk.chat.find(session.external_id, message_id) if is_public_id(message_id) else None
        attachment = row["content"].get("attachment") if row else None
        if not attachment:
            raise WebRefusal(404, "web_not_found")
        path = Path(attachment["path"])
        if not await asyncio.to_thread(path.is_file):
            raise WebRefusal(410, "web_file_gone")
        media_type = attachment["media_type"]
        return FileResponse(
            path,
            media_type=media_type if MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream",
            filename=safe_file_name(attachment["name"]),
        )

    def _session(self, request: Request) -> Session:
        session = self._desk.sessions.read(request)
        if session is None:
            raise WebRefusal(401, "web_no_session")
        return session

    async def _turn(self, request: Request, session: Session, after: object) -> _Turn:
        known = count_field(after, "after")
        base = await self._desk.chat.revision(session.external_id) if known is None else known
        return _Turn(person_of(session, request), base, everything=known is not None)

    async def _say(self, turn: _Turn, message: Message) -> _Turn:
        own = await self._desk.chat.put(turn.person.external_id, PERSON, message)
        return replace(turn, own=(own,))

    async def _do(self, turn: _Turn, event: Event) -> Response:
        return await self._answer(turn, await self._desk.dispatch(event))

    async def _answer(self, turn: _Turn, outcome: Outcome, done: Callable[[], None] = lambda: None) -> Response:
        external_id = turn.person.external_id
        if outcome.late:
            if not self._desk.late.full():
                self._desk.late.take(external_id, outcome, turn.tapped, turn.person.locale, done)
                return JSONResponse({**await self._news(turn, turn.own), "late": True}, 202)
            try:
                outcome = await settled(outcome)
            finally:
                done()
        shown = await self._desk.chat.show(external_id, outcome.replies, turn.tapped)
        news = await self._news(turn, (*turn.own, *shown.rows))
        return JSONResponse({**news, "toast": shown.toast, "refused": outcome.refused})

    async def _news(self, turn: _Turn, written: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        rows = public_rows(written)
        if turn.everything:
            rows = await self._desk.chat.since(turn.person.external_id, turn.base, written)
        revision = rows[-1]["revision"] if rows else turn.base
        self._desk.chat.seen(turn.person.external_id, revision)
        return {"messages": rows, "revision": revision, "toast": None, "refused": None, "late": False}


def _spoken(person: Person, text: str) -> Event:
    command = _COMMAND.fullmatch(text)
    if command is None:
        return Said(person, text)
    return Command(person, command[1].lower(), (command[2] or "").strip())


def _seconds(request: Request) -> float:
    text = request.query_params.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0.0 <= seconds < float("inf"):
        raise WebRefusal(400, "web_bad_field", field="wait", limit=WAIT_SECONDS)
    return min(seconds, WAIT_SECONDS)


def _sentences(outcome: Outcome) -> str:
    """What the replies say, as one text."""
    said = []
    for reply in outcome.replies:
        match reply:
            case Send(message) | Edit(message):
                said.append(message.plain())
            case Toast(text):
                said.append(text)
    return "\n\n".join(said)
