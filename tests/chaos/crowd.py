"""Everybody who works through a round, in the web chat and on Telegram, with one ledger of what they were told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from demo.chat import Chat
from demo.web_chat import WebChat, new_transport
from tests.acceptance.people import Labeler, Ledger
from tests.chaos.gate import Gate
from tests.chaos.telegram import UnsteadyPlatform

LABELS = ("Yes", "No", "Unsure")
WEB_PEOPLE, TELEGRAM_PEOPLE, DAWDLERS = 7, 4, 2
PEOPLE = WEB_PEOPLE + TELEGRAM_PEOPLE + DAWDLERS
THINK_SECONDS = (0.3, 1.2)
DAWDLE_SECONDS = (4.0, 25.0)
"""Long enough for leases to run out, and for answers to come too late."""
UNDO_SHARE = 0.15
RIGHT = 0.85
PATIENCE_SECONDS = 90.0


@dataclass
class Crowd:
    """The people of a round. steady: names of those who answer at the pace of people who want to."""

    ledger: Ledger
    gate: Gate
    labelers: list[Labeler] = field(default_factory=list)
    steady: list[str] = field(default_factory=list)

    async def have_all_answered(self, seconds: float) -> None:
        """Wait until everybody who is steady was told of one more answer that is saved.

        Raises:
            AssertionError: somebody was not, within `seconds`.
        """
        before = dict(self.ledger.by_person)

        def waiting() -> list[str]:
            return [name for name in self.steady if self.ledger.by_person[name] <= before.get(name, 0)]

        try:
            async with asyncio.timeout(seconds):
                while waiting():
                    await self.ledger.more()
        except TimeoutError:
            raise AssertionError(f"no answer of {waiting()} was saved within {seconds} s") from None


@asynccontextmanager
async def at_work(
    url: str, platform: UnsteadyPlatform, code: str, texts: list[str], ledger: Ledger, seed: int
) -> AsyncIterator[Crowd]:
    """Everybody joins and works, until the block ends."""
    crowd, over = Crowd(ledger, Gate()), asyncio.Event()
    transport = new_transport(WEB_PEOPLE + DAWDLERS)
    thinking = memories(texts, seed)
    for number in range(PEOPLE):
        on_telegram = WEB_PEOPLE <= number < WEB_PEOPLE + TELEGRAM_PEOPLE
        chat: Chat = platform.phone() if on_telegram else WebChat(url, transport, PATIENCE_SECONDS)
        name = f"Person {number}"
        await chat.join(code, name)
        # On Telegram an old state of a message may come late: whoever takes back what it shows, errs.
        undo = 0.0 if on_telegram else UNDO_SHARE
        labeler = Labeler(name, thinking[number], chat, ledger, seed * PEOPLE + number, undo, crowd.gate.turn)
        crowd.labelers.append(labeler)
    crowd.steady += [one.name for one in crowd.labelers[: WEB_PEOPLE + TELEGRAM_PEOPLE]]
    try:
        async with asyncio.TaskGroup() as group:
            for number, labeler in enumerate(crowd.labelers):
                think = THINK_SECONDS if number < WEB_PEOPLE + TELEGRAM_PEOPLE else DAWDLE_SECONDS
                group.create_task(labeler.work(over.is_set, think))
            try:
                yield crowd
            finally:
                over.set()
    finally:
        await transport.aclose()


def memories(texts: list[str], seed: int) -> list[dict[str, str]]:
    """What each person thinks: mostly the truth, each with mistakes of their own."""
    dice = random.Random(seed)
    truth = {text: dice.choice(LABELS) for text in texts}
    return [
        {text: label if dice.random() < RIGHT else dice.choice(LABELS) for text, label in truth.items()}
        for _ in range(PEOPLE)
    ]
