"""XLSX for spreadsheets: sheets written row by row in bounded memory, with no cell that would be run.

Texts are stored as texts whatever they begin with; an apostrophe in front, as in CSV, keeps them texts also where the
sheet is saved as CSV again. What XML cannot hold is left out, and a text ends where a cell does. The few parts of a
workbook are written here: openpyxl takes ten times as long for each row.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from math import isfinite
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl.utils import get_column_letter

from core.cells import guarded

FORMAT = "xlsx"
EXTENSION = ".xlsx"
MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_ROWS = 1_048_576
"""Rows of a sheet, the header among them; what is more goes into further sheets."""
CELL_CHARACTERS = 32_767
BLOCK_ROWS = 500
"""Rows that are put together before they are compressed."""
FAST = 1
"""Level of compression: a third of the time of the usual one, for a tenth more bytes."""
NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a header and all rows into an existing file; returns the number of rows."""
    source = iter(rows)
    following = list(islice(source, 1))
    sheets = count = 0
    with ZipFile(path, "w", ZIP_DEFLATED, compresslevel=FAST) as archive:
        while following or not sheets:
            sheets += 1
            with archive.open(f"xl/worksheets/sheet{sheets}.xml", "w", force_zip64=True) as sheet:
                count += _write_sheet(sheet, columns, islice(chain(following, source), SHEET_ROWS - 1))
            following = list(islice(source, 1))
        for name, text in _parts(sheets).items():
            archive.writestr(name, _HEAD + text)
    return count


def _write_sheet(sheet: IO[bytes], columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> int:
    """One sheet with its header; the number of its other rows."""
    letters = [get_column_letter(number) for number in range(1, len(columns) + 1)]
    sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{_row(1, letters, columns)}'.encode())
    count = 0
    while block := list(islice(rows, BLOCK_ROWS)):
        texts = (_row(number, letters, values) for number, values in enumerate(block, start=count + 2))
        sheet.write("".join(texts).encode())
        count += len(block)
    sheet.write(b"</sheetData></worksheet>")
    return count


def _row(number: int, letters: Sequence[str], values: Sequence[Any]) -> str:
    cells = [_cell(f"{letter}{number}", value) for letter, value in zip(letters, values, strict=True)]
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(place: str, value: Any) -> str:
    """A truth, a number, a text, or nothing where there is none of them."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{value:d}</v></c>'
    if isinstance(value, (int, float)) and isfinite(value):
        return f'<c r="{place}"><v>{value}</v></c>'
    text = escape(guarded(NOT_XML.sub("", str(value)))[:CELL_CHARACTERS]).replace("\r", "&#13;")
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _parts(sheets: int) -> dict[str, str]:
    """The parts of a workbook around its sheets, by their names in the archive."""
    numbers = range(1, sheets + 1)
    named = "".join(f'<sheet name="Sheet{one}" sheetId="{one}" r:id="rId{one}"/>' for one in numbers)
    targets = [(f"rId{one}", "worksheet", f"worksheets/sheet{one}.xml") for one in numbers]
    typed = [("/xl/workbook.xml", "sheet.main"), *((f"/xl/worksheets/sheet{one}.xml", "worksheet") for one in numbers)]
    overrides = "".join(f'<Override PartName="{name}" ContentType="{_KIND}.{kind}+xml"/>' for name, kind in typed)
    relation = "application/vnd.openxmlformats-package.relationships+xml"
    return {
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(targets),
        "_rels/.rels": _relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
        f' ContentType="{relation}"/><Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
    }


def _relations(targets: Iterable[tuple[str, str, str]]) -> str:
    found = (f'<Relationship Id="{one}" Type="{_RELATED}/{kind}" Target="{to}"/>' for one, kind, to in targets)
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(found)}</Relationships>'
