"""The least that an import and an export can cost: the standard library's reader, the driver, and a bare table."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy import Engine, text

from core.db import is_sqlite

CHUNK = 1_000


def writing_floor(engine: Engine, file: Path) -> float:
    """Seconds to read a CSV and put its rows into a table without an index, in one durable transaction."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare (id TEXT, text TEXT, label TEXT)"))
    started = time.perf_counter()
    with engine.begin() as connection:
        raw: Any = connection.connection.driver_connection
        if is_sqlite(engine):
            raw.executemany("INSERT INTO bare VALUES (?, ?, ?)", _rows(file))
        else:
            with raw.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
                for row in _rows(file):
                    copy.write_row(row)
    seconds = time.perf_counter() - started
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE bare"))
    return seconds


def _rows(file: Path) -> Iterator[list[str]]:
    with file.open(encoding="utf-8", newline="") as source:
        reader = csv.reader(source)
        next(reader)
        yield from reader


def reading_floor(engine: Engine, project_id: int) -> float:
    """Seconds to read the decided items of a project through the driver and write five columns of them as CSV."""
    statement = text(
        "SELECT external_id, public_id, content, label_id, confidence FROM item"
        " WHERE project_id = :id AND state = 'agreed' ORDER BY id"
    )
    started = time.perf_counter()
    with engine.connect() as connection, TemporaryFile("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        found = connection.execution_options(yield_per=CHUNK).execute(statement, {"id": project_id})
        for chunk in found.partitions():
            writer.writerows(chunk)
    return time.perf_counter() - started
