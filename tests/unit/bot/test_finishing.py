"""What was begun comes to its end where everything stops, but nobody is waited for long."""

from __future__ import annotations

import asyncio

import pytest

from bot.keeping import Keeper
from bot.surface import Dispatch, Event, Message, MessageRef, Outcome
from bot.surfaces.lanes import Lanes, to_its_end
from core.errors import SettingsError
from core.lanes import Lane
from tests.waiting import until


async def test_lanes_let_work_end_in_its_order_before_they_close() -> None:
    lanes, gate, seen = Lanes(finish_seconds=5), asyncio.Event(), list[str]()

    async def note(name: str) -> None:
        await gate.wait()
        seen.append(name)

    works = [lanes.start("ann", lambda: note("first")), lanes.start("ann", lambda: note("second"))]
    closing = asyncio.create_task(lanes.close())
    await asyncio.sleep(0)
    gate.set()
    await closing
    assert seen == ["first", "second"]
    assert not any(work.cancelled() for work in works)


async def test_lanes_cancel_what_does_not_end_in_time() -> None:
    lanes = Lanes(finish_seconds=0.01)
    work = lanes.start("ann", asyncio.Event().wait)  # type: ignore[arg-type]  # its result is not used
    await lanes.close()
    assert work.cancelled()


async def test_work_comes_to_its_end_although_it_is_not_waited_for_any_more() -> None:
    gate, ended = asyncio.Event(), list[str]()

    async def work() -> str:
        await gate.wait()
        ended.append("done")
        return "result"

    waiting = asyncio.create_task(to_its_end(work(), 5))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["done"]
    assert await to_its_end(work(), 5) == "result"


async def test_work_that_does_not_end_is_cancelled_at_last() -> None:
    waiting = asyncio.create_task(to_its_end(asyncio.Event().wait(), 0.01))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


class Fragile:
    """A surface that fails as often as it is told to."""

    name = "fragile"

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.failed = asyncio.Event()

    async def run(self, dispatch: Dispatch) -> None:
        """Fail, or run for ever."""
        if self.failures:
            self.failed.set()
            raise self.failures.pop(0)
        await asyncio.Event().wait()

    async def send(self, address: str, message: Message, lane: Lane = Lane.NOTICE) -> MessageRef:
        """Nothing is sent here."""
        raise NotImplementedError

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Nothing is sent here."""
        raise NotImplementedError


async def nothing(_event: Event) -> Outcome:
    return Outcome()


async def test_a_surface_that_fails_is_missing_until_it_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.keeping.FIRST_PAUSE_SECONDS", 0.05)
    keeper, surface = Keeper(), Fragile(OSError("away"))
    keeping = asyncio.create_task(keeper.keep(surface, nothing))
    await surface.failed.wait()
    await asyncio.sleep(0)
    assert keeper.missing() == "fragile: OSError"
    await until(lambda: not keeper.missing())
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_settings_that_cannot_work_are_not_tried_again() -> None:
    with pytest.raises(SettingsError, match="port"):
        await Keeper().keep(Fragile(SettingsError("another port")), nothing)
