"""Statements that write, sent with others: what a statement costs PostgreSQL and us is mostly the wait for it.

There all but the last stand in a WITH. All of them see the tables as they were before, so none may depend on what
another one writes. SQLite takes no such statement, and has no wait. See
https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from core.db.drivers import Driver, driver_of
from core.db.prepared import Prepared, Statement


@dataclass(frozen=True, slots=True)
class _Waiting:
    """What a transaction still has to write, with the values of all parameters by name."""

    driver: Driver
    parts: tuple[Prepared, ...]
    values: Mapping[str, Any]


_waiting: WeakKeyDictionary[Connection, _Waiting] = WeakKeyDictionary()


def write_soon(session: Session, values: Mapping[str, Any], *parts: Prepared) -> None:
    """Write with the next `rows_along`, or before whatever else is sent, or with the commit.

    On SQLite at once, and wherever nobody would `keep_order`.

    The parts, and those that wait already, must not depend on one another.

    Args:
        values: of all parameters; those of one name have one value.

    Raises:
        sqlalchemy.exc.DBAPIError: on SQLite; else it is the statement that writes it which fails.
    """
    session.flush()
    driver = driver_of(session)
    if driver.dialect.name != "postgresql" or not event.contains(driver.connection.engine, "commit", _write):
        for part in parts:
            part.run(session, values)
        return
    waiting = _waiting.get(driver.connection)
    if waiting is not None and _contradict(waiting.values, values):
        _write(driver.connection)
        waiting = None
    before, known = (waiting.parts, waiting.values) if waiting else ((), {})
    _waiting[driver.connection] = _Waiting(driver, (*before, *parts), {**known, **values})


def rows_along(session: Session, statement: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement that takes along what waits to be written, and does not depend on it.

    Raises:
        sqlalchemy.exc.DBAPIError: it failed, or what was taken along did.
    """
    session.flush()
    connection = driver_of(session).connection
    waiting = _waiting.get(connection)
    if waiting is None or _contradict(waiting.values, values):
        return statement.rows(session, values)
    _forget(connection)
    return _joined(*waiting.parts, statement).rows(session, {**waiting.values, **values})


def keep_order(engine: Engine) -> None:
    """Have what waits written before any other statement on the same connection, and before the commit."""
    event.listen(engine, "before_cursor_execute", lambda connection, *_: _write(connection))
    event.listen(engine, "commit", _write)
    event.listen(engine, "rollback", _forget)
    event.listen(engine, "rollback_savepoint", lambda connection, *_: _forget(connection))


def _write(connection: Connection) -> None:
    waiting = _waiting.pop(connection, None)
    if waiting is not None:
        _joined(*waiting.parts).send(waiting.driver, waiting.values)


def _forget(connection: Connection) -> None:
    _waiting.pop(connection, None)


def _contradict(known: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return any(name in known and known[name] != value for name, value in values.items())


@cache
def _joined(*parts: Prepared) -> Prepared:
    """One statement of several; as many different ones as there are kinds of answers."""
    if len(parts) == 1:
        return parts[0]

    def statement(dialect: str) -> Statement:
        *first, last = (part.made_for(dialect) for part in parts)
        return last.add_cte(*(part.cte(f"part_{number}") for number, part in enumerate(first)))

    return Prepared(statement)
