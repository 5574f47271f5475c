"""People in the web chat who answer as fast as they can, or at a steady pace, and how long each answer took."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from demo.chat import Bubble
from demo.web_chat import WebChat, new_transport

LABELS = ("Yes", "No", "Unsure")
PEOPLE = 24
RIGHT = 0.8
PATIENCE_SECONDS = 60.0


@dataclass
class Person:
    """One of them, at their present card."""

    chat: WebChat
    dice: random.Random
    card: Bubble | None = None
    waits: list[float] = field(default_factory=list)
    """Seconds from each tap to the next card."""

    async def answer(self) -> None:
        """Answer the present card; where there is none, ask for one."""
        if self.card is None or self.card.kind != "card":
            self.card = (await self.chat.say("/next", again=True)).last()
            return
        truth = LABELS[len(self.card.item) % len(LABELS)]
        label = truth if self.dice.random() < RIGHT else self.dice.choice(LABELS)
        button = self.card.answering(label)
        assert button is not None, self.card
        began = time.monotonic()
        said = await self.chat.tap(self.card, button)
        if said.acknowledged:
            self.waits.append(time.monotonic() - began)
        self.card = said.last()


@asynccontextmanager
async def people(url: str, code: str) -> AsyncIterator[list[Person]]:
    """Everybody has joined; they leave with the end of the block."""
    transport = new_transport(PEOPLE)
    joined = [Person(WebChat(url, transport, PATIENCE_SECONDS), random.Random(number)) for number in range(PEOPLE)]
    for number, person in enumerate(joined):
        await person.chat.join(code, f"Person {number}")
    try:
        yield joined
    finally:
        await transport.aclose()


async def work(joined: Sequence[Person], seconds: float, per_second: float | None = None) -> float:
    """Let all of them answer for so long; returns the answers per second.

    Args:
        per_second: of all together; as fast as they can where nothing is said.
    """
    before, end = answered(joined), time.monotonic() + seconds
    pause = len(joined) / per_second if per_second else 0.0

    async def keep_on(person: Person, first: float) -> None:
        due = first
        while (now := time.monotonic()) < end:
            if due > now:
                await asyncio.sleep(min(due, end) - now)  # the pace is what is asked for; nothing is waited for
                continue
            await person.answer()
            due = max(due + pause, time.monotonic() - pause)

    async with asyncio.TaskGroup() as group:
        for number, person in enumerate(joined):
            group.create_task(keep_on(person, time.monotonic() + pause * number / len(joined)))
    return (answered(joined) - before) / seconds


def answered(joined: Sequence[Person]) -> int:
    """How many answers were acknowledged so far."""
    return sum(len(person.waits) for person in joined)
