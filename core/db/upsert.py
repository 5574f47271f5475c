"""INSERT ... ON CONFLICT, spelled alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Session

from core.db.prepared import Prepared
from core.db.tables import table_of


def insert_statement(session: Session, model: type[DeclarativeBase]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT on the table of `model` in the session's dialect; both know `on_conflict_do_update`."""
    table = table_of(model)
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def upsert(
    model: type[DeclarativeBase], values: Sequence[str], keys: Sequence[str], changed: Sequence[str]
) -> Prepared:
    """An INSERT of the columns `values`, by parameters of their names; where `keys` are there, it changes `changed`."""
    table = table_of(model)

    def statement(dialect: str) -> postgresql.Insert | sqlite.Insert:
        insert = sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
        new = insert.values({name: bindparam(name) for name in values})
        return new.on_conflict_do_update(index_elements=keys, set_={name: new.excluded[name] for name in changed})

    return Prepared(statement)


def insert_or_ignore(
    session: Session, model: type[DeclarativeBase], values: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> int:
    """Insert rows except those that a unique constraint already holds; returns how many went in."""
    key = next(iter(table_of(model).primary_key))
    statement = insert_statement(session, model).values(values).on_conflict_do_nothing().returning(key)
    return len(session.execute(statement).all())  # psycopg gives no row count for such a statement
