"""Rows of CSV and JSON Lines: multi-line fields, ragged and broken rows, right line numbers, nothing lost."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.importing import BadRow, Dialect, Row, csv_file, jsonl_file
from core.importing.formats import find_format, formats

SHARED_PATH = hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def read_csv(path: Path, text: str, extension: str = ".csv") -> tuple[Dialect, list[Row | BadRow]]:
    path = path / "file"
    path.write_bytes(text.encode())
    dialect = csv_file.detect(path, "utf-8", extension)
    return dialect, list(csv_file.rows(path, dialect))


def brief(rows: list[Row | BadRow]) -> list[tuple[int, Any]]:
    return [(row.line, row.code if isinstance(row, BadRow) else tuple(row.values.values())) for row in rows]


def read_jsonl(path: Path, text: str) -> list[Row | BadRow]:
    path = path / "file"
    path.write_bytes(text.encode())
    return list(jsonl_file.rows(path, Dialect("utf-8", ())))


@pytest.mark.parametrize("delimiter", csv_file.DELIMITERS)
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    file = f"id{delimiter}text{delimiter}note\n" + f'1{delimiter}"one, two; three | four"{delimiter}x\n' * 3
    dialect, rows = read_csv(tmp_path, file)
    assert dialect.options["delimiter"] == delimiter
    assert dialect.columns == ("id", "text", "note")
    assert brief(rows)[0] == (2, ("1", "one, two; three | four", "x"))


def test_commas_in_texts_of_a_semicolon_file(tmp_path: Path) -> None:
    dialect, rows = read_csv(tmp_path, "id;text, as said\n1;well, yes, no\n2;no\n")
    assert dialect.columns == ("id", "text, as said")
    assert brief(rows) == [(2, ("1", "well, yes, no")), (3, ("2", "no"))]


def test_a_single_column_needs_no_quotes_around_commas(tmp_path: Path) -> None:
    dialect, rows = read_csv(tmp_path, 'comment\nHello, world\n"Quoted, ""well"""\n')
    assert dialect.columns == ("comment",)
    assert brief(rows) == [(2, ("Hello, world",)), (3, ('Quoted, "well"',))]


def test_quoted_fields_over_several_lines_keep_line_numbers_right(tmp_path: Path) -> None:
    file = 'id,text\r\n1,"first\r\n\r\nthird ""line"", with comma"\r\n2,plain\r\n3,"a\rb"\r\n4\r\n'
    assert brief(read_csv(tmp_path, file)[1]) == [
        (2, ("1", 'first\n\nthird "line", with comma')),
        (5, ("2", "plain")),
        (6, ("3", "a\nb")),
        (8, "wrong_column_count"),
    ]


def test_quotation_marks_inside_bare_fields_are_text(tmp_path: Path) -> None:
    assert brief(read_csv(tmp_path, 'id,text\n1,a 5" pipe\n2,say "hi"\n3, "spaced, out" \n')[1]) == [
        (2, ("1", 'a 5" pipe')),
        (3, ("2", 'say "hi"')),
        (4, ("3", "spaced, out")),
    ]


def test_a_stray_quotation_mark_costs_one_row(tmp_path: Path) -> None:
    file = 'id,text\n1,"never closed\n2,fine\n3,"quoted, fine"\n4,"over\ntwo lines"\n5,end\n'
    assert brief(read_csv(tmp_path, file)[1]) == [
        (2, "bad_quotes"),
        (3, ("2", "fine")),
        (4, ("3", "quoted, fine")),
        (5, ("4", "over\ntwo lines")),
        (7, ("5", "end")),
    ]


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_file(tmp_path: Path) -> None:
    file = 'id,text\n1,"open\n' + "".join(f"{number},row {number}\n" for number in range(2, 20_000))
    found = brief(read_csv(tmp_path, file)[1])
    assert found[0] == (2, "unclosed_quote")
    assert len(found) == 19_999
    assert all(row[1][1].startswith("row") for row in found[1:])


