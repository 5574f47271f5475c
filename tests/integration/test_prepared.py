"""Statements that the driver runs itself: they convert, see and fail as SQLAlchemy's own."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, bindparam, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.config import load_settings
from core.db import engine as engines
from core.db.prepared import Prepared, attach, detached
from core.db.tables import table_of
from core.db.upsert import upsert
from core.models import Attempt, Project, Worker
from tests.factories import START, make_member, make_project

WORKER, PROJECT = table_of(Worker), table_of(Project)
BY_ID = Prepared(select(*WORKER.c).where(WORKER.c.id == bindparam("id")))
NAMES = Prepared(select(WORKER.c.name).order_by(WORKER.c.id))
SCHEMA = Prepared(select(PROJECT.c.label_schema, PROJECT.c.created_at, PROJECT.c.error_cost, PROJECT.c.class_prior))
COUNT = upsert(Attempt, ("origin", "hour", "count"), ("origin", "hour"), ("count",))


def test_values_come_back_as_their_columns_say(engine: Engine) -> None:
    with Session(engine) as session:
        project = make_project(session, labels=("Yes", "No"))
        assert SCHEMA.rows(session, {}) == [(project.label_schema, START, project.error_cost, None)]


def test_a_stored_text_that_was_read_before_gives_the_same_object(engine: Engine) -> None:
    shared = Prepared(select(PROJECT.c.label_schema, PROJECT.c.created_at), shared=(PROJECT,))
    with Session(engine) as session:
        project = make_project(session, labels=("Yes", "No"))
        [first], [second] = shared.rows(session, {}), shared.rows(session, {})
        assert first == second == (project.label_schema, START)
        assert first[0] is second[0]
        assert SCHEMA.rows(session, {})[0][0] is not first[0], "only where it is asked for"
        project.label_schema = {"kind": "choice", "labels": []}
        assert shared.rows(session, {})[0][0] == project.label_schema


def test_what_the_session_holds_back_is_written_first(engine: Engine) -> None:
    with Session(engine) as session:
        session.add(Worker(name="Ann", locale="en", created_at=START))
        assert NAMES.rows(session, {}) == [("Ann",)]


def test_it_is_part_of_the_transaction_of_its_session(engine: Engine) -> None:
    with Session(engine) as session:
        COUNT.run(session, {"origin": "here", "hour": 1, "count": 1})
        session.rollback()
        assert session.get(Attempt, ("here", 1)) is None
        COUNT.run(session, {"origin": "here", "hour": 1, "count": 2})
        session.commit()
    with Session(engine) as session:
        assert session.get_one(Attempt, ("here", 1)).count == 2


def test_an_upsert_overwrites_what_is_there(engine: Engine) -> None:
    with Session(engine) as session:
        for count in (1, 5):
            assert COUNT.run(session, {"origin": "here", "hour": 1, "count": count}) == 1
        assert session.get_one(Attempt, ("here", 1)).count == 5


def test_a_violated_constraint_is_told_as_by_sqlalchemy(engine: Engine) -> None:
    add = Prepared(insert(table_of(Attempt)).values({name: bindparam(name) for name in ("origin", "hour", "count")}))
    with Session(engine) as session:
        add.run(session, {"origin": "here", "hour": 1, "count": 1})
        with pytest.raises(IntegrityError):
            add.run(session, {"origin": "here", "hour": 1, "count": 1})


def test_a_savepoint_takes_back_what_was_done_in_it(engine: Engine) -> None:
    with Session(engine) as session:
        COUNT.run(session, {"origin": "kept", "hour": 1, "count": 1})
        savepoint = session.begin_nested()
        COUNT.run(session, {"origin": "lost", "hour": 1, "count": 1})
        savepoint.rollback()
        COUNT.run(session, {"origin": "kept too", "hour": 1, "count": 1})
        session.commit()
        assert sorted(session.scalars(select(Attempt.origin))) == ["kept", "kept too"]


def test_a_list_of_variable_length_is_refused(engine: Engine) -> None:
    some = Prepared(select(WORKER.c.id).where(WORKER.c.id.in_(bindparam("ids", expanding=True))))
    with Session(engine) as session, pytest.raises(ValueError, match="variable length"):
        some.rows(session, {"ids": [1, 2]})


def test_columns_whose_default_would_be_forgotten_are_refused(engine: Engine) -> None:
    add = Prepared(insert(WORKER).values(name=bindparam("name")))
    with Session(engine) as session, pytest.raises(ValueError, match="public_id"):
        add.run(session, {"name": "Ann"})


def test_an_attached_row_is_the_sessions_own(engine: Engine) -> None:
    with Session(engine) as session:
        worker_id = make_member(session, "Ann").id
        session.commit()
    with Session(engine) as session:
        row = BY_ID.row(session, {"id": worker_id})
        assert row is not None
        worker = attach(session, Worker, row)
        assert session.get_one(Worker, worker_id) is worker
        worker.name = "Bea"
        session.commit()
        assert NAMES.rows(session, {}) == [("Bea",)]


def test_what_the_session_knows_of_a_row_stays(engine: Engine) -> None:
    with Session(engine) as session:
        worker = make_member(session, "Ann")
        session.execute(text("UPDATE worker SET name = 'Bea'"))
        row = BY_ID.row(session, {"id": worker.id})
        assert row is not None
        assert attach(session, Worker, row) is worker
        assert worker.name == "Ann"


def test_a_detached_row_is_nobodys(engine: Engine) -> None:
    with Session(engine) as session:
        row = BY_ID.row(session, {"id": make_member(session, "Ann").id})
        assert row is not None
        alone = detached(Worker, row)
        assert alone.name == "Ann"
        alone.name = "Bea"
        assert NAMES.rows(session, {}) == [("Ann",)]


def test_nothing_is_found_where_nothing_is(engine: Engine) -> None:
    with Session(engine) as session:
        assert BY_ID.row(session, {"id": 1}) is None


def test_a_connection_that_was_lost_while_it_rested_is_replaced(
    postgresql_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "REST_SECONDS", 0.0)
    url = postgresql_engine.url.render_as_string(hide_password=False)
    other = engines.make_engine(load_settings(DATABASE_URL=url, _env_file=None))
    try:
        with other.connect() as connection:
            lost = connection.scalar(text("SELECT pg_backend_pid()"))
        with postgresql_engine.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": lost})
        with other.connect() as connection:
            assert connection.scalar(text("SELECT pg_backend_pid()")) != lost
    finally:
        other.dispose()
