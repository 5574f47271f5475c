"""People who answer items of a job through dispatch, each with a pause before the next, until they are called off."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

from sqlalchemy import Engine, select

from bot.dispatch import Dispatcher
from bot.surface import Command, Edit, Message, Outcome, Person, Send, Tapped
from bot.tokens import make
from core.clock import now
from core.config import Settings
from core.db import unit_of_work
from core.db.writer import make_writer
from core.enrolment import create_invite
from core.models import Workspace
from core.queue import connect

PAUSE_SECONDS = 0.5
"""Between a card and its answer; nobody is faster for long."""


class Crowd:
    """Work in an `async with`: they answer as long as its body runs."""

    def __init__(self, settings: Settings, engine: Engine, people: int) -> None:
        self._settings, self._engine, self._people = settings, engine, people
        self._waits: list[float] = []
        self._over = asyncio.Event()
        self._working: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Crowd:
        with unit_of_work(self._engine, lambda effects: None) as session:
            workspace_id = session.scalars(select(Workspace.id)).one()
            code = create_invite(session, workspace_id, "worker", max(1, self._people), now())
        self._writer = make_writer(self._engine, lambda effects: None)
        self._dispatch = Dispatcher(self._settings, self._writer, connect("redis://127.0.0.1:1"), self._engine)
        cards = [await self._join(number, code) for number in range(self._people)]
        self._working = [asyncio.create_task(self._work(number, card)) for number, card in enumerate(cards)]
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        await asyncio.gather(*self._working)
        await asyncio.to_thread(self._writer.close)

    def waits(self) -> dict[str, float]:
        """Number of taps, and milliseconds from a tap to the next card; empty where nobody tapped."""
        waits = sorted(self._waits)
        if not waits:
            return {}
        shares = {"p50_ms": 0.5, "p99_ms": 0.99, "worst_ms": 1.0}
        found = {name: waits[min(int(len(waits) * share), len(waits) - 1)] * 1000 for name, share in shares.items()}
        return {"people": self._people, "taps": len(waits)} | found

    async def _join(self, number: int, code: str) -> Message:
        person = _person(number)
        await self._dispatch(Command(person, "start", code))
        await self._dispatch(Tapped(person, make("agree")))
        return _shown(await self._dispatch(Command(person, "next")))

    async def _work(self, number: int, card: Message) -> None:
        await asyncio.sleep(PAUSE_SECONDS * number / self._people)
        while not self._over.is_set():
            started = time.perf_counter()
            outcome = await self._dispatch(Tapped(_person(number), card.buttons[0][0].payload))
            card = _shown(await outcome.follow_up if outcome.follow_up is not None else outcome)
            self._waits.append(time.perf_counter() - started)
            await asyncio.sleep(PAUSE_SECONDS)


def _person(number: int) -> Person:
    return Person("web", "", f"p{number}", f"p{number}", locale="en")


def _shown(outcome: Outcome) -> Message:
    """The card in an outcome."""
    return next(reply.message for reply in outcome.replies if isinstance(reply, (Edit, Send)))
