"""The web chat over a mailbox in memory, driven through ASGI without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from bot.surface import Message, Outcome, Send
from bot.surfaces.web import WebSurface
from core.errors import LightworkError
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.mailbox import MemoryMailbox

KEY = "k" * 64
BASE = "http://127.0.0.1:8080"


def sentence(error: LightworkError, locale: str) -> str:
    """A text catalogue of one entry: code and parameters."""
    return f"{locale or 'en'}: {error.code} {error.params}"


class WebChat:
    """A web surface under test, and as many browsers as a test wants."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.mailbox = MemoryMailbox()
        self.dispatch = ScriptedDispatch()
        self.surface = self.build()

    def build(self, **options: Any) -> WebSurface:
        """A surface over the same mailbox, as after a restart."""
        settings: dict[str, Any] = {"signing_key": KEY, "max_upload_bytes": 10_000, **options}
        self.surface = WebSurface(self.mailbox, sentence, **settings)
        return self.surface

    async def browser(self, **options: Any) -> httpx.AsyncClient:
        """A client without a session."""
        transport = httpx.ASGITransport(self.surface.app(self.dispatch), client=("203.0.113.7", 4711))
        client = httpx.AsyncClient(transport=transport, base_url=BASE, timeout=30, **options)
        return await self._stack.enter_async_context(client)

    async def joined(self, name: str = "Ada") -> httpx.AsyncClient:
        """A client that has joined and been welcomed."""
        client = await self.browser()
        self.dispatch.answers.append(Outcome((Send(Message(text=f"Welcome, {name}.")),)))
        response = await client.post("/api/join", json={"code": "abcdefghijklmnop", "name": name})
        assert response.status_code == 200, response.text
        return client

    def last_person(self) -> str:
        """External id of whoever acted last."""
        return self.dispatch.events[-1].person.external_id


@pytest.fixture
async def web() -> AsyncIterator[WebChat]:
    """A web chat of its own."""
    async with AsyncExitStack() as stack:
        yield WebChat(stack)
