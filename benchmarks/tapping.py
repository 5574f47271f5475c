"""A bot that is running, and the people of `benchmarks.telegram_server` who tap on its cards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from benchmarks.measured import Taps, spending, taps_of

WARM_UP_TAPS = 3
"""Of each person, before anything is measured."""
RESTING_PEOPLE = 200
"""Who share the taps of an open loop, so that somebody always has a card at hand."""

Start = Callable[[str], Awaitable[None]]
"""Runs a bot against the server at an address, until cancelled."""


@dataclass(frozen=True, slots=True)
class Load:
    """How people tap: so many of them, so many times in all, `rate` times a second or, with 0, as fast as they can."""

    people: int
    taps: int
    rate: float = 0.0


async def measure(what: str, database: str, url: str, start: Start, payloads: Mapping[str, str], load: Load) -> Taps:
    """The taps of `load` on a bot.

    Args:
        payloads: of the first button of each person's card; as many as there are people.
    """
    async with _running(start(url)), aiohttp.ClientSession(url) as session:
        await _taps(session, load.people * WARM_UP_TAPS, 0.0, payloads)
        with spending() as spent:
            report = await _taps(session, load.taps, load.rate)
    name = f"{what}, {load.rate:.0f} taps/s" if load.rate else what
    return taps_of(name, database, load.people, spent, report["shown"], report["answered"])


async def _taps(
    session: aiohttp.ClientSession, taps: int, rate: float, payloads: Mapping[str, str] | None = None
) -> Mapping[str, Sequence[float]]:
    asked = {"payloads": dict(payloads or {}), "rate": rate, "taps": taps}
    async with session.post("/begin", json=asked):
        pass
    async with session.get("/report", timeout=aiohttp.ClientTimeout(total=None)) as response:
        report: dict[str, list[float]] = await response.json()
        return report


@asynccontextmanager
async def _running(work: Awaitable[Any]) -> AsyncIterator[None]:
    running = asyncio.ensure_future(work)
    try:
        yield
        if running.done():
            running.result()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
