"""Engines and units of work, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.orm import Session

from core.config import Settings
from core.effects import Effect, take_effects

READ_ONLY = {"lightwork_read_only": True}
BUSY_TIMEOUT_MS = 30_000


def make_engine(settings: Settings) -> Engine:
    """An engine with durable commits, whose errors do not show what was written. The caller disposes of it."""
    url = make_url(settings.sqlalchemy_url)
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        arguments = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
        engine = create_engine(url, connect_args=arguments, hide_parameters=True)
        _tune_sqlite(engine)
        return engine
    return create_engine(url, pool_size=8, max_overflow=4, pool_pre_ping=True, pool_timeout=20, hide_parameters=True)


def is_sqlite(engine: Engine) -> bool:
    """Whether writes have to be serialised by one writer."""
    return engine.dialect.name == "sqlite"


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # transactions begin where we say so: see `begin`
        cursor = dbapi_connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_TIMEOUT_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that reads and then writes fails at once with SQLITE_BUSY; IMMEDIATE waits its turn.
        read_only = connection.get_execution_options().get("lightwork_read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


@contextmanager
def unit_of_work(engine: Engine, run_effects: Callable[[list[Effect]], None]) -> Iterator[Session]:
    """One event, one transaction; its effects run after the commit and are dropped with a rollback."""
    with Session(engine, expire_on_commit=False) as session:
        with session.begin():
            yield session
        run_effects(take_effects(session))


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only reads: it never waits for a writer on SQLite."""
    with Session(engine.execution_options(**READ_ONLY), expire_on_commit=False) as session:
        yield session
        session.expunge_all()  # what was read stays readable after the session has ended
