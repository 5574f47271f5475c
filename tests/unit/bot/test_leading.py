"""Work that one process alone may do: started, stopped at once when the right is lost, given back at the end."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.leading import lead
from tests.waiting import PATIENCE_SECONDS, until

RENEW = 0.02


class Right:
    """A right that a test gives and takes; `answers` override what is said to the next questions."""

    renew_seconds = RENEW

    def __init__(self) -> None:
        self.fence: int | None = 1
        self.broken = False
        self.given_back = 0
        self.asked = 0

    async def take(self) -> int | None:
        """Take or keep it."""
        self.asked += 1
        if self.broken:
            raise ConnectionError("the database is away")
        return self.fence

    async def give_back(self) -> None:
        """Remember it."""
        self.given_back += 1


class Work:
    """Work that goes on until it is cancelled."""

    def __init__(self) -> None:
        self.fences: list[int] = []
        self.running = 0
        self.ended = asyncio.Event()
        self.begun = asyncio.Event()

    async def __call__(self, fence: int) -> None:
        self.fences.append(fence)
        self.running += 1
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.running -= 1
            self.ended.set()


async def stop(leading: asyncio.Task[None]) -> None:
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)


async def test_it_works_renews_and_gives_back() -> None:
    right, work = Right(), Work()
    leading = asyncio.create_task(lead(right, work, RENEW))
    await until(lambda: right.asked >= 4)
    assert work.running == 1
    assert work.fences == [1]
    await stop(leading)
    assert work.running == 0
    assert right.given_back == 1


@pytest.mark.parametrize("lost", ["taken", "fenced", "unreachable"])
async def test_it_stops_at_once_when_the_right_is_lost_and_begins_again_with_a_new_fence(lost: str) -> None:
    right, work = Right(), Work()
    with capture_logs():
        leading = asyncio.create_task(lead(right, work, RENEW))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await work.begun.wait()
            right.fence = {"taken": None, "fenced": 2, "unreachable": 1}[lost]
            right.broken = lost == "unreachable"
            await work.ended.wait()
            work.begun.clear()
            right.fence, right.broken = 3, False
            await work.begun.wait()
        await stop(leading)
    assert work.fences in ([1, 3], [1, 2, 3][:: 1 if lost == "fenced" else 2])


async def test_one_renewal_that_fails_is_no_loss() -> None:
    right, work = Right(), Work()
    right.renew_seconds = 0.1
    with capture_logs() as logs:
        leading = asyncio.create_task(lead(right, work, RENEW))
        await work.begun.wait()
        right.broken, before = True, right.asked
        await until(lambda: right.asked > before)
        right.broken = False
        await until(lambda: right.asked >= before + 3)
        assert work.running == 1
        await stop(leading)
    assert [entry["event"] for entry in logs] == ["leadership.not_renewed"]


async def test_while_somebody_else_has_it_nothing_is_done() -> None:
    right, work = Right(), Work()
    right.fence = None
    leading = asyncio.create_task(lead(right, work, RENEW))
    await until(lambda: right.asked >= 3)
    assert work.fences == []
    right.fence = 7
    async with asyncio.timeout(PATIENCE_SECONDS):
        await work.begun.wait()
    await stop(leading)
    assert work.fences == [7]


async def test_an_error_of_the_work_is_raised_and_the_right_given_back() -> None:
    right = Right()

    async def fail(fence: int) -> None:
        raise ValueError(fence)

    with pytest.raises(ValueError, match="1"):
        await lead(right, fail, RENEW)
    assert right.given_back == 1
