"""CSV for spreadsheets: UTF-8 with a byte order mark, CRLF, and no cell that a spreadsheet would run.

A cell that begins with = + - @ or a tab or line end would be taken for a formula; it gets an apostrophe in front
(`core/cells.py`), which an import takes away again. JSON Lines has none.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from core.cells import guarded

FORMAT = "csv"
EXTENSION = ".csv"
MEDIA_TYPE = "text/csv"


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a header and all rows into an existing file; returns the number of rows."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([guarded(name) for name in columns])
        for row in rows:
            writer.writerow([guarded(value) for value in row])
            count += 1
    return count
