"""While the database is away, events wait for it: not for ever, and not more of them than there is room for."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import capture_logs

from bot.endurance import LAST_PAUSE_SECONDS, Endurance
from core.db.writer import Overloaded
from core.errors import Conflict

AWAY = OperationalError("SELECT 1", None, Exception("connection refused"))


class Database:
    """Away for so many attempts; each pause passes at once, and is counted as time."""

    def __init__(self, failures: list[Exception]) -> None:
        self.failures = failures
        self.now = 0.0
        self.pauses: list[float] = []

    async def __call__(self) -> str:
        """One attempt."""
        if self.failures:
            raise self.failures.pop(0)
        return "saved"

    async def pause(self, seconds: float) -> None:
        """Let time go by."""
        self.pauses.append(seconds)
        self.now += seconds


def enduring(database: Database, seconds: float = 60.0, at_once: int = 10) -> Endurance:
    return Endurance(seconds, at_once, database.pause, lambda: database.now)


def busy(code: int) -> OperationalError:
    error = sqlite3.OperationalError("said by SQLite")
    error.sqlite_errorcode = code
    return OperationalError("INSERT", None, error)


@pytest.mark.parametrize(
    "error",
    [
        AWAY,
        PoolTimeout(),
        busy(sqlite3.SQLITE_FULL),
        DBAPIError("SELECT 1", None, Exception(), connection_invalidated=True),
    ],
)
async def test_an_event_waits_for_the_database_and_is_done_once(error: Exception) -> None:
    database = Database([error] * 9)
    assert await enduring(database)(database) == "saved"
    assert len(database.pauses) == 9
    assert database.pauses == sorted(database.pauses[:5]) + database.pauses[5:], "longer and longer at first"
    assert max(database.pauses) <= LAST_PAUSE_SECONDS


async def test_waiting_is_logged_once_however_many_wait_and_try() -> None:
    database, waiting, gate = Database([AWAY] * 8), 0, asyncio.Event()

    async def pause(_: float) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 4:  # then all of them have tried once
            gate.set()
        await gate.wait()

    endure = Endurance(60.0, 10, pause, lambda: database.now)
    with capture_logs() as logs:
        assert await asyncio.gather(*(endure(database) for _ in range(4))) == ["saved"] * 4
    assert database.failures == []
    assert [entry["event"] for entry in logs] == ["database_waited_for"]


async def test_somebody_is_told_when_it_does_not_come_back() -> None:
    database = Database([AWAY] * 1000)
    with pytest.raises(Conflict, match="database_away"):
        await enduring(database, seconds=20)(database)
    assert 20 <= database.now < 20 + LAST_PAUSE_SECONDS


@pytest.mark.parametrize(
    "error",
    [IntegrityError("INSERT", None, Exception()), busy(sqlite3.SQLITE_ERROR), Conflict("stale_button"), KeyError()],
)
async def test_what_the_work_itself_does_wrong_is_not_repeated(error: Exception) -> None:
    database = Database([error])
    with pytest.raises(type(error)):
        await enduring(database)(database)
    assert database.pauses == []


async def test_no_more_wait_than_there_is_room_for() -> None:
    database, gate = Database([AWAY] * 3), asyncio.Event()

    async def until_the_gate_opens(_: float) -> None:
        await gate.wait()

    endure = Endurance(60.0, 2, until_the_gate_opens)
    first, second = asyncio.create_task(endure(database)), asyncio.create_task(endure(database))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await endure(database)
    gate.set()
    assert list(await asyncio.gather(first, second)) == ["saved", "saved"]
