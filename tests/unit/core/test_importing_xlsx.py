"""Excel workbooks: values as people see them, the numbers of rows they see, and one sentence for every broken file."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from openpyxl import Workbook

from core.errors import InvalidInput
from core.exporting import export_formats
from core.importing import BadRow, Received, Row, receive, xlsx_file
from core.importing.formats import formats

Rows = Sequence[Sequence[object]]
TWEETS: Rows = [("id", "text", "label"), (1, "What a lovely day", "Good"), (2, "Rain again", "Bad")]
SHEET = "xl/worksheets/sheet1.xml"


def make(path: Path, *sheets: Rows) -> Path:
    """A workbook with these sheets."""
    book = Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def read(path: Path, name: str = "tweets.xlsx") -> tuple[Received, list[Row | BadRow]]:
    """The first look at a workbook, and all its rows."""
    found = receive(path, name)
    with closing(formats()[found.format].rows(path, found.dialect)) as rows:
        return found, list(rows)


def refusal(path: Path, name: str = "tweets.xlsx") -> InvalidInput:
    """Why a file is refused."""
    with pytest.raises(InvalidInput) as caught:
        read(path, name)
    return caught.value


def rewrite(path: Path, change: Callable[[str, bytes], bytes | None], **extra: bytes) -> Path:
    """A copy of the archive in which each member went through `change`; None leaves it out."""
    copy = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            if (data := change(name, source.read(name))) is not None:
                target.writestr(name, data)
        for name, data in extra.items():
            target.writestr(name, data)
    return copy


def with_sheet(tmp_path: Path, xml: bytes) -> Path:
    """A workbook whose one sheet holds this XML between <sheetData> and </sheetData>."""
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    sheet = head + xml + b"</sheetData></worksheet>"
    return rewrite(make(tmp_path / "a.xlsx", TWEETS), lambda name, data: sheet if name == SHEET else data)


def cell(at: str, text: str) -> bytes:
    """A cell with a text of its own."""
    return f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


def test_rows_come_with_the_numbers_that_excel_shows(tmp_path: Path) -> None:
    rows: Rows = [(), (None, "id", "text"), (None, 1, "What a lovely day"), (), (None, 2, "Rain\nagain")]
    found, read_rows = read(make(tmp_path / "a.xlsx", rows))
    assert (found.format, found.columns, found.text_column, found.id_column) == ("xlsx", ("id", "text"), "text", "id")
    assert found.rows == 2
    assert read_rows == [
        Row(3, {"id": "1", "text": "What a lovely day"}),
        Row(5, {"id": "2", "text": "Rain\nagain"}),
    ]


def test_the_first_sheet_with_data_is_read_and_hidden_ones_last(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = Workbook()
    book.active.append(("secret", "text"))
    book.active.append(("x", "of the hidden sheet"))
    book.active.sheet_state = "hidden"
    book.create_sheet("Empty")
    third = book.create_sheet("Tweets")
    for row in TWEETS:
        third.append(row)
    book.active = third
    book.save(path)
    assert read(path)[0].columns == ("id", "text", "label")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, "3"),
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (True, "TRUE"),
        (datetime(2026, 3, 2, 9, 30), "2026-03-02 09:30:00"),  # noqa: DTZ001 (spreadsheets know no time zone)
        (date(2026, 3, 2), "2026-03-02"),
        ("  space around ", "space around"),
        ("a_x000D_\nb", "a\nb"),
        ("#N/A", ""),
        (None, ""),
    ],
)
def test_values_read_as_people_see_them(tmp_path: Path, value: object, shown: str) -> None:
    _, rows = read(make(tmp_path / "a.xlsx", [("text", "value"), ("some words here", value)]))
    assert isinstance(rows[0], Row)
    assert rows[0].values["value"] == shown


def test_formulas_give_their_values(tmp_path: Path) -> None:
    path = with_sheet(
        tmp_path,
        b'<row r="1">' + cell("A1", "text") + b"</row>"
        b'<row r="2"><c r="A2" t="str"><f>CONCAT("a ","b ","word")</f><v>a b word</v></c></row>',
    )
    assert read(path)[1] == [Row(2, {"text": "a b word"})]


def test_bad_rows_are_named_by_their_number(tmp_path: Path) -> None:
    long = [("text",), ("fine words",), ("x" * 32_000,)]
    found, _ = read(make(tmp_path / "a.xlsx", [("id", "text"), (1, "fine words here"), (2, None), (3, "more of them")]))
    assert [(bad.line, bad.code) for bad in found.bad_rows] == [(3, "empty_text")]
    assert read(make(tmp_path / "b.xlsx", long))[0].bad_row_count == 0


def test_a_size_that_the_sheet_claims_wrongly_hides_no_rows(tmp_path: Path) -> None:
    def lie(name: str, data: bytes) -> bytes:
        return data.replace(b'<dimension ref="A1:C3"', b'<dimension ref="A1:A1"') if name == SHEET else data

    path = rewrite(make(tmp_path / "a.xlsx", TWEETS), lie)
    assert len(read(path)[1]) == 2


def test_a_workbook_is_known_by_its_bytes_and_a_table_too(tmp_path: Path) -> None:
    path = make(tmp_path / "a.xlsx", TWEETS)
    assert read(path, "tweets.csv")[0].format == "xlsx"
    table = tmp_path / "tweets.xlsx"
    table.write_text("id,text\n1,What a lovely day\n2,Rain again\n")
    assert read(table)[0].format == "csv"


def test_the_number_of_rows_of_a_large_sheet_is_estimated(tmp_path: Path) -> None:
    rows = [("id", "text"), *((number, f"words and more {number}") for number in range(3000))]
    assert read(make(tmp_path / "a.xlsx", rows))[0].rows == 3000


def test_old_locked_and_other_archives_are_told_apart(tmp_path: Path) -> None:
    old = tmp_path / "old.xls"
    old.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    assert refusal(old).code == "locked_spreadsheet"
    other = tmp_path / "document.xlsx"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    assert refusal(other).code == "not_spreadsheet"
    data = bytearray(make(tmp_path / "a.xlsx", TWEETS).read_bytes())
    for marker, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := data.find(marker, place + 1)) >= 0:
            data[place + offset] |= 1
    locked = tmp_path / "locked.xlsx"
    locked.write_bytes(bytes(data))
    assert refusal(locked).code == "locked_spreadsheet"


def test_empty_workbooks(tmp_path: Path) -> None:
    assert refusal(make(tmp_path / "a.xlsx", [])).code == "empty_spreadsheet"
    assert refusal(make(tmp_path / "b.xlsx", [("id", "text")])).code == "no_rows"


def test_bombs_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "MAX_UNPACKED_BYTES", 10_000_000)
    path = make(tmp_path / "a.xlsx", TWEETS)
    bomb = rewrite(path, lambda name, data: data + b" " * 20_000_000 if name == SHEET else data)
    assert bomb.stat().st_size < 1_000_000
    assert refusal(bomb).code == "spreadsheet_too_large"
    far = with_sheet(
        tmp_path,
        b'<row r="1">'
        + cell("A1", "text")
        + b'</row><row r="99999999999">'
        + cell("A99999999999", "some words")
        + b"</row>",
    )
    assert refusal(far).code in ("spreadsheet_too_large", "broken_spreadsheet")
    monkeypatch.setattr(xlsx_file, "MAX_ROWS", 2)
    assert refusal(make(tmp_path / "c.xlsx", TWEETS)).code == "spreadsheet_too_large"


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    def declare(name: str, data: bytes) -> bytes:
        doctype = b'<!DOCTYPE worksheet [<!ENTITY a "aaaaaaaaaa">]>'
        return data.replace(b"<worksheet", doctype + b"<worksheet", 1) if name == SHEET else data

    assert refusal(rewrite(make(tmp_path / "a.xlsx", TWEETS), declare)).code == "broken_spreadsheet"


def test_a_sheet_that_breaks_off_gives_nothing_at_all(tmp_path: Path) -> None:
    rows = [("id", "text"), *((number, f"words and more {number}") for number in range(3000))]

    def cut(name: str, data: bytes) -> bytes:
        return data[: len(data) * 2 // 3] if name == SHEET else data

    assert refusal(rewrite(make(tmp_path / "a.xlsx", rows), cut)).code == "broken_spreadsheet"


def test_a_cell_that_points_nowhere_breaks_the_file_and_not_the_program(tmp_path: Path) -> None:
    path = with_sheet(
        tmp_path, b'<row r="1">' + cell("A1", "text") + b'</row><row r="2"><c r="A2" t="s"><v>99</v></c></row>'
    )
    assert refusal(path).code == "broken_spreadsheet"


REFUSALS = {f"{what}_spreadsheet" for what in ("broken", "not", "locked", "empty")} | {
    "spreadsheet_too_large",
    "no_rows",
    "not_text",
    "empty_file",
    "no_good_row",
    "bad_header",
    "too_many_columns",
    "json_array",
}


@given(data=st.data())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_damaged_workbooks_get_one_sentence(tmp_path: Path, data: st.DataObject) -> None:
    path = make(tmp_path / "a.xlsx", TWEETS)
    whole = bytearray(path.read_bytes())
    kind = data.draw(st.sampled_from(["cut", "flip", "zeros", "member"]))
    if kind == "member":
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        victim = data.draw(st.sampled_from(names))
        damaged: Any = data.draw(
            st.sampled_from([None, b"", b"<", b"<a/>", b"\xff\xfe\x00", random.Random(0).randbytes(200)])
        )
        path = rewrite(path, lambda name, content: damaged if name == victim else content)
    else:
        # A share, not a place: the size of a workbook changes with the time that is written into it.
        place = 4 + data.draw(st.integers(0, 9_999)) * (len(whole) - 5) // 9_999
        if kind == "cut":
            whole = whole[:place]
        elif kind == "flip":
            whole[place] ^= data.draw(st.integers(1, 255))
        else:
            whole[place : place + 50] = bytes(len(whole[place : place + 50]))
        path.write_bytes(bytes(whole))
    try:
        found, rows = read(path)
        outcome = "read" if len(rows) == found.rows else "half read"
    except InvalidInput as error:
        outcome = error.code
    assert outcome in REFUSALS | {"read"}


def test_the_apostrophe_of_an_export_is_taken_away_once(tmp_path: Path) -> None:
    names = ("text", "'=a", "=b")
    by_format = {}
    for file_format, writer in export_formats().items():
        path = tmp_path / f"names{writer.EXTENSION}"
        writer.write(path, names, [("one", "'=1", "=2")])
        found, (row,) = read(path, path.name)
        assert isinstance(row, Row)
        by_format[file_format] = (found.columns, tuple(row.values.values()))
    assert by_format == dict.fromkeys(by_format, (names, ("one", "'=1", "=2")))
    assert {"csv", "xlsx"} <= set(by_format)
