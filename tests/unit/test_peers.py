"""The comparison with other servers: who answers how long, what is counted, and the arithmetic of its table."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from unittest.mock import AsyncMock

import aiohttp
import pytest

from benchmarks import peer_loop, peers
from benchmarks.peer_lightwork import WebPerson
from benchmarks.peer_loop import Measured, Run, answer_for, measure, measured
from benchmarks.peer_people import REQUEST_SECONDS, Failed, Session
from benchmarks.peer_servers import Server, Stored, cpu_seconds_of, free_port, stored_in

ROW = Measured(
    "lightwork",
    items=1000,
    people=2,
    answers=500,
    failed=0,
    per_second=300.0,
    cpu_ms=1.5,
    p50_ms=9.0,
    p99_ms=30.0,
    stored=600,
    lost=0,
    doubled=0,
)


class Person:
    """Answers at once, and refuses every so many."""

    def __init__(self, refuses_each: int = 0) -> None:
        self.asked = 0
        self.gone = False
        self._refuses_each = refuses_each

    async def answer(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self._refuses_each and self.asked % self._refuses_each == 0:
            raise Failed("busy")

    async def close(self) -> None:
        self.gone = True


class Pretended(Server):
    """A server without processes, that has stored what the test says."""

    def __init__(self, home: Path, stored: Stored, refuses_each: int = 0) -> None:
        super().__init__(home, home)
        self.people: list[Person] = []
        self._stored, self._refuses_each = stored, refuses_each
        self._seconds = 0.0

    async def start(self, outside: aiohttp.ClientSession, items: int, people: int) -> None:
        """There is nothing to start."""

    async def join(self, number: int) -> Session:
        """One more."""
        self.people.append(Person(self._refuses_each))
        return self.people[-1]

    def stored(self) -> Stored:
        """As said."""
        return self._stored

    def cpu_seconds(self) -> float:
        """Ten milliseconds more each time that it is asked."""
        self._seconds += 0.01
        return self._seconds


async def test_people_answer_no_more_than_half_of_the_items(tmp_path: Path) -> None:
    server = Pretended(tmp_path, Stored(60, 60))
    row = await measure("pretended", server, items=100, people=4, seconds=30.0)
    assert 50 <= row.answers < 50 + 4  # who has begun may finish
    assert 10 <= sum(person.asked for person in server.people) - row.answers < 10 + 4
    assert all(person.gone for person in server.people)
    assert row.cpu_ms == pytest.approx(10 / row.answers, abs=0.001)


async def test_the_time_ends_it_too(tmp_path: Path) -> None:
    server = Pretended(tmp_path, Stored(0, 0))
    run = await answer_for(server, [Person(), Person()], seconds=0.02, most=10**9)
    assert run.waits
    assert 0.02 <= run.took < 5


async def test_what_is_refused_is_no_answer(tmp_path: Path) -> None:
    server = Pretended(tmp_path, Stored(60, 60), refuses_each=10)
    row = await measure("pretended", server, items=100, people=2, seconds=30.0)
    assert 50 <= row.answers < 50 + 2
    assert 5 <= row.failed <= 6


async def test_a_server_that_takes_nothing_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="pretended took no answer"):
        await measure("pretended", Pretended(tmp_path, Stored(0, 0), refuses_each=1), 100, 2, seconds=0.01)


async def test_a_server_that_falls_silent_ends_the_measurement_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(Person):
        async def answer(self) -> None:
            await asyncio.Event().wait()

    assert peer_loop.GRACE_SECONDS > REQUEST_SECONDS, "a request that takes too long fails before"
    monkeypatch.setattr(peer_loop, "GRACE_SECONDS", 0.01)
    monkeypatch.setattr(peer_loop, "WARM_UP_SECONDS", 0.01)
    server, person = Pretended(tmp_path, Stored(0, 0)), Silent()
    monkeypatch.setattr(server, "join", AsyncMock(return_value=person))
    with pytest.raises(SystemExit, match="pretended stopped answering"):
        await measure("pretended", server, 100, 1, seconds=0.01)
    assert person.gone


async def test_a_person_whose_server_is_gone_fails_as_with_a_refusal() -> None:
    person = WebPerson(f"http://127.0.0.1:{free_port()}")
    try:
        for asking in (person.say("/next"), person.upload("a.csv", b"text\n", "/post"), person.wait_for("anything")):
            with pytest.raises(Failed):
                await asking
    finally:
        await person.close()


async def test_what_a_server_needs_time_for_is_waited_for_while_it_runs(tmp_path: Path) -> None:
    server = Pretended(tmp_path, Stored(0, 0))
    server.run((sys.executable, "-c", "print('no room')"), {})
    looks = iter([None, "there"])

    async def look() -> str | None:
        return next(looks, None)

    assert await server.until(look, 30.0, "It was not there") == "there"
    with pytest.raises(SystemExit, match="It was not there: no room"):
        await server.until(look, 30.0, "It was not there")
    server.stop()


@pytest.mark.parametrize(
    ("stored", "lost", "doubled"),
    [(Stored(6, 6), 0, 0), (Stored(5, 5), 1, 0), (Stored(7, 6), 0, 1)],
)
def test_what_was_stored_is_held_against_what_was_accepted(
    tmp_path: Path, stored: Stored, lost: int, doubled: int
) -> None:
    warm, run = Run(waits=[0.1, 0.1]), Run(waits=[0.1, 0.2, 0.3, 0.4], took=2.0, cpu=0.02)
    row = measured("pretended", Pretended(tmp_path, stored), 10, 1, warm, run)
    assert (row.stored, row.lost, row.doubled) == (stored.annotations, lost, doubled)
    assert (row.answers, row.per_second, row.cpu_ms, row.p50_ms, row.p99_ms) == (4, 2.0, 5.0, 250.0, 300.0)


def test_rows_are_counted_in_the_file_of_a_server(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        stored_in(tmp_path / "none.sqlite", "SELECT 1", "SELECT 1")
    assert list(tmp_path.iterdir()) == []
    connection = sqlite3.connect(tmp_path / "some.sqlite")
    connection.executescript("CREATE TABLE answer (item INTEGER); INSERT INTO answer VALUES (1), (1), (2)")
    connection.close()
    found = stored_in(
        tmp_path / "some.sqlite", "SELECT count(*) FROM answer", "SELECT count(DISTINCT item) FROM answer"
    )
    assert found == Stored(3, 2)


def test_cpu_counts_children_the_ended_ones_too() -> None:
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    parent = f"import subprocess, sys\nsubprocess.run((sys.executable, '-c', {busy!r}))\nprint(flush=True)\ninput()"
    with subprocess.Popen((sys.executable, "-c", parent), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert cpu_seconds_of(process.pid) >= 0.2
        process.kill()


def test_ratios_are_those_of_as_many_items() -> None:
    rows = [ROW, changed("doccano", 1000, 15.0, 45.0), changed("doccano", 5000, 15.0, 45.0)]
    assert peers.ratios(rows) == {"doccano, 1000": {"rate": 20.0, "cpu": 30.0}}
    said = peers.table(rows)
    assert "| lightwork | 1,000 | 300.0 | 1.50 ms |" in said
    assert "| doccano | 1,000 | 15.0 | 45.00 ms |" in said
    assert said.count("| 20 times | 1/30 |") == 1
    assert {line.count("|") for line in said.splitlines()} == {13}


def test_an_environment_that_is_there_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[object, ...]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: ran.append(command))
    there = tmp_path / "doccano" / "bin"
    there.mkdir(parents=True)
    (there / "doccano").touch()
    peers.install(tmp_path, ["label-studio", "doccano"])
    assert [command[0] for command in ran] == [sys.executable, tmp_path / "label-studio" / "bin" / "pip"]
    assert ran[1][-1] == "label-studio"


def changed(server: str, items: int, per_second: float, cpu_ms: float) -> Measured:
    """Another row."""
    rest = (ROW.p50_ms, ROW.p99_ms, ROW.stored, ROW.lost, ROW.doubled)
    return Measured(server, items, ROW.people, ROW.answers, ROW.failed, per_second, cpu_ms, *rest)
