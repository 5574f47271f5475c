"""Imports of one project take turns on PostgreSQL, and what a turn writes beside itself is waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.clock import now
from core.errors import Conflict
from core.importing import append, chunks, load
from core.importing.insert import find_new, write_new
from core.importing.turns import TurnLost, begin_copy, take_turn
from core.models import Project
from core.ranks import ORDINARY, fresh_rank
from tests.integration.importing.house import House, rows

AT_MOST_SECONDS = 20


pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has one writer


@pytest.fixture(autouse=True)
def in_chunks_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many rows in a transaction."""
    monkeypatch.setattr(load, "COPIED_ROWS", 10)


def test_who_adds_an_item_waits_for_what_a_killed_import_still_writes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its turn ended with its connection; another connection of it may be in the midst of its commit."""
    monkeypatch.setattr(append, "WAIT_SECONDS", 0.05)
    with Session(house.engine) as writing, Session(house.engine) as adding:
        with Session(house.engine) as turn:
            begin_copy(writing, house.project_id, take_turn(turn, house.project_id))
        with pytest.raises(Conflict, match="import_under_way"):
            add(adding, house)
        adding.rollback()
        writing.commit()
        add(adding, house)
        adding.commit()
    assert house.texts() == ["one more"]


def test_who_adds_an_item_waits_no_longer_than_people_do(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine of an import may be gone with the turn in its hand; and taps wait for none of that."""
    monkeypatch.setattr(append, "WAIT_SECONDS", 0.05)
    with Session(house.engine) as turn, Session(house.engine) as adding, Session(house.engine) as tapping:
        take_turn(turn, house.project_id)
        with pytest.raises(Conflict, match="import_under_way"):
            add(adding, house)
        tapping.execute(text("SET lock_timeout = '50ms'"))
        assert fresh_rank(tapping, house.project_id, ORDINARY) > 0


def add(session: Session, house: House) -> None:
    """Add one item in chat."""
    append.append_item(session, session.get_one(Project, house.project_id), "one more", house.worker_id, now())


def test_nothing_is_copied_beside_a_turn_that_was_lost(house: House) -> None:
    with Session(house.engine) as turn, Session(house.engine) as writing:
        turn_id = take_turn(turn, house.project_id)
        begin_copy(writing, house.project_id, turn_id)
        writing.rollback()
        turn.connection().invalidate()
        with Session(house.engine) as next_turn:
            take_turn(next_turn, house.project_id)
            with pytest.raises(TurnLost):
                begin_copy(writing, house.project_id, turn_id)


def test_an_import_whose_turn_is_lost_is_done_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = house.post(rows(range(40)))

    def lose(session: Session, *arguments: Any) -> Any:
        found = find_new(session, *arguments)
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return found

    monkeypatch.setattr(chunks, "find_new", lose)
    with pytest.raises(OperationalError):
        house.load(batch_id)
    monkeypatch.setattr(chunks, "find_new", find_new)
    assert house.load(batch_id).item_count == 40
    assert len(house.items()) == 40


def test_nobody_waits_for_a_file_that_is_slow_to_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a few good rows may come a hundred thousand bad ones."""
    monkeypatch.setattr(chunks, "TURN_SECONDS", 0.01)
    added = threading.Event()

    def slowly(*arguments: Any) -> Iterator[Any]:
        for number, chunk in enumerate(load_drafts(*arguments)):
            assert number == 0 or added.wait(AT_MOST_SECONDS)
            yield chunk

    load_drafts = load._drafts
    monkeypatch.setattr(load, "_drafts", slowly)
    batch_id = house.post(rows(range(20)))
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(house.load, batch_id)
        while len(house.items()) < 10:
            assert not loading.done()
        with house.writing() as session:
            add(session, house)
        added.set()
        assert loading.result(AT_MOST_SECONDS).item_count == 20
    assert len(house.items()) == 21


def test_a_batch_is_not_ended_while_something_of_it_is_written(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "_publish", lambda plan, counts: None)  # it may come first, and then nothing is ended
    batch_id = house.post(rows(range(10)))
    written = threading.Barrier(2)

    def write(*arguments: Any) -> None:
        written.wait(AT_MOST_SECONDS)
        written.wait(AT_MOST_SECONDS)
        write_new(*arguments)

    monkeypatch.setattr(chunks, "write_new", write)
    with ThreadPoolExecutor(2) as pool:
        loading = pool.submit(house.load, batch_id)
        written.wait(AT_MOST_SECONDS)
        failing = pool.submit(load.fail_batch, house.engine, batch_id, house.effects.extend)
        wait_for_lock(house, failing)
        written.wait(AT_MOST_SECONDS)
        failing.result(AT_MOST_SECONDS)
        loading.result(AT_MOST_SECONDS)
    assert (house.batch(batch_id).state, house.items()) == ("failed", [])


def wait_for_lock(house: House, who: Future[None]) -> None:
    """Until somebody waits for a row."""
    with house.engine.connect() as connection:
        while not connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert not who.done(), "it did not wait"
            connection.rollback()


def test_another_project_waits_for_nobody(house: House) -> None:
    with Session(house.engine) as turn, Session(house.engine) as writing:
        begin_copy(writing, house.project_id + 1, take_turn(turn, house.project_id + 1))
        assert house.load(house.post(rows(range(3)))).state == "published"


def test_two_chunks_are_copied_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)

    def meet(*arguments: Any) -> None:
        both.wait(AT_MOST_SECONDS)
        write_new(*arguments)

    monkeypatch.setattr(chunks, "write_new", meet)
    assert house.load(house.post(rows(range(20)))).item_count == 20
