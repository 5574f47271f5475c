"""How alembic runs here: one transaction per revision, one migrating process at a time, short waits for locks."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, Engine, text
from sqlalchemy.schema import SchemaItem

from core.config import load_settings
from core.db import make_engine
from core.models import Base
from core.models.base import ONLY_ON, UtcDateTime

ADVISORY_LOCK = 7_265_001_337
"""Any number that no other program on the same database uses."""
WAIT_FOR_OTHERS = "120s"
LOCK_TIMEOUT = "5s"
"""A migration that waits longer would stop everybody who queues behind it."""
STATEMENT_TIMEOUT = "300s"


def run() -> None:
    """Migrate the engine that the caller put into the configuration, else that of the settings."""
    given: Engine | None = context.config.attributes.get("engine")
    engine = given if given is not None else make_engine(load_settings())
    try:
        with engine.connect() as connection, _alone(connection):
            _migrate(connection)
    finally:
        if given is None:
            engine.dispose()


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
        compare_type=True,
        render_item=_render_item,
        include_object=partial(_is_on, connection.dialect.name),
    )
    with context.begin_transaction():
        context.run_migrations()


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    guard = _alone_on_sqlite if connection.dialect.name == "sqlite" else _alone_on_postgresql
    with guard(connection):
        yield


@contextmanager
def _alone_on_postgresql(connection: Connection) -> Iterator[None]:
    # lock_timeout bounds the wait for the advisory lock too, so it is tightened only once that is held.
    connection.execute(text(f"SET lock_timeout = '{WAIT_FOR_OTHERS}'"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    try:
        yield
    finally:
        # Closing the connection for good drops the lock and the timeouts even after a failed transaction.
        connection.rollback()
        connection.invalidate()


@contextmanager
def _alone_on_sqlite(connection: Connection) -> Iterator[None]:
    database = connection.engine.url.database
    driver: Any = connection.connection.driver_connection
    with Path(f"{database}.migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Batch mode rebuilds a table by dropping the old one, which enforced foreign keys would forbid; inside a
        # transaction the pragma does nothing, so it goes past SQLAlchemy.
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            yield
            if broken := driver.execute("PRAGMA foreign_key_check").fetchall():
                raise RuntimeError(f"the migration left {len(broken)} dangling references, the first in {broken[0][0]}")
        finally:
            connection.rollback()
            driver.execute("PRAGMA foreign_keys=ON")


def _is_on(dialect: str, element: SchemaItem, *_rest: object) -> bool:
    return bool(element.info.get(ONLY_ON, dialect) == dialect)


def _render_item(kind: str, item: object, _context: AutogenContext) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


run()
