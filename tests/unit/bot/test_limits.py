"""Buckets, and who is let through first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from bot.limits import Budget
from bot.limits.buckets import SECOND, Buckets, Claim, Part, Verdict, part_of
from bot.limits.budget import HEAD_START
from bot.surface import Rate
from core.lanes import Lane
from tests.waiting import PATIENCE_SECONDS, until

ALL = Rate("all", per_second=10.0, burst=4.0, shared=True)
CHAT = Rate("chat:1", per_second=1.0, burst=2.0)


class Store:
    """Buckets of a test, on a clock that it sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.buckets = Buckets()
        self.asked: list[list[Claim]] = []
        self.broken = False

    async def take(self, claims: Sequence[Claim]) -> list[Verdict]:
        """As `Buckets.take`."""
        self.asked.append(list(claims))
        if self.broken:
            raise RuntimeError("broken")
        return self.buckets.take(claims, round(self.now * SECOND))

    async def close(self, part: Part, seconds: float) -> None:
        """As `Buckets.close`."""
        self.buckets.close(part, round(seconds * SECOND), round(self.now * SECOND))

    async def aclose(self) -> None:
        """Nothing to close."""


class InProcess(Store):
    """The same on the clock of the process."""

    async def take(self, claims: Sequence[Claim]) -> list[Verdict]:
        """As `Buckets.take`."""
        return self.buckets.take(claims, round(time.monotonic() * SECOND))


def admitted(buckets: Buckets, rate: Rate, lane: Lane, now: float) -> bool:
    return buckets.take([(part_of(rate, lane),)], round(now * SECOND))[0].admitted


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    buckets = Buckets()
    let_through = [moment / 10 for moment in range(60) if admitted(buckets, CHAT, Lane.REPLY, moment / 10)]
    assert let_through == [0.0, 0.1, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_refused_claim_takes_nothing_and_says_how_long_to_wait_for_what() -> None:
    buckets = Buckets()
    claim = (part_of(CHAT, Lane.REPLY), part_of(ALL, Lane.REPLY))
    assert [verdict.admitted for verdict in buckets.take([claim] * 3, 0)] == [True, True, False]
    assert buckets.take([claim], 0) == [Verdict(False, 0, 1.0)]
    others = [part_of(ALL, Lane.REPLY)]
    assert [verdict.admitted for verdict in buckets.take([tuple(others)] * 3, 0)] == [True, True, False]


@pytest.mark.parametrize(("lane", "left"), [(Lane.REPLY, 4), (Lane.NOTICE, 3), (Lane.OFFER, 2), (Lane.REMINDER, 2)])
def test_lower_lanes_leave_a_part_of_a_shared_burst(lane: Lane, left: int) -> None:
    buckets = Buckets()
    assert sum(admitted(buckets, ALL, lane, 0.0) for _ in range(10)) == left
    assert part_of(ALL, lane, overdue=True) == part_of(ALL, Lane.REPLY)
    assert part_of(CHAT, lane) == part_of(CHAT, Lane.REPLY)


def test_a_closed_bucket_admits_nobody_before_its_time_and_no_burst_then() -> None:
    buckets = Buckets()
    buckets.close(part_of(CHAT, Lane.REPLY), 7 * SECOND, 0)
    buckets.close(part_of(CHAT, Lane.REPLY), 1 * SECOND, 0)
    assert not admitted(buckets, CHAT, Lane.REPLY, 6.9)
    assert admitted(buckets, CHAT, Lane.REPLY, 7.0)
    assert not admitted(buckets, CHAT, Lane.REPLY, 7.1)


async def in_order(budget: Budget, store: Store, calls: Sequence[tuple[str, Rate, Lane]]) -> list[str]:
    """The names of `calls` in the order in which they were let through, as time goes by."""
    order: list[str] = []

    async def call(name: str, rate: Rate, lane: Lane) -> None:
        await budget.admit([rate], lane)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name, rate, lane in calls:
            group.create_task(call(name, rate, lane))
        while len(order) < len(calls):
            await asyncio.sleep(0.001)
            store.now += 0.02
    return order


async def test_lanes_go_first_and_age_within_a_lane() -> None:
    store = Store()
    one = Rate("all", per_second=20.0, burst=1.0, shared=True)
    budget = Budget(store, lambda: store.now)
    lanes = [Lane.REMINDER, Lane.OFFER, Lane.NOTICE, Lane.NEXT_ITEM, Lane.REPLY, Lane.REPLY]
    order = await in_order(budget, store, [(f"{lane.name}{number}", one, lane) for number, lane in enumerate(lanes)])
    assert order == ["REPLY4", "REPLY5", "NEXT_ITEM3", "NOTICE2", "OFFER1", "REMINDER0"]


async def test_nobody_waits_for_ever_behind_higher_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HEAD_START, Lane.REMINDER, 0.3)
    one = Rate("all", per_second=100.0, burst=1.0, shared=True)
    budget = Budget(InProcess())
    let_through = 0

    async def tap_for_ever() -> None:
        nonlocal let_through
        while True:
            await budget.admit([one], Lane.REPLY)
            let_through += 1

    taps = [asyncio.create_task(tap_for_ever()) for _ in range(4)]
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await budget.admit([one], Lane.REMINDER)
    assert let_through >= 10, "taps went first until the reminder had waited long enough"
    for tap in taps:
        tap.cancel()
    await asyncio.gather(*taps, return_exceptions=True)
    await budget.aclose()


async def test_a_full_chat_holds_up_nobody_else() -> None:
    store = Store()
    budget = Budget(store, lambda: store.now)
    full, other = Rate("chat:1", 1.0), Rate("chat:2", 1.0)
    order = await in_order(
        budget, store, [("a1", full, Lane.REPLY), ("a2", full, Lane.REPLY), ("b1", other, Lane.REMINDER)]
    )
    assert order == ["a1", "b1", "a2"]


async def test_what_is_known_to_be_full_is_not_asked_for_again() -> None:
    store = Store()
    budget = Budget(store, lambda: store.now)
    slow = Rate("all", per_second=0.1, burst=1.0, shared=True)
    crowd = [asyncio.create_task(budget.admit([slow], Lane.REPLY)) for _ in range(200)]
    await until(lambda: len(store.asked) >= 1)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(store.asked) == 1
    for waiting in crowd:
        waiting.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    await budget.aclose()


async def test_who_has_gone_away_takes_no_room() -> None:
    store = Store()
    budget = Budget(store, lambda: store.now)
    one = Rate("chat:1", per_second=1.0)
    await budget.admit([one], Lane.REPLY)
    gone = asyncio.create_task(budget.admit([one], Lane.REPLY))
    stays = asyncio.create_task(budget.admit([one], Lane.NOTICE))
    await until(lambda: len(store.asked) >= 2)
    gone.cancel()
    store.now += 1.0
    await budget.admit([Rate("chat:2", per_second=1.0)], Lane.REPLY)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await stays
    await budget.aclose()


async def test_a_broken_store_lets_through() -> None:
    store = Store()
    store.broken = True
    budget = Budget(store, lambda: store.now)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await budget.admit([ALL], Lane.REMINDER)
    await budget.aclose()


async def test_closing_holds_those_who_wait_already() -> None:
    store = Store()
    budget = Budget(store, lambda: store.now)
    await budget.close(CHAT, 30.0)
    waiting = asyncio.create_task(budget.admit([CHAT], Lane.REPLY))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await budget.aclose()
