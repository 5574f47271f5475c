"""The two calls of a tap through python-telegram-bot alone, over its default client and over aiohttp."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import aiohttp
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram._utils.types import ODVInput
from telegram.request import BaseRequest, HTTPXRequest, RequestData

from benchmarks.crowd import LABELS, QUESTION, TEXT
from benchmarks.measured import Taps, spending, taps_of
from bot.surfaces.telegram_transport import AiohttpRequest

TOKEN = "123456789:" + "A" * 35
CARD = f"{QUESTION}\n\n{TEXT}\n\n12 of 40 today"
ROWS = [[label] for label in LABELS] + [["Undo: Sunny"], ["Skip", "Too hard"]]
KEYBOARD = InlineKeyboardMarkup(
    [
        [InlineKeyboardButton(text, callback_data=f"answer.abcdefghij234567.{text[:1]}.1") for text in row]
        for row in ROWS
    ]
)


class PlainAiohttp(BaseRequest):
    """aiohttp as anybody would put it below the library: one session, and forms, which is how the library sends."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float:
        """Seconds."""
        return 10.0

    async def initialize(self) -> None:
        """Open the session."""
        self._session = aiohttp.ClientSession()

    async def shutdown(self) -> None:
        """Close the session."""
        assert self._session is not None
        await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        write_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        connect_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        pool_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One request; returns the status and the body."""
        assert self._session is not None
        data = request_data.json_parameters if request_data else None
        async with self._session.request(method, url, data=data) as response:
            return response.status, await response.read()


def requests(people: int) -> dict[str, Callable[[], BaseRequest]]:
    """What the library can send with, by name."""
    return {
        "library, default": partial(HTTPXRequest, connection_pool_size=people),
        "library, aiohttp": PlainAiohttp,
        "library, our aiohttp": AiohttpRequest,
    }


async def measure(what: str, url: str, request: Callable[[], BaseRequest], people: int, taps: int) -> Taps:
    """So many people at once, one answer and one edit each time."""
    bot = Bot(TOKEN, base_url=f"{url}/bot", request=request(), get_updates_request=request())
    await bot.initialize()
    shown: list[float] = []
    clock = asyncio.get_running_loop().time

    async def work(user: int, count: int) -> None:
        for number in range(count):
            started = clock()
            await bot.answer_callback_query(f"0-{number}", "Saved")
            await bot.edit_message_text(f"{CARD} {number}", chat_id=user, message_id=5, reply_markup=KEYBOARD)
            shown.append((clock() - started) * 1000)

    await asyncio.gather(*(work(1_000_000 + user, 5) for user in range(people)))  # connections and caches
    shown.clear()
    with spending() as spent:
        await asyncio.gather(*(work(1_000_000 + user, taps // people) for user in range(people)))
    await bot.shutdown()
    return taps_of(what, "", people, spent, shown)
