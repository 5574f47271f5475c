"""Who is let through next: by lane, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import time
from bisect import insort
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from bot.limits.buckets import Claim, Part, Verdict, part_of
from bot.surface import Rate
from core.lanes import Lane
from core.log import get_logger

HEAD_START = {Lane.REPLY: 0.0, Lane.NEXT_ITEM: 0.5, Lane.NOTICE: 3.0, Lane.OFFER: 8.0, Lane.REMINDER: 15.0}
"""Seconds that a call of a lane lets those of the lane REPLY go first; after them it is overdue and waits like one."""
TOGETHER = 32
"""Calls that are asked for at once."""

log = get_logger(__name__)


class Store(Protocol):
    """Where the buckets are kept."""

    async def take(self, claims: Sequence[Claim]) -> list[Verdict]:
        """Admit what there is room for, in the order given."""

    async def close(self, part: Part, seconds: float) -> None:
        """Admit nobody to the bucket of `part` for so long."""

    async def aclose(self) -> None:
        """Close the connections."""


@dataclass(order=True, slots=True)
class Waiter:
    """Somebody who waits; those with the earliest deadline go first."""

    deadline: float
    number: int
    rates: tuple[Rate, ...] = field(compare=False)
    lane: Lane = field(compare=False)
    admitted: asyncio.Future[None] = field(compare=False)

    def claim(self, now: float) -> Claim:
        """What is asked for at this moment."""
        return tuple(part_of(rate, self.lane, overdue=now > self.deadline) for rate in self.rates)


class Budget:
    """A `bot.surface.Limiter`. It belongs to one event loop.

    Args:
        store: the buckets.
        clock: seconds, monotonic.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._waiting: list[Waiter] = []
        self._full: dict[str, tuple[float, int]] = {}
        """Buckets known to have no room: until when, for calls of at most which tolerance."""
        self._count = 0
        self._pump: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
        """Wait until every one of `rates` has room, by lane and then by age; the room is taken then."""
        self._count += 1
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = Waiter(self._clock() + HEAD_START[lane], self._count, tuple(rates), lane, admitted)
        insort(self._waiting, waiter)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._admit_all())
        self._more.set()
        await admitted

    async def close(self, rate: Rate, seconds: float) -> None:
        """The platform refused a call for so long: nobody is admitted to the bucket of `rate` before that."""
        part = part_of(rate, Lane.REPLY)
        self._full[part.bucket] = (self._clock() + seconds, part.tolerance)
        await self._store.close(part, seconds)

    async def aclose(self) -> None:
        """Let nobody through any more and close the store."""
        if self._pump is not None:
            self._pump.cancel()
            with suppress(asyncio.CancelledError):
                await self._pump
        await self._store.aclose()

    async def _admit_all(self) -> None:
        while True:
            self._more.clear()
            chosen, claims, pause = self._choose(self._clock())
            if not self._waiting:
                return
            if not chosen:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._more.wait()
                continue
            for waiter, claim, verdict in zip(chosen, claims, await self._taken(claims), strict=True):
                self._settle(waiter, claim, verdict)

    async def _taken(self, claims: list[Claim]) -> list[Verdict]:
        try:
            return await self._store.take(claims)
        except Exception as error:  # rather too many calls than none: the platform's own refusal is honoured
            log.exception("limits.failed", error=type(error).__name__)
            return [Verdict(True)] * len(claims)

    def _choose(self, now: float) -> tuple[list[Waiter], list[Claim], float]:
        """The next waiters that may find room, and how many seconds to rest where there is none."""
        self._waiting = [waiter for waiter in self._waiting if not waiter.admitted.done()]
        self._full = {bucket: full for bucket, full in self._full.items() if full[0] > now}
        chosen, claims, soonest = list[Waiter](), list[Claim](), float("inf")
        for waiter in self._waiting:
            claim = waiter.claim(now)
            if (until := self._full_until(claim)) > now:
                soonest = min(soonest, until)
                continue
            chosen.append(waiter)
            claims.append(claim)
            if len(chosen) == TOGETHER:
                break
        return chosen, claims, soonest - now

    def _full_until(self, claim: Claim) -> float:
        until = 0.0
        for part in claim:
            moment, tolerance = self._full.get(part.bucket, (0.0, 0))
            if part.tolerance <= tolerance:
                until = max(until, moment)
        return until

    def _settle(self, waiter: Waiter, claim: Claim, verdict: Verdict) -> None:
        if not verdict.admitted:
            part = claim[verdict.part]
            if part.tolerance >= self._full.get(part.bucket, (0.0, -1))[1]:
                self._full[part.bucket] = (self._clock() + verdict.wait, part.tolerance)
        elif not waiter.admitted.done():
            waiter.admitted.set_result(None)
