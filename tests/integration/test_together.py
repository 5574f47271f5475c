"""What is written with the next statement: nothing sees the database without it, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, bindparam, create_engine, event, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core.db import unit_of_work
from core.db.prepared import Prepared
from core.db.tables import table_of
from core.db.together import rows_along, write_soon
from core.db.upsert import upsert
from core.models import Attempt, Worker
from tests.factories import make_member

WORKER, ATTEMPT = table_of(Worker), table_of(Attempt)
COUNT = upsert(Attempt, ("origin", "hour", "count"), ("origin", "hour"), ("count",))
RENAME = Prepared(update(WORKER).where(WORKER.c.id == bindparam("id")).values(name=bindparam("new_name")))
NAMES = Prepared(select(WORKER.c.name).where(WORKER.c.id == bindparam("id")))
COUNTED = Prepared(select(func.sum(ATTEMPT.c.count)))
HERE = {"origin": "here", "hour": 1, "count": 7}


@pytest.fixture
def ann(engine: Engine) -> int:
    with Session(engine) as session, session.begin():
        return make_member(session, "Ann").id


@pytest.fixture
def sent(engine: Engine) -> Iterator[list[str]]:
    texts: list[str] = []

    def note(*told: object) -> None:
        texts.append(str(told[2]))

    event.listen(engine, "before_cursor_execute", note)
    yield texts
    event.remove(engine, "before_cursor_execute", note)


def on_postgresql(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"


def test_all_goes_along_with_the_statement_that_takes_it(engine: Engine, ann: int, sent: list[str]) -> None:
    with unit_of_work(engine, lambda effects: None) as session:
        write_soon(session, HERE, COUNT)
        write_soon(session, {"id": ann, "new_name": "Bea"}, RENAME)
        assert rows_along(session, NAMES, {"id": ann}) == [("Ann" if on_postgresql(engine) else "Bea",)]
        assert len([one for one in sent if not one.startswith("BEGIN")]) == (1 if on_postgresql(engine) else 3)
        assert NAMES.rows(session, {"id": ann}) == [("Bea",)]
    with Session(engine) as session:
        assert session.get_one(Attempt, ("here", 1)).count == 7


def test_any_other_statement_sees_it(engine: Engine, ann: int) -> None:
    with Session(engine) as session:
        write_soon(session, HERE, COUNT)
        assert COUNTED.rows(session, {}) == [(7,)]
        write_soon(session, HERE | {"count": 8}, COUNT)
        assert session.scalar(select(func.sum(ATTEMPT.c.count))) == 8
        write_soon(session, HERE | {"count": 9}, COUNT)
        assert session.connection().execute(text("SELECT count FROM attempt")).scalar() == 9
        write_soon(session, {"id": ann, "new_name": "Bea"}, RENAME)
        session.get_one(Worker, ann).locale = "zh"  # which the session holds back itself
        assert rows_along(session, NAMES, {"id": ann}) == [("Bea",)]


def test_the_commit_writes_it(engine: Engine) -> None:
    with unit_of_work(engine, lambda effects: None) as session:
        write_soon(session, HERE, COUNT)
    with Session(engine) as session:
        assert session.get_one(Attempt, ("here", 1)).count == 7


def test_a_rollback_forgets_it(engine: Engine) -> None:
    with Session(engine) as session:
        write_soon(session, HERE, COUNT)
        session.rollback()
        assert COUNTED.rows(session, {}) == [(None,)]
        session.commit()
    with Session(engine) as session:
        assert session.get(Attempt, ("here", 1)) is None


def test_a_savepoint_takes_back_what_waited_in_it_and_nothing_before(engine: Engine) -> None:
    with Session(engine) as session:
        write_soon(session, HERE, COUNT)
        savepoint = session.begin_nested()
        write_soon(session, HERE | {"hour": 2}, COUNT)
        savepoint.rollback()
        session.commit()
        assert list(session.scalars(select(Attempt.hour))) == [1]


def test_parameters_of_one_name_keep_their_values(engine: Engine, ann: int) -> None:
    with Session(engine) as session:
        other = make_member(session, "Bob").id
        for worker, name in ((ann, "Bea"), (other, "Cleo")):
            write_soon(session, {"id": worker, "new_name": name}, RENAME)
        assert rows_along(session, NAMES, {"id": ann}) == [("Bea",)]
        assert NAMES.rows(session, {"id": other}) == [("Cleo",)]


def test_where_it_fails_it_is_told_as_by_sqlalchemy_and_nothing_is_written(engine: Engine, ann: int) -> None:
    with Session(engine) as session:
        with pytest.raises(IntegrityError):
            fail(session, ann)
        session.rollback()
        assert NAMES.rows(session, {"id": ann}) == [("Ann",)]
        assert session.get(Attempt, ("here", 1)) is None
    with pytest.raises(IntegrityError), unit_of_work(engine, lambda effects: None) as session:
        write_soon(session, HERE | {"count": None}, COUNT)
    with Session(engine) as session:
        assert session.get(Attempt, ("here", 1)) is None


def fail(session: Session, worker: int) -> None:
    write_soon(session, HERE, COUNT)
    write_soon(session, {"id": worker, "new_name": None}, RENAME)
    rows_along(session, NAMES, {"id": worker})


def test_where_nobody_would_write_it_later_it_is_written_at_once(postgresql_engine: Engine) -> None:
    other = create_engine(postgresql_engine.url)
    try:
        with Session(other) as session, session.begin():
            write_soon(session, HERE, COUNT)
        with Session(other) as session:
            assert session.get_one(Attempt, ("here", 1)).count == 7
    finally:
        other.dispose()
