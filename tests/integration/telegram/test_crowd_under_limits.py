"""Two hundred people tap in a closed loop, offers go out beside them, and Telegram never has to say 429."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.limits import Budget, SharedBuckets
from bot.surface import Edit, Event, Message, Outcome, Rate, Send, Tapped, Toast
from core.lanes import Lane
from tests.fakes.surfaces import Memory, card, running
from tests.fakes.telegram_floods import Floods
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import TOKEN, make

SPEED = 3.0
"""Seconds of Telegram's in one of the test's."""
PEOPLE = range(1000, 1200)
ITEMS = 2
OFFERS = 40


class Faster(Budget):
    """The rates on the test's clock."""

    async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
        """As `Budget.admit`."""
        await super().admit([replace(rate, per_second=rate.per_second * SPEED) for rate in rates], lane)


@pytest.fixture
async def limited() -> AsyncIterator[TelegramServer]:
    fake = TelegramServer(TOKEN, callback_lifetime=15.0 / SPEED, limits=Floods(SPEED))
    await fake.start()
    yield fake
    await fake.stop()


class Game:
    """A dispatch that gives each person one item after another and remembers every answer."""

    def __init__(self) -> None:
        self.taps: Counter[str] = Counter()

    async def __call__(self, event: Event) -> Outcome:
        person = event.person.external_id
        if not isinstance(event, Tapped):
            return Outcome((Send(card("item 0")),))
        self.taps[person] += 1
        return Outcome((Toast("Saved"), Edit(card(f"item {self.taps[person]}"))))


class Crowd:
    """People who tap as soon as they see a new card; `journal` is what they did themselves."""

    def __init__(self, server: TelegramServer) -> None:
        self.server = server
        self.seen: dict[int, str] = {}
        self.journal: Counter[str] = Counter()

    def news(self) -> list[int]:
        """Who sees a card that they have not seen."""
        return [user for user in PEOPLE if self._card(user) not in ("", self.seen.get(user, ""))]

    async def play(self) -> None:
        """Until everybody sees the last item."""
        last = f"item {ITEMS}"
        while not all(last in self.seen.get(user, "") for user in PEOPLE):
            await self.server.until(lambda: self.news() != [], seconds=10.0)
            for user in self.news():
                self.seen[user] = self._card(user)
                if last not in self.seen[user]:
                    await self.server.tap(user, self._first(user)["message_id"], "Sun")
                    self.journal[str(user)] += 1

    def _first(self, user: int) -> dict[str, Any]:
        return next((message for message in self.server.inbox(user) if "reply_markup" in message), {})

    def _card(self, user: int) -> str:
        return str(self._first(user).get("text", ""))


async def test_no_flood_every_tap_answered_and_nothing_lost_or_doubled(
    limited: TelegramServer, redis_url: str, tmp_path: Path
) -> None:
    budgets = [Faster(SharedBuckets(redis_url, "telegram-1")) for _ in range(2)]
    surface = make(limited, Memory(), tmp_path, limiter=budgets[0])
    other_process = make(limited, Memory(), tmp_path, limiter=budgets[1])
    game, crowd = Game(), Crowd(limited)
    for user in PEOPLE:
        await limited.say(user, "/start code")
    async with running(surface, game), asyncio.TaskGroup() as group:
        for user in list(PEOPLE)[:OFFERS]:
            group.create_task(other_process.send(str(user), Message(text="More work is here."), Lane.OFFER))
        await crowd.play()
    await other_process.close()
    for budget in budgets:
        await budget.aclose()
    assert [call.description for call in limited.calls if call.status == 429] == []
    assert game.taps == crowd.journal
    assert sum(crowd.journal.values()) == len(PEOPLE) * ITEMS
    assert len(limited.answers) == len(PEOPLE) * ITEMS, "every tap was answered in time"
    assert sum(message["text"] == "More work is here." for user in PEOPLE for message in limited.inbox(user)) == OFFERS
