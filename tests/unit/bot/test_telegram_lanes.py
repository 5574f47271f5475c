"""Order per person, patience and back-off, which the Telegram and Slack surfaces share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.surface import RetryLater
from bot.surfaces.lanes import Lanes, back_off, patiently


async def test_one_key_keeps_its_order_while_others_go_on() -> None:
    lanes, seen, gate = Lanes(), list[str](), asyncio.Event()

    def work(name: str, wait: bool = False) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            if wait:
                await gate.wait()
            seen.append(name)

        return run

    first = lanes.start("a", work("a1", wait=True))
    second = lanes.start("a", work("a2"))
    await lanes.start("b", work("b1"))
    assert seen == ["b1"]
    gate.set()
    await asyncio.gather(first, second)
    assert seen == ["b1", "a1", "a2"]
    await lanes.close()


async def test_failed_work_does_not_stop_its_lane() -> None:
    lanes, seen = Lanes(), list[str]()

    async def fail() -> None:
        raise RuntimeError("broken")

    async def note() -> None:
        seen.append("after")

    lanes.start("a", fail)
    await lanes.start("a", note)
    assert seen == ["after"]


async def test_close_cancels_what_still_runs() -> None:
    lanes, never = Lanes(finish_seconds=0), asyncio.Event()

    async def wait() -> None:
        await never.wait()

    running = [lanes.start("a", wait), lanes.start("a", wait)]
    await lanes.close()
    assert all(one.cancelled() for one in running)


async def test_patience_repeats_after_the_pause_that_was_asked_for() -> None:
    answers: list[RetryLater | str] = [RetryLater(0.01), RetryLater(0.01), "sent"]

    async def send() -> str:
        answer = answers.pop(0)
        if isinstance(answer, RetryLater):
            raise answer
        return answer

    assert await patiently(send) == "sent"


@pytest.mark.parametrize(("seconds", "calls"), [(31.0, 1), (0.001, 3)])
async def test_patience_ends(seconds: float, calls: int) -> None:
    made = 0

    async def send() -> None:
        nonlocal made
        made += 1
        raise RetryLater(seconds)

    with pytest.raises(RetryLater):
        await patiently(send)
    assert made == calls


def test_back_off_doubles_up_to_its_limit_with_jitter() -> None:
    assert 0.5 <= back_off(1) <= 1.0
    assert 2.0 <= back_off(3) <= 4.0
    assert 15.0 <= back_off(10_000) <= 30.0
    assert len({back_off(3) for _ in range(20)}) > 1
