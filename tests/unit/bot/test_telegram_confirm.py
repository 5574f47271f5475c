"""The offset that is stored behind the polls: the first at once, then the newest, and never under an old fence."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.surfaces.telegram_confirm import Confirmation
from tests.fakes.surfaces import Memory
from tests.waiting import PATIENCE_SECONDS, until

SOON, NEVER = 0.001, 3600.0


class Deposed(Memory):
    """Somebody with a higher fence stores one after so many stores of ours."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    async def store(self, offset: int, fence: int = 0) -> bool:
        """False from then on."""
        self.left -= 1
        return self.left >= 0 and await super().store(offset, fence)


class Away(Memory):
    """A database that is away after the first store."""

    async def store(self, offset: int, fence: int = 0) -> bool:
        """Raises."""
        if self.stored:
            raise ConnectionError("away")
        return await super().store(offset, fence)


async def until_refused(confirmation: Confirmation, offset: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await confirmation.note(offset):
            await asyncio.sleep(0)


async def test_the_first_is_stored_at_once_and_the_others_are_not_waited_for() -> None:
    offsets = Memory()
    confirmation = Confirmation(offsets, 1, NEVER)
    assert await confirmation.note(1)
    assert offsets.stored == [1]
    assert await confirmation.note(2)
    assert await confirmation.note(3)
    assert offsets.stored == [1]
    await confirmation.close()
    assert offsets.stored == [1, 3], "at the end nothing is left unstored, and what is outdated is left out"


async def test_the_newest_follows_by_itself() -> None:
    offsets = Memory()
    confirmation = Confirmation(offsets, 1, SOON)
    for offset in (10, 11, 4):  # after a quiet week Telegram goes on at a random id
        assert await confirmation.note(offset)
    await until(lambda: offsets.offset == 4)
    await confirmation.close()
    assert offsets.stored == [10, 4]


async def test_a_reader_that_was_replaced_before_confirms_nothing() -> None:
    confirmation = Confirmation(Deposed(after=0), 1, NEVER)
    assert not await confirmation.note(1)
    await confirmation.close()


async def test_a_reader_that_is_replaced_meanwhile_is_told_so_and_stores_nothing_more() -> None:
    offsets = Deposed(after=1)
    confirmation = Confirmation(offsets, 1, SOON)
    assert await confirmation.note(1)
    await until_refused(confirmation, 2)
    tried = offsets.left
    await confirmation.close()
    assert offsets.stored == [1]
    assert offsets.left == tried


async def test_what_storing_raises_is_raised_at_the_next_one() -> None:
    confirmation = Confirmation(Away(), 1, SOON)
    assert await confirmation.note(1)
    with pytest.raises(ConnectionError):
        await until_refused(confirmation, 2)
    await confirmation.close()


async def test_what_storing_raises_at_the_end_is_logged_and_takes_the_place_of_no_other_error() -> None:
    confirmation = Confirmation(Away(), 1, NEVER)
    assert await confirmation.note(1)
    assert await confirmation.note(2)
    with capture_logs() as logs:
        await confirmation.close()
    assert [(entry["event"], entry["error"]) for entry in logs] == [("telegram.offset_not_stored", "ConnectionError")]


async def test_where_nothing_was_noted_nothing_is_stored() -> None:
    offsets = Memory()
    await Confirmation(offsets, 1).close()
    assert offsets.stored == []