def test_hostile_quotes_take_linear_time(tmp_path: Path) -> None:
    found = brief(read_csv(tmp_path, "a,text\n" + 'x","\n' * 100_000)[1])
    assert len(found) == 100_000
    assert {code for _, code in found} == {"unclosed_quote"}


def test_ragged_rows_are_named_and_blank_ones_are_none(tmp_path: Path) -> None:
    _, rows = read_csv(tmp_path, "id,text,note\n1,a,x\n\n2,b\n,,\n3,c,y,z\n   \n4,d,\n")
    assert brief(rows) == [
        (2, ("1", "a", "x")),
        (4, "wrong_column_count"),
        (6, "wrong_column_count"),
        (8, ("4", "d", "")),
    ]
    assert isinstance(rows[1], BadRow)
    assert rows[1].params == {"expected": 3, "found": 2}


def test_damaged_lines_inside_a_quoted_field_are_one_bad_row(tmp_path: Path) -> None:
    file = 'id,text\n1,"one\ntw\0o\nthree"\n2,fine\n'
    assert brief(read_csv(tmp_path, file)[1]) == [(3, "nul_byte"), (5, ("2", "fine"))]


def test_long_rows_are_refused_by_name(tmp_path: Path) -> None:
    half = "x" * 120_000
    file = f'id,text\n1,{half}{half}\n2,"{half}\n{half}"\n3,"{half}\n4,fine\n'
    assert brief(read_csv(tmp_path, file)[1])[:2] == [(2, "line_too_long"), (3, "line_too_long")]
    assert (6, ("4", "fine")) in brief(read_csv(tmp_path, file)[1])


def test_columns_without_a_name_and_twice_the_same(tmp_path: Path) -> None:
    dialect, rows = read_csv(tmp_path, "text,,text, Text  two \na,b,c,d\n")
    assert dialect.columns == ("text", "column_2", "text_2", "Text two")
    assert isinstance(rows[0], Row)
    assert rows[0].values == {"text": "a", "column_2": "b", "text_2": "c", "Text two": "d"}


@pytest.mark.parametrize("header", ['"id,text\n1,a\n', "id\0,text\n1,a\n", "x" * 300_000 + "\n1\n"])
def test_a_broken_header_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(InvalidInput, match="bad_header"):
        read_csv(tmp_path, header)


def test_too_many_columns(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="too_many_columns"):
        read_csv(tmp_path, ",".join(f"c{number}" for number in range(1001)) + "\n")


def test_a_text_file_is_one_item_a_line(tmp_path: Path) -> None:
    dialect, rows = read_csv(tmp_path, 'Hello, "you"\n\n"Open quote\nlast; one', ".txt")
    assert dialect.columns == ("text",)
    assert brief(rows) == [(1, ('Hello, "you"',)), (3, ('"Open quote',)), (4, ("last; one",))]


def test_a_text_file_with_tabs_is_a_table(tmp_path: Path) -> None:
    dialect, rows = read_csv(tmp_path, "id\ttext\n1\thello\n", ".txt")
    assert dialect.columns == ("id", "text")
    assert brief(rows) == [(2, ("1", "hello"))]


@SHARED_PATH
@given(
    st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(TEXT, min_size=width, max_size=width), max_size=8)),
    st.sampled_from(csv_file.DELIMITERS),
    st.sampled_from(["\n", "\r\n"]),
)
def test_csv_round_trip(tmp_path: Path, table: list[list[str]], delimiter: str, end: str) -> None:
    width = len(table[0]) if table else 2
    columns = [f"c{number}" for number in range(width)]
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([columns, *table])
    path = tmp_path / "file"
    path.write_bytes(buffer.getvalue().encode())
    options = {"delimiter": delimiter, "quotes": True, "header": True}
    found = list(csv_file.rows(path, Dialect("utf-8", tuple(columns), options)))
    expected = [row for row in table if any(value.strip() for value in row)]
    assert [list(row.values.values()) if isinstance(row, Row) else row for row in found] == [
        [value.replace("\r\n", "\n").replace("\r", "\n") for value in row] for row in expected
    ]


