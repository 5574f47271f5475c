"""What runs the statements of the hot path: the driver's side of a session's transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session, SessionTransaction

KEY = "lightwork_driver"


@dataclass(frozen=True, slots=True)
class Driver:
    """The driver's connection, as long as `transaction` is the session's innermost one.

    cursor: gives one to run a statement with, which is good until the next is asked for. positional: as `dialect`, with
    parameters by their place. listeners: to statements. moments_are_texts: as the database has no type for them.
    """

    transaction: SessionTransaction | None
    connection: Connection
    cursor: Callable[[], Any]
    error: type[Exception]
    dialect: Dialect
    positional: Dialect
    listeners: tuple[Callable[..., Any], ...]
    moments_are_texts: bool


def driver_of(session: Session) -> Driver:
    """The driver of a session's transaction, which begins where it has not."""
    known: Driver | None = session.info.get(KEY)
    if known is not None and known.transaction is session._transaction:
        return known
    connection = session.connection()
    own = connection.connection.dbapi_connection
    assert own is not None  # noqa: S101 - it was checked out one line above
    dialect, on_sqlite = connection.dialect, connection.dialect.name == "sqlite"
    error, listeners = dialect.loaded_dbapi.Error, tuple(connection.dispatch.before_cursor_execute)
    cursor = own.cursor if on_sqlite else connection.info.setdefault(KEY, _OneCursor(own))
    positional = dialect if on_sqlite else _numbered()
    # The innermost one: a savepoint begins when the session is first asked for its connection in it.
    driver = Driver(session._transaction, connection, cursor, error, dialect, positional, listeners, on_sqlite)
    session.info[KEY] = driver
    return driver


class _OneCursor:
    """The one cursor of a connection to PostgreSQL.

    Making one costs as much as a short statement. It takes a statement as the server does, where psycopg's usual ones
    look for parameters in a long text each time, and gives JSON as text, so that what is read again need not be parsed.
    """

    def __init__(self, own: Any) -> None:
        self._own = own
        self._cursor: Any = None

    def __call__(self) -> Any:
        """A new one only after an error, which closes it."""
        if self._cursor is None or self._cursor.closed:
            from psycopg import RawCursor
            from psycopg.types.string import TextLoader

            self._cursor = RawCursor(self._own)
            for kind in ("json", "jsonb"):
                self._cursor.adapters.register_loader(kind, TextLoader)
        return self._cursor


@cache
def _numbered() -> Dialect:
    from sqlalchemy.dialects.postgresql import psycopg

    made: Dialect = psycopg.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    return made
