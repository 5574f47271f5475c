"""Rates that all processes share: the script in a real Valkey, and what is done without one."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest
from redis import Redis
from structlog.testing import capture_logs

from bot.limits import Budget, SharedBuckets
from bot.limits.buckets import SECOND, Buckets, Claim, Part, part_of
from bot.limits.shared import AWAY_SECONDS
from bot.surface import Rate
from core.lanes import Lane

TOKEN = "123456789:AAabcdefghijklmnopqrstuvwxyz0123456"
ALL = Rate("all", per_second=50.0, burst=3.0, shared=True)


@pytest.fixture
async def processes(redis_url: str) -> AsyncIterator[list[SharedBuckets]]:
    """Two processes with one token."""
    made = [SharedBuckets(redis_url, "telegram-1") for _ in range(2)]
    yield made
    for one in made:
        await one.aclose()


async def test_what_one_process_takes_is_gone_for_the_other(processes: list[SharedBuckets]) -> None:
    slow = (part_of(Rate("chat:1", per_second=0.01, burst=3.0), Lane.REPLY),)
    taken = [(await processes[number % 2].take([slow]))[0].admitted for number in range(6)]
    assert taken == [True, True, True, False, False, False]


async def test_a_refusal_counts_for_all_processes(processes: list[SharedBuckets]) -> None:
    part = part_of(Rate("chat:1", per_second=1.0, burst=2.0), Lane.REPLY)
    await processes[0].close(part, 30.0)
    verdict = (await processes[1].take([(part,)]))[0]
    assert not verdict.admitted
    assert 29.0 <= verdict.wait <= 30.0


async def test_another_token_has_buckets_of_its_own(processes: list[SharedBuckets], redis_url: str) -> None:
    slow = (part_of(Rate("all", per_second=0.01), Lane.REPLY),)
    other = SharedBuckets(redis_url, "telegram-2")
    assert (await processes[0].take([slow]))[0].admitted
    assert (await other.take([slow]))[0].admitted
    assert not (await processes[1].take([slow]))[0].admitted
    await other.aclose()


async def test_the_script_decides_as_the_code_does(processes: list[SharedBuckets]) -> None:
    """Random claims over few buckets, with rates so slow that the time between two calls does not matter."""
    dice = random.Random(20)
    for case in range(60):
        rates = [Rate(f"{case}:{name}", per_second=1 / 3600, burst=float(dice.randint(1, 4))) for name in "abc"]
        claims: list[Claim] = [
            tuple(part_of(rate, Lane.REPLY) for rate in dice.sample(rates, dice.randint(1, 3)))
            for _ in range(dice.randint(1, 12))
        ]
        in_redis = await processes[0].take(claims)
        here = Buckets().take(claims, 0)
        assert [verdict[:2] for verdict in in_redis] == [verdict[:2] for verdict in here]
        assert [verdict.wait for verdict in in_redis] == pytest.approx([verdict.wait for verdict in here], abs=1.0)


async def test_nothing_of_a_bucket_stays_after_its_time(processes: list[SharedBuckets], redis: Redis) -> None:
    part = Part("chat:1", interval=SECOND, tolerance=0)
    await processes[0].take([(part,)])
    (key,) = redis.keys("*")
    assert key == b"lightwork:limit:{telegram-1}:chat:1"
    assert 0 < redis.pttl(key) <= 1000


async def test_two_processes_together_keep_to_the_rate(processes: list[SharedBuckets]) -> None:
    budgets = [Budget(process) for process in processes]
    moments: list[float] = []

    async def send(number: int) -> None:
        chat = Rate(f"chat:{number}", per_second=1.0)
        await budgets[number % 2].admit([chat, ALL], Lane(number % 5))
        moments.append(time.monotonic())

    await asyncio.gather(*(send(number) for number in range(75)))
    assert moments[-1] - moments[0] >= (75 - 3) / 50 - 0.05
    for budget in budgets:
        await budget.aclose()


async def test_without_redis_each_process_keeps_the_rates_for_itself(unused_tcp_port: int) -> None:
    now = 0.0
    away = SharedBuckets(f"redis://127.0.0.1:{unused_tcp_port}/0", "telegram-1", lambda: now)
    slow = (part_of(Rate("chat:1", per_second=0.001, burst=2.0), Lane.REPLY),)
    with capture_logs() as logs:
        taken = []
        for _ in range(4):
            taken.append((await away.take([slow]))[0].admitted)
            now += AWAY_SECONDS
        await away.close(part_of(Rate("chat:2", per_second=1.0), Lane.REPLY), 60.0)
        assert not (await away.take([(part_of(Rate("chat:2", per_second=1.0), Lane.REPLY),)]))[0].admitted
    assert taken == [True, True, False, False]
    assert [entry["event"] for entry in logs] == ["limits.redis_away"], "said once, however often it was tried"
    await away.aclose()


async def test_redis_that_comes_back_is_used_again(redis_url: str, redis: Redis) -> None:
    now = 0.0
    buckets = SharedBuckets(redis_url, "telegram-1", lambda: now)
    claim = (part_of(Rate("chat:1", per_second=1.0), Lane.REPLY),)
    redis.config_set("maxmemory", "1")  # every write is refused
    with capture_logs() as logs:
        try:
            assert (await buckets.take([claim]))[0].admitted
        finally:
            redis.config_set("maxmemory", "0")
        assert (await buckets.take([(part_of(Rate("chat:2", per_second=1.0), Lane.REPLY),)]))[0].admitted
        assert redis.keys("*") == [], "it is left alone for a while"
        now += AWAY_SECONDS
        assert (await buckets.take([claim]))[0].admitted
    assert redis.keys("*") == [b"lightwork:limit:{telegram-1}:chat:1"]
    assert [entry["event"] for entry in logs] == ["limits.redis_away", "limits.redis_back"]
    await buckets.aclose()
