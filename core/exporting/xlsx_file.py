"""XLSX for spreadsheets: one sheet, written row by row in bounded memory, with no cell that would be run.

Texts are stored as texts whatever they begin with; an apostrophe in front, as in CSV, keeps them texts also where the
sheet is saved as CSV again. What XML cannot hold is left out, and a text ends where a cell does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from core.exporting.csv_file import neutralise

FORMAT = "xlsx"
EXTENSION = ".xlsx"
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_ROWS = 1_048_576
"""Rows of a sheet, the header among them; what is more goes into further sheets."""
CELL_CHARACTERS = 32_767


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a header and all rows into an existing file; returns the number of rows."""
    book = Workbook(write_only=True)
    sheet, count = _sheet(book, columns), 0
    for row in rows:
        if count and count % (SHEET_ROWS - 1) == 0:
            sheet = _sheet(book, columns)
        sheet.append([_cell(value) for value in row])
        count += 1
    book.save(path)
    return count


def _sheet(book: Workbook, columns: Sequence[str]) -> Any:
    sheet = book.create_sheet()
    sheet.append(list(columns))
    return sheet


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return str(neutralise(ILLEGAL_CHARACTERS_RE.sub("", value)))[:CELL_CHARACTERS]
