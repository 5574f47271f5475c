"""The web chat: a surface of our own, for people with nothing but a browser and for scripts that act as people."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from bot.surface import Dispatch, Mailbox, Message, MessageRef, Rejected, Sentence, SurfaceError
from bot.surfaces.web_chat import BOT, Chat
from bot.surfaces.web_http import Guard, Hosts, Refusals, WebRefusal
from bot.surfaces.web_late import LateReplies
from bot.surfaces.web_page import Page
from bot.surfaces.web_routes import Desk, Endpoints
from bot.surfaces.web_session import SURFACE, Sessions
from core.errors import SettingsError
from core.ids import is_public_id
from core.lanes import Lane
from core.log import get_logger

BACKLOG: Final = 1024
KEEP_ALIVE_SECONDS: Final = 75
SHUTDOWN_SECONDS: Final = 3

log = get_logger(__name__)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the process that runs all surfaces decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebSurface:
    """The surface "web".

    Args:
        mailbox: where the bubbles are kept.
        sentence: the sentence of an error in a locale.
        signing_key: signs the cookies.
        host, port: where to listen; port 0 takes a free one, see `port`.
        origin: public address behind a proxy, like https://label.example.org, or empty.
        max_upload_bytes: size of the largest file.
    """

    name = SURFACE

    def __init__(
        self,
        mailbox: Mailbox,
        sentence: Sentence,
        *,
        signing_key: str,
        host: str = "127.0.0.1",
        port: int = 8080,
        origin: str = "",
        max_upload_bytes: int = 50_000_000,
    ) -> None:
        self.host = host
        self.port = port
        """Once `listening` has returned: the real one."""
        self._chat = Chat(mailbox)
        self._sentence = sentence
        self._sessions = Sessions(signing_key)
        self._hosts = Hosts(host, origin)
        self._page = Page(max_upload_bytes)
        self._max_upload_bytes = max_upload_bytes
        self._late = LateReplies(self._chat, sentence)
        self._listening = asyncio.Event()

    def app(self, dispatch: Dispatch) -> ASGIApp:
        """The ASGI application; `run` serves it."""
        refusals = Refusals(self._sentence)
        desk = Desk(dispatch, self._chat, self._sessions, self._late, self._page, self._max_upload_bytes)
        handlers = {WebRefusal: refusals.refused, HTTPException: refusals.http, Exception: refusals.crashed}
        inner = Starlette(routes=Endpoints(desk).routes(), exception_handlers=handlers)
        return Guard(inner, self._hosts, refusals)

    async def run(self, dispatch: Dispatch) -> None:
        """Serve until cancelled; then let requests finish, at most 3 s. May run again after that.

        Raises:
            SettingsError: the address cannot be listened on.
            SurfaceError: the server has ended by itself.
        """
        listener = _listen(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._chat.bell.open()
        server = _Server(_config(self.app(dispatch)))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        self._listening.set()
        log.info("web_listening", host=self.host, port=self.port)
        try:
            await asyncio.shield(serving)
        finally:
            self._listening.clear()
            server.should_exit = True
            self._chat.bell.close()
            await asyncio.wait({serving})
            listener.close()
            await self._late.close()
        raise SurfaceError("the web server has stopped")

    async def listening(self) -> int:
        """Wait until connections are accepted; returns the real port."""
        await self._listening.wait()
        return self.port

    async def send(self, address: str, message: Message, lane: Lane = Lane.NOTICE) -> MessageRef:  # noqa: ARG002
        """Put a bubble into a chat and wake who waits for it.

        Raises:
            Rejected: `address` is none of this surface's.
        """
        if not is_public_id(address):
            raise Rejected("this is no address of the web chat")
        row = await self._chat.put(address, BOT, message)
        return MessageRef(address, row["id"])

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace a bubble.

        Raises:
            Rejected: `ref` is none of this surface's.
        """
        if not (is_public_id(ref.address) and is_public_id(ref.message)):
            raise Rejected("this is no message of the web chat")
        await self._chat.put(ref.address, BOT, message, ref.message)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay of 40 ms off only where the protocol is named; connections inherit it from here.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(BACKLOG)
        return listener
    except OSError as error:
        listener.close()
        reason = error.strerror or str(error)
        raise SettingsError(
            f"The web chat cannot listen on {host}:{port} ({reason}): "
            "stop the program that has this port, or set LIGHTWORK_WEB_HOST and LIGHTWORK_WEB_PORT."
        ) from None


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
