"""CPU of a tap on Telegram: python-telegram-bot with its default transport, over aiohttp, and our whole surface.

All against the same server in a process of its own, in one run; the ratios count, because machines differ.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import aiohttp
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.request import BaseRequest, HTTPXRequest

from bot.surface import Button, Edit, Event, Message, Outcome, Part, Rate, Toast
from bot.surfaces.telegram import TelegramSurface
from bot.surfaces.telegram_transport import AiohttpRequest
from core.errors import LightworkError
from core.lanes import Lane

TOKEN = "123456789:" + "A" * 35
CARD = Message(
    kind="card",
    heading="What does this tweet say about the weather?",
    parts=(Part("text", "Sunny all weekend here in Portland! I could get used to this."),),
    footer="12 of 40 today",
    progress=0.3,
    buttons=tuple(
        (Button(label, f"answer.abcdefghij234567.{label[:1].lower()}.1"),) for label in ("Good", "Bad", "Skip")
    ),
)
TEXT = CARD.plain()
KEYBOARD = InlineKeyboardMarkup(
    [[InlineKeyboardButton(one.text, callback_data=one.payload) for one in CARD.buttons[0]]]
)


class Unlimited:
    """A limiter that lets everything through: what is measured is the surface."""

    async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
        """At once."""

    async def close(self, rate: Rate, seconds: float) -> None:
        """Nothing."""


class Memory:
    """Offsets and leadership of one process."""

    renew_seconds = 60.0
    offset = 0

    async def load(self) -> int:
        """The last one stored."""
        return self.offset

    async def store(self, offset: int, fence: int = 0) -> bool:
        """Always the leader."""
        self.offset = offset
        return True

    async def take(self) -> int | None:
        """Always the leader."""
        return 1

    async def give_back(self) -> None:
        """Nobody wants it."""


async def library(url: str, request: Callable[[], BaseRequest], people: int, taps: int) -> float:
    """CPU milliseconds for the two calls of a tap through the library alone."""
    bot = Bot(TOKEN, base_url=f"{url}/bot", request=request(), get_updates_request=request())
    await bot.initialize()

    async def work(user: int) -> None:
        for number in range(taps // people):
            await bot.answer_callback_query(str(number), "Saved")
            await bot.edit_message_text(f"{TEXT} {number}", chat_id=user, message_id=5, reply_markup=KEYBOARD)

    await work(1)  # connections and caches
    cpu = time.process_time()
    await asyncio.gather(*(work(user) for user in range(1, people + 1)))
    cpu = time.process_time() - cpu
    await bot.shutdown()
    return cpu / (taps // people * people) * 1000


async def surface(url: str, people: int, taps: int) -> float:
    """CPU milliseconds of a tap through our surface: polling, parsing, order per person, rendering and both calls."""
    memory, counter = Memory(), Counter()
    with tempfile.TemporaryDirectory() as directory:
        made = TelegramSurface(
            TOKEN,
            url,
            offsets=memory,
            leadership=memory,
            limiter=Unlimited(),
            fetch_directory=Path(directory),
            sentence=_sentence,
        )
        async with aiohttp.ClientSession() as session:
            await session.post(f"{url}/begin/{people}")
        running = asyncio.create_task(made.run(counter.dispatch))
        await counter.until(people * 5)  # connections and caches
        cpu, before = time.process_time(), counter.count
        await counter.until(before + taps)
        cpu, done = time.process_time() - cpu, counter.count - before
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    return cpu / done * 1000


class Counter:
    """A dispatch that answers each tap with the next card, and counts."""

    def __init__(self) -> None:
        self.count = 0
        self._wanted = 0
        self._reached = asyncio.Event()

    async def dispatch(self, _event: Event) -> Outcome:
        """One tap."""
        self.count += 1
        if self.count >= self._wanted:
            self._reached.set()
        return Outcome((Toast("Saved"), Edit(CARD)))

    async def until(self, count: int) -> None:
        """Wait for the tap of that number."""
        self._wanted = count
        self._reached.clear()
        await self._reached.wait()


def _sentence(error: LightworkError, _locale: str) -> str:
    return str(error)


async def measure(url: str, crowds: Sequence[int], taps: int) -> list[dict[str, float]]:
    """One row for each number of people who tap at once."""
    rows = []
    for people in crowds:
        default = await library(url, partial(HTTPXRequest, connection_pool_size=people), people, taps)
        ours = await library(url, AiohttpRequest, people, taps)
        whole = await surface(url, people, taps)
        rows.append({"people": people, "default_ms": default, "aiohttp_ms": ours, "surface_ms": whole})
    return rows


def main() -> None:
    """Print a table, and JSON on the last line with --json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--taps", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    command = [sys.executable, "-m", "benchmarks.telegram_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{int(server.stdout.readline())}"
            rows = asyncio.run(measure(url, (1, 8, 64), options.taps))
        finally:
            server.kill()
    print("CPU per tap (answer + edit)   library, default   library, aiohttp   whole surface   surface / default")
    for row in rows:
        ratio = row["surface_ms"] / row["default_ms"]
        print(
            f"{row['people']:>3.0f} people at once {row['default_ms']:>21.2f} ms {row['aiohttp_ms']:>15.2f} ms"
            f" {row['surface_ms']:>12.2f} ms {ratio:>15.2f}"
        )
    if options.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
