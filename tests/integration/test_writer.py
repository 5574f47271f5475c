"""Grouped commits: one person's error costs the others nothing, and effects follow the commit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db import is_sqlite, reading
from core.db.writer import GroupWriter, Overloaded, Writer, make_writer
from core.effects import Effect, EnqueueJob, WakeDelivery, add_effect
from core.models import Workspace
from tests.factories import START


def add(name: str) -> Any:
    """Work that adds a workspace and an effect, and fails for the name "bad"."""

    def work(session: Session) -> int:
        workspace = Workspace(name=name, created_at=START)
        session.add(workspace)
        add_effect(session, EnqueueJob("default", name, (), name))
        session.flush()
        if name == "bad":
            raise ValueError(name)
        return workspace.id

    return work


def count(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(Workspace)) or 0


def test_each_piece_of_work_stands_alone(engine: Engine, effects: list[Effect]) -> None:
    writer = make_writer(engine, effects.extend)
    futures: list[Future[int]] = [writer.submit(add(name)) for name in ("one", "bad", "two")]
    assert futures[0].result(10) != futures[2].result(10)
    with pytest.raises(ValueError, match="bad"):
        futures[1].result(10)
    writer.close()
    assert count(engine) == 2
    assert sorted(effect.job_id for effect in effects if isinstance(effect, EnqueueJob)) == ["one", "two"]


def transaction(session: Session) -> int:
    """What tells one transaction from another, on PostgreSQL."""
    return int(session.scalars(text("SELECT pg_current_xact_id()::text::bigint")).one())


def busy(writer: Writer) -> threading.Event:
    """Keep a writer busy, so that what is submitted now waits together, until the event is set."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        begun.set()
        assert go_on.wait(10)

    writer.submit(hold, short=True)
    assert begun.wait(10)
    return go_on


def test_all_that_waits_is_one_transaction(postgresql_engine: Engine) -> None:
    writer = make_writer(postgresql_engine, lambda effects: None)
    go_on = busy(writer)
    waiting = [writer.submit(transaction, short=True) for _ in range(3)]
    beside = writer.submit(transaction).result(10)
    assert not any(one.done() for one in waiting), "what is done alone does not wait for the others"
    go_on.set()
    [together] = {one.result(10) for one in waiting}
    assert together != beside
    writer.close()


def test_who_would_wait_for_a_row_is_done_alone_and_keeps_nobody_waiting(postgresql_engine: Engine) -> None:
    with Session(postgresql_engine) as session, session.begin():
        session.add(Workspace(name="held", created_at=START))
    writer = make_writer(postgresql_engine, lambda effects: None)

    def rename(session: Session) -> str:
        session.execute(update(Workspace).where(Workspace.name == "held").values(name="renamed"))
        return "renamed"

    with Session(postgresql_engine) as holding, holding.begin():
        holding.execute(select(Workspace.id).with_for_update()).all()
        go_on = busy(writer)
        waiting, fine = writer.submit(rename, short=True), writer.submit(add("fine"), short=True)
        go_on.set()
        fine.result(10)
        writer.submit(add("fine, too"), short=True).result(10)
        assert not waiting.done()
    assert waiting.result(10) == "renamed"
    writer.close()
    assert count(postgresql_engine) == 3


def test_what_is_set_for_groups_is_set_for_nobody_else(postgresql_engine: Engine) -> None:
    writer = make_writer(postgresql_engine, lambda effects: None)

    def patience(session: Session) -> str:
        return str(session.scalars(text("SHOW lock_timeout")).one())

    assert writer.submit(patience, short=True).result(10) == "100ms"
    assert writer.submit(patience).result(10) == "0"
    writer.close()
    with Session(postgresql_engine) as session:
        assert patience(session) == "0"


def backend(session: Session) -> int:
    """The process of PostgreSQL that serves a session."""
    return int(session.scalars(text("SELECT pg_backend_pid()")).one())