@SHARED_PATH
@given(st.text(st.sampled_from('a",\n \r;x'), max_size=200))
def test_whatever_the_file_every_line_is_accounted_for(tmp_path: Path, body: str) -> None:
    _, rows = read_csv(tmp_path, "id,text\n" + body)
    assert [row.line for row in rows] == sorted({row.line for row in rows})
    kept = sum(len(value) for row in rows if isinstance(row, Row) for value in row.values.values())
    bad = [row for row in rows if isinstance(row, BadRow)]
    assert kept or bad or not body.replace('"', " ").replace(",", " ").strip()


def test_jsonl_flattens_objects_and_writes_other_values_as_text(tmp_path: Path) -> None:
    line = '{"id": 7, "data": {"text": "hi\\nthere", "meta": {"a": {"b": 1}}}, "ok": true, "tags": ["x"], "no": null}'
    rows = read_jsonl(tmp_path, line + "\n")
    assert isinstance(rows[0], Row)
    assert rows[0].values == {
        "id": "7",
        "data.text": "hi\nthere",
        "data.meta.a": '{"b": 1}',
        "ok": "true",
        "tags": '["x"]',
        "no": "",
    }


def test_jsonl_names_bad_lines(tmp_path: Path) -> None:
    lines = [
        '{"text": "good"}',
        "",
        '{"text": ',
        "[1, 2]",
        '"text"',
        "{'text': 'single quotes'}",
        '{"text": NaN}',
        '{"text": ' + "9" * 10_000 + "}",
        '{"text": ' + "[" * 50_000,
        '{"text": "\\u0000"}',
        '{"text": "\\ud83d"}',
        '{"text": "\\ud83d\\ude00"}',
        '{"other": "no text"}',
    ]
    assert [(row.line, row.code) for row in read_jsonl(tmp_path, "\n".join(lines)) if isinstance(row, BadRow)] == [
        (3, "invalid_json"),
        (4, "not_an_object"),
        (5, "not_an_object"),
        (6, "invalid_json"),
        (7, "invalid_json"),
        (8, "invalid_json"),
        (9, "invalid_json"),
        (10, "nul_byte"),
        (11, "undecodable"),
    ]


@SHARED_PATH
@given(st.lists(st.dictionaries(st.sampled_from(["id", "text", "x"]), TEXT, min_size=1), max_size=8))
def test_jsonl_round_trip(tmp_path: Path, objects: list[dict[str, str]]) -> None:
    rows = read_jsonl(tmp_path, "".join(json.dumps(value) + "\n" for value in objects))
    assert [dict(row.values) if isinstance(row, Row) else row for row in rows] == objects


@SHARED_PATH
@given(st.text(max_size=200))
def test_no_text_makes_jsonl_raise(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert all(isinstance(row, Row | BadRow) for row in jsonl_file.rows(path, Dialect("utf-8", ())))


def test_formats_are_found_by_content_and_name() -> None:
    assert sorted(formats()) == ["csv", "jsonl", "xlsx"]
    for name, head, expected in [
        ("a.csv", ["id,text"], "csv"),
        ("a.csv", ['{"text": "x"}', '{"text": "y"}'], "jsonl"),
        ("a.jsonl", ["oops", '{"text": "y"}'], "jsonl"),
        ("a.json", ["[", '{"text": "y"}'], "jsonl"),
        ("a.jsonl", ["id,text"], "csv"),
        ("unnamed", ["id,text"], "csv"),
        ("notes.txt", ["[sic] a note", "[another]"], "csv"),
    ]:
        found = find_format(name, head)
        assert found is formats()[expected], (name, head)
