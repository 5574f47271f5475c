"""Telegram on a bad day: updates come twice, late, in another order or never; calls fail, or their answers."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from aiohttp import web

from demo.inbox import Inbox
from demo.telegram_chat import TOKEN, TelegramPlatform
from tests.chaos.phone import Phone
from tests.fakes.telegram_floods import Floods
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_spec import ApiError

STEADY = ""
DUPLICATED, REORDERED, LOST, CUT, FLOODS, ERRORS = "duplicated", "reordered", "lost", "cut", "floods", "errors"
SHARE = 0.6
"""Of updates or calls, that a spell hits."""
HELD_TOGETHER = 3
ERRORS_OF_TELEGRAM = ((500, "Internal Server Error"), (502, "Bad Gateway"), (503, "Service Unavailable"))


class Moods(Floods):
    """Telegram's own limits, and refusals without a reason while a spell lasts."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self.spell = STEADY
        self._dice = dice

    def check(self, method: str, chat_id: object) -> None:
        """Count a call. Raises `ApiError` where it comes too soon, or the spell wants it."""
        if self.spell in (FLOODS, ERRORS) and self._dice.random() < SHARE:
            if self.spell == FLOODS:
                raise ApiError(429, "Too Many Requests: retry after 1", 1)
            raise ApiError(*self._dice.choice(ERRORS_OF_TELEGRAM))
        super().check(method, chat_id)


class UnsteadyServer(TelegramServer):
    """One spell at a time."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._moods = Moods(self._dice)
        super().__init__(TOKEN, limits=self._moods)
        self._held: list[dict[str, Any]] = []

    async def cast(self, spell: str) -> None:
        """From now on this goes wrong; `STEADY` is the end of it, and brings what was held back."""
        self._moods.spell = spell
        await self._release()

    async def deliver(self, content: dict[str, Any]) -> dict[str, Any]:
        """Put an update into the queue, in the manner of the spell."""
        spell = self._moods.spell
        if spell == LOST and self._dice.random() < SHARE:
            return {"update_id": 0, **content}
        if spell == REORDERED:
            self._held.append(content)
            if len(self._held) >= HELD_TOGETHER:
                await self._release()
            return {"update_id": 0, **content}
        update = await super().deliver(content)
        if spell == DUPLICATED and self._dice.random() < SHARE:
            await super().deliver(content)
        return update

    async def _release(self) -> None:
        held, self._held = self._held, []
        self._dice.shuffle(held)
        for content in held:
            await super().deliver(content)

    async def _call(self, request: web.Request) -> web.Response:
        """Answer a call; a connection that is cut takes the answer with it, after the call was carried out."""
        response = await super()._call(request)
        if self._moods.spell == CUT and self._dice.random() < SHARE and request.transport is not None:
            request.transport.abort()
            await asyncio.sleep(0)
        return response


class UnsteadyPlatform(TelegramPlatform):
    """The people who are on that Telegram."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.unsteady = UnsteadyServer(seed)
        self.unsteady.on_seen = self._seen
        self.server = self.unsteady

    def phone(self) -> Phone:
        """The phone of one more person."""
        user = next(self._ids)
        inbox = self._inboxes[str(user)] = Inbox()
        return Phone(self.unsteady, user, inbox)
