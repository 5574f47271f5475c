"""Serving for real: the free port, the busy port, and a stop that waits for nobody."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any

import httpx
import pytest

from bot.surface import Message, Outcome, Send
from bot.surfaces.web import WebSurface
from core.errors import SettingsError
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.mailbox import MemoryMailbox
from tests.unit.bot.conftest import KEY, sentence
from tests.waiting import until


@asynccontextmanager
async def serving(surface: WebSurface, dispatch: ScriptedDispatch) -> AsyncIterator[str]:
    running = asyncio.create_task(surface.run(dispatch))
    try:
        port = await surface.listening()
        yield f"http://127.0.0.1:{port}"
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_free_port_is_taken_and_served() -> None:
    surface = WebSurface(MemoryMailbox(), sentence, signing_key=KEY, port=0)
    dispatch = ScriptedDispatch(Outcome((Send(Message(text="Welcome.")),)))
    async with serving(surface, dispatch) as url, httpx.AsyncClient(base_url=url) as client:
        body = (await client.post("/api/join", json={"code": "x", "name": "Ada"})).json()
        assert body["messages"][0]["content"]["text"] == "Welcome."
        assert "server" not in (await client.get("/")).headers


async def test_a_stop_does_not_wait_for_long_polls_and_frees_the_port() -> None:
    mailbox = MemoryMailbox()
    surface = WebSurface(mailbox, sentence, signing_key=KEY, port=0)
    dispatch = ScriptedDispatch(Outcome((Send(Message(text="Welcome.")),)))
    async with httpx.AsyncClient(timeout=30) as client:
        async with serving(surface, dispatch) as url:
            await client.post(f"{url}/api/join", json={"code": "x", "name": "Ada"})
            waiting = asyncio.create_task(client.get(f"{url}/api/messages?after=1&wait=25"))
            await until(lambda: surface._chat.bell._listeners)
            started = monotonic()
        assert monotonic() - started < 20  # the poll itself would go on for 25
        assert (await waiting).json() == {"messages": [], "revision": 1}
        again = WebSurface(mailbox, sentence, signing_key=KEY, port=surface.port)
        async with serving(again, dispatch) as same:
            assert same == url
            assert (await client.get(f"{url}/api/messages")).json()["revision"] == 1


async def test_a_busy_port_is_one_sentence() -> None:
    surface = WebSurface(MemoryMailbox(), sentence, signing_key=KEY, port=0)
    async with serving(surface, ScriptedDispatch()):
        second = WebSurface(MemoryMailbox(), sentence, signing_key=KEY, port=surface.port)
        with pytest.raises(SettingsError, match="LIGHTWORK_WEB_PORT"):
            await second.run(ScriptedDispatch())


async def test_answers_are_not_delayed_by_nagle(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted: list[socket.socket] = []

    def accept(listener: socket.socket) -> tuple[socket.socket, Any]:
        connection, address = original(listener)
        accepted.append(connection)
        return connection, address

    original = socket.socket.accept
    monkeypatch.setattr(socket.socket, "accept", accept)
    surface = WebSurface(MemoryMailbox(), sentence, signing_key=KEY, port=0)
    async with serving(surface, ScriptedDispatch()) as url, httpx.AsyncClient(base_url=url) as client:
        await client.get("/healthz")
        assert [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in accepted] == [1]


async def test_a_surface_that_ran_before_waits_again() -> None:
    surface = WebSurface(MemoryMailbox(), sentence, signing_key=KEY, port=0)
    dispatch = ScriptedDispatch(Outcome((Send(Message(text="Welcome.")),)))
    async with serving(surface, dispatch):
        pass
    async with serving(surface, dispatch) as url, httpx.AsyncClient(base_url=url) as client:
        await client.post("/api/join", json={"code": "x", "name": "Ada"})
        waiting = asyncio.create_task(client.get("/api/messages?after=1&wait=20"))
        await until(lambda: surface._chat.bell._listeners)
        await surface.send(dispatch.events[0].person.external_id, Message(text="There is work."))
        assert [message["content"]["text"] for message in (await waiting).json()["messages"]] == ["There is work."]