def test_who_is_refused_costs_the_others_no_connection(postgresql_engine: Engine) -> None:
    writer = make_writer(postgresql_engine, lambda effects: None)
    before = writer.submit(backend, short=True).result(10)
    go_on = busy(writer)
    refused, fine = writer.submit(add("bad"), short=True), writer.submit(add("fine"), short=True)
    go_on.set()
    with pytest.raises(ValueError, match="bad"):
        refused.result(10)
    fine.result(10)
    assert writer.submit(backend, short=True).result(10) == before
    writer.close()
    assert count(postgresql_engine) == 1


def test_a_connection_that_was_lost_is_replaced(postgresql_engine: Engine) -> None:
    writer = make_writer(postgresql_engine, lambda effects: None)
    lost = writer.submit(backend, short=True).result(10)
    with postgresql_engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": lost})
    assert writer.submit(add("one"), short=True).result(10)
    assert writer.submit(backend, short=True).result(10) != lost
    writer.close()
    assert count(postgresql_engine) == 1


def test_a_violated_constraint_rolls_back_its_own_work_only(engine: Engine) -> None:
    writer = make_writer(engine, lambda effects: None)

    def twice(session: Session) -> None:
        session.add_all(Workspace(name="x", public_id="samesamesamesame", created_at=START) for _ in range(2))
        session.flush()

    first, second = writer.submit(twice), writer.submit(add("fine"))
    with pytest.raises(IntegrityError):
        first.result(10)
    second.result(10)
    writer.close()
    assert count(engine) == 1


def test_a_full_queue_says_so_and_loses_nothing(sqlite_engine: Engine) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(_session: Session) -> None:
        started.set()
        assert go_on.wait(10)

    writer = GroupWriter(sqlite_engine, lambda effects: None, limit=2)
    accepted = [writer.submit(slow)]
    assert started.wait(10)
    accepted += [writer.submit(add("one")), writer.submit(add("two"))]
    with pytest.raises(Overloaded):
        writer.submit(add("three"))
    go_on.set()
    for future in accepted:
        future.result(10)
    writer.close()
    assert count(sqlite_engine) == 2


def test_waking_delivery_twice_in_one_event_wakes_once(engine: Engine, effects: list[Effect]) -> None:
    writer = make_writer(engine, effects.extend)

    def work(session: Session) -> None:
        add_effect(session, WakeDelivery())
        add_effect(session, WakeDelivery())

    writer.submit(work).result(10)
    writer.close()
    assert effects == [WakeDelivery()]


def test_effects_that_fail_do_not_end_the_writer(sqlite_engine: Engine) -> None:
    """What was committed stays, and later work is done all the same."""

    def broken(_effects: list[Effect]) -> None:
        raise RuntimeError("the loop is closed")

    writer = make_writer(sqlite_engine, broken)
    assert writer.submit(lambda session: 1).result(10) == 1
    assert writer.submit(lambda session: 2).result(10) == 2
    writer.close()


def test_results_come_to_their_home_all_of_a_commit_at_once(engine: Engine) -> None:
    writer, arrived = make_writer(engine, lambda effects: None), list[Callable[[], None]]()
    begun, go_on = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        begun.set()
        assert go_on.wait(10)

    writer.submit(hold)
    assert begun.wait(10)
    asked = [writer.submit(partial(_answer, number), arrived.append) for number in (1, 2, 0)]
    go_on.set()
    writer.close()
    assert len(arrived) == (1 if is_sqlite(engine) else 3)
    assert not any(one.done() for one in asked), "not before their home calls for them"
    for call in arrived:
        call()
    assert [one.result(0) for one in asked[:2]] == [2, 1]
    with pytest.raises(ZeroDivisionError):
        asked[2].result(0)


def test_a_home_that_is_gone_costs_nobody_else_anything(engine: Engine) -> None:
    def closed(_call: Callable[[], None]) -> None:
        raise RuntimeError("Event loop is closed")

    writer = make_writer(engine, lambda effects: None)
    writer.submit(lambda session: 1, closed)
    assert writer.submit(lambda session: 2).result(10) == 2
    writer.close()


def _answer(number: int, _session: Session) -> int:
    return 2 // number
