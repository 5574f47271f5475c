"""Many rows into the table of items by the fastest way that the database's driver has.

On PostgreSQL that is COPY, on SQLite one prepared statement for all rows. Both go past SQLAlchemy's own work for each
row, which costs more than the database's; what that would have done (defaults, JSON, moments) is done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from core.db.tables import table_of
from core.models import Item

ITEM = table_of(Item)


class NewItem(NamedTuple):
    """What differs from item to item. content: JSON as text; the other fields as in `core.models.Item`."""

    public_id: str
    content: str
    content_hash: str
    external_id: str
    rank: int

    def line(self) -> str:
        """The beginning of its row, as COPY takes it. Call it outside the transaction."""
        content, external_id = _escaped(self.content), _escaped(self.external_id)  # the others are of our making
        return f"{self.public_id}\t{content}\t{self.content_hash}\t{external_id}\t{self.rank}"


SHARED = ("project_id", "batch_id", "overlap", "created_at")
"""What all items of one call have in common, given by the caller."""
DEFAULTS = {
    column.name: column.default.arg
    for column in ITEM.columns
    if isinstance(column.default, ScalarElementColumnDefault) and column.name not in NewItem._fields
}
COLUMNS = (*NewItem._fields, *SHARED, *DEFAULTS)
COPY = f"COPY item ({', '.join(COLUMNS)}) FROM STDIN"
INSERT = f"INSERT INTO item ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 (our names)


def write_items(
    session: Session,
    items: Sequence[NewItem],
    lines: Sequence[str] = (),
    *,
    project_id: int,
    batch_id: int,
    overlap: int,
    now: datetime,
) -> None:
    """Insert items into one batch, in the session's transaction.

    Args:
        lines: of the items, if they were made before.

    Raises:
        DBAPIError: as from any statement; its text shows nothing of the items.
    """
    connection = session.connection()
    shared = (project_id, batch_id, overlap, _stored(now, connection), *DEFAULTS.values())
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(INSERT, [(*item, *shared) for item in items])
        return
    end = "".join(f"\t{_escaped(str(value))}" for value in shared) + "\n"
    _copy(connection, "".join([line + end for line in lines or [item.line() for item in items]]))


def _escaped(text: str) -> str:
    """As COPY takes it: https://www.postgresql.org/docs/current/sql-copy.html, "Text Format"."""
    text = text.replace("\\", "\\\\").replace("\t", "\\t")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _copy(connection: Connection, rows: str) -> None:
    import psycopg  # takes long to import, and SQLite does without it

    raw: Any = connection.connection.driver_connection
    try:
        with raw.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.write(rows)
    except psycopg.Error as error:  # PostgreSQL names the row in it
        bare = type(error)(error.diag.message_primary or "the connection is lost")
        raise DBAPIError.instance(COPY, None, bare, psycopg.Error, hide_parameters=True) from None


def _stored(moment: datetime, connection: Connection) -> Any:
    """A moment as the driver takes it."""
    process = ITEM.c.created_at.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return moment if process is None else process(moment)
