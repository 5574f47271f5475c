"""XLSX: the first sheet with data of an Excel workbook, its first filled row as the header, formulas by their values.

A workbook is a ZIP archive of XML. Its sizes are looked at before anything of it is unpacked, so that a small file
cannot fill the memory; its sheet is read through once before the first row is given, so that a file that breaks off
is refused as a whole.
"""

from __future__ import annotations

import errno
import re
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, time
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from xml.parsers import expat
from zipfile import ZipFile

from core.cells import unguarded
from core.errors import InvalidInput, LightworkError
from core.importing.columns import column_names
from core.importing.lines import BLOCK_BYTES
from core.importing.rows import MAX_COLUMNS, MAX_ROW_CHARACTERS, BadRow, Dialect, Row

FORMAT = "xlsx"
ZIP_START, OLE_START = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
STARTS = (ZIP_START, OLE_START)
MAX_UNPACKED_BYTES = 256_000_000
MAX_MEMBERS = 2_000
MAX_ROWS = 1_048_576
"""As many as Excel itself can hold; a row that says it stands further down is made up."""
SAMPLE_ROWS = 100
BLOCK_ROWS = 256
ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!"})
"""What a cell shows where its formula fails: read as an empty cell."""
_ROW = re.compile(rb"<(?:\w+:)?row[ >/]")
Values = tuple[Any, ...]


def likelihood(extension: str, head: Sequence[str]) -> float:  # noqa: ARG001 (part of the protocol)
    """Never by text: a workbook is known by its first bytes, whatever its name."""
    return 0.0


def detect(path: Path, encoding: str, extension: str) -> Dialect:  # noqa: ARG001 (part of the protocol)
    """Sheet, header and columns.

    Raises:
        InvalidInput: locked_spreadsheet (a password, or the format before 2007), not_spreadsheet,
            spreadsheet_too_large, broken_spreadsheet, empty_spreadsheet or too_many_columns.
    """
    with _only_refusals():
        _check_archive(path)
        with _workbook(path) as book:
            for sheet in sorted(book.worksheets, key=lambda sheet: sheet.sheet_state != "visible"):
                sample = _sample(sheet)
                if sample:
                    with ZipFile(path) as archive, archive.open(sheet._worksheet_path) as source:
                        return _dialect(sheet.title, sample, _read_through(source))
    raise InvalidInput("empty_spreadsheet")


def rows(path: Path, dialect: Dialect) -> Generator[Row | BadRow]:
    """All rows behind the header by the numbers that the spreadsheet shows. Empty rows are no rows.

    Raises:
        InvalidInput: broken_spreadsheet or spreadsheet_too_large; then nothing of the file is of use.
    """
    options = dialect.options
    cells: list[int] = options["cells"]
    with _only_refusals(), _workbook(path) as book:
        for number, values in _values(book[options["sheet"]], max(cells) + 1):
            if number <= options["header"]:
                continue
            texts = [_text(values[cell]) if cell < len(values) else "" for cell in cells]
            if sum(map(len, texts)) > MAX_ROW_CHARACTERS:
                yield BadRow(number, "line_too_long", {"limit": MAX_ROW_CHARACTERS})
            elif any(texts):
                yield Row(number, dict(zip(dialect.columns, texts, strict=True)))


def most_rows(path: Path) -> int:  # noqa: ARG001 (part of the protocol)
    """As many as a sheet can have."""
    return MAX_ROWS


@contextmanager
def _only_refusals() -> Iterator[None]:
    """Whatever the parsers stumble over in a broken file (they raise a dozen kinds) becomes one sentence."""
    try:
        yield
    except LightworkError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # the disk, and not the file
            raise
        raise InvalidInput("broken_spreadsheet") from error


def _check_archive(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(OLE_START)) == OLE_START:  # with a password a workbook is wrapped in the old format, too
            raise InvalidInput("locked_spreadsheet")
    with ZipFile(path) as archive:
        members = archive.infolist()
        read = [member for member in members if member.filename.endswith((".xml", ".rels"))]
        if any(member.flag_bits & 1 for member in members):
            raise InvalidInput("locked_spreadsheet")
        if "xl/workbook.xml" not in archive.namelist():
            raise InvalidInput("not_spreadsheet")
        if len(members) > MAX_MEMBERS or sum(member.file_size for member in read) > MAX_UNPACKED_BYTES:
            raise InvalidInput("spreadsheet_too_large", limit=MAX_ROWS)


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    from openpyxl import load_workbook

    with path.open("rb") as file:  # by its bytes: openpyxl refuses a path whose name does not end in .xlsx
        with _quietly():
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        with closing(book):
            yield book


@contextmanager
def _quietly() -> Iterator[None]:
    """Without openpyxl's remarks about formatting that it does not keep."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _values(sheet: Any, width: int | None = None) -> Generator[tuple[int, Values]]:
    """Number and values of every row, up to `width` cells of each. The size that the sheet claims is not believed."""
    sheet.reset_dimensions()
    found = enumerate(sheet.iter_rows(max_col=width, values_only=True), start=1)
    while True:
        with _quietly():
            block = list(islice(found, BLOCK_ROWS))
        if not block:
            return
        if block[-1][0] > MAX_ROWS:
            raise InvalidInput("spreadsheet_too_large", limit=MAX_ROWS)
        yield from block


def _sample(sheet: Any) -> list[tuple[int, Values]]:
    """The first filled rows."""
    with closing(_values(sheet)) as found:
        return list(islice((row for row in found if any(map(_text, row[1]))), SAMPLE_ROWS))


def _dialect(sheet: str, sample: list[tuple[int, Values]], row_count: int) -> Dialect:
    number = sample[0][0]
    width = max(len(values) for _, values in sample)
    texts = [[*map(_text, values), *[""] * (width - len(values))] for _, values in sample]
    filled = [cell for cell in range(width) if any(row[cell] for row in texts)]
    if len(filled) > MAX_COLUMNS:
        raise InvalidInput("too_many_columns", count=len(filled), limit=MAX_COLUMNS)
    columns = column_names(texts[0][cell] for cell in filled)
    return Dialect("", columns, {"sheet": sheet, "header": number, "cells": filled, "rows": max(0, row_count - number)})


def _read_through(source: BinaryIO | Any) -> int:
    """Check that a sheet's XML is whole; returns how many rows it has, about."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    count = 0
    while block := source.read(BLOCK_BYTES):
        parser.Parse(block, False)
        count += len(_ROW.findall(block))
    parser.Parse(b"", True)
    return count


def _refuse_doctype(*_: object) -> None:
    raise ValueError("no spreadsheet declares a document type")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return "" if value in ERRORS else unguarded(_unescaped(value)).strip()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time() != time(0) else value.date().isoformat()
    return str(value)


def _unescaped(text: str) -> str:
    """Excel writes a carriage return as _x000D_."""
    return text.replace("_x000D_", "") if "_x000D_" in text else text
