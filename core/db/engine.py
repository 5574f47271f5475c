"""Engines and units of work, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Connection, ExceptionContext, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from core.config import Settings
from core.db.together import keep_order
from core.effects import Effect, take_effects
from core.metrics import DATABASE_ERRORS

READ_ONLY = {"lightwork_read_only": True}
BUSY_TIMEOUT_MS = 30_000
REST_SECONDS = 1.0
RESTING_SINCE = "lightwork_resting_since"
ONLY_OWNER = stat.S_IRUSR | stat.S_IWUSR


def make_engine(settings: Settings) -> Engine:
    """An engine with durable commits, whose errors do not show what was written. The caller disposes of it.

    A SQLite file is there afterwards, and nobody but its owner can read it; `sqlite_file` tells before whether it is.
    """
    url = make_url(settings.sqlalchemy_url)
    if url.get_backend_name() == "sqlite":
        if (file := sqlite_file(settings)) is not None:
            _keep_private(file)
        arguments = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
        engine = create_engine(url, connect_args=arguments, hide_parameters=True)
        _tune_sqlite(engine)
    else:
        engine = create_engine(url, pool_size=8, max_overflow=8, pool_timeout=20, hide_parameters=True)
        _ask_who_rested(engine)
        keep_order(engine)
    event.listen(engine, "handle_error", _count_error)
    return engine


def sqlite_file(settings: Settings) -> Path | None:
    """Where the database lies, there already or not; nothing where it is not one file of this machine."""
    url = make_url(settings.sqlalchemy_url)
    on_disk = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return Path(str(url.database)) if on_disk else None


def _keep_private(file: Path) -> None:
    """Make the file for its owner alone, and take from others what an earlier umask gave them."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, ONLY_OWNER))
    for suffix in ("", "-wal", "-shm"):  # SQLite makes the last two with the mode of the first
        path = file.with_name(file.name + suffix)
        with suppress(FileNotFoundError, PermissionError):  # it is somebody else's, who may have their reasons
            if path.stat().st_mode & ~ONLY_OWNER & 0o777:
                path.chmod(ONLY_OWNER)


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


def _ask_who_rested(engine: Engine) -> None:
    """Ask a connection that has not been used for a while whether it is alive, and take another where it is not.

    SQLAlchemy's own `pool_pre_ping` asks each time, which costs every tap a round trip.
    """

    @event.listens_for(engine, "checkin")
    def checkin(_dbapi_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[RESTING_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(dbapi_connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        if time.monotonic() - record.info.get(RESTING_SINCE, time.monotonic()) < REST_SECONDS:
            return
        try:
            engine.dialect.do_ping(dbapi_connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def _count_error(context: ExceptionContext) -> None:
    DATABASE_ERRORS.labels(type(context.original_exception).__name__).inc()


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
