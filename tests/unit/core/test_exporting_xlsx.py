"""Workbooks that we write, as another library reads them: every cell as it was, and nothing that would be run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from core.exporting import xlsx_file


def read(path: Path) -> list[list[tuple[Any, ...]]]:
    """All rows of all sheets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a workbook without styles is worth a remark to openpyxl
        book = load_workbook(path)
    return [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]


def through(path: Path, *rows: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows behind the header, written and read again."""
    columns = [f"column {number}" for number in range(len(rows[0]))]
    assert xlsx_file.write(path, columns, iter(rows)) == len(rows)
    [found] = read(path)
    assert found[0] == tuple(columns)
    return found[1:]


@pytest.mark.parametrize(
    "text",
    ["plain", "<b>&amp;</b> \"x\" 'y'", "two\nlines\tand a tab", " space around ", "grüße 你好 🌦", "]]>", "x" * 32_767],
)
def test_a_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    assert through(tmp_path / "x.xlsx", [text, "next"]) == [(text, "next")]


def test_numbers_stay_numbers_and_nothing_stays_empty(tmp_path: Path) -> None:
    assert through(tmp_path / "x.xlsx", [0, 0.987654, None, "", True, 12_345]) == [
        (0, 0.987654, None, None, True, 12_345)
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\n"])
def test_no_cell_is_a_formula(tmp_path: Path, start: str) -> None:
    assert through(tmp_path / "x.xlsx", [start + "1+1"]) == [("'" + start + "1+1",)]


def test_what_xml_cannot_hold_is_left_out_and_what_a_cell_cannot_is_cut(tmp_path: Path) -> None:
    assert through(tmp_path / "x.xlsx", ["a\x00\x08\x0b\x1f\ufffe\uffffb", "y" * 40_000]) == [("ab", "y" * 32_767)]


@pytest.mark.parametrize(("count", "sheets"), [(0, [0]), (1, [1]), (4, [4]), (5, [4, 1]), (8, [4, 4]), (9, [4, 4, 1])])
def test_further_rows_go_into_further_sheets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, sheets: list[int]
) -> None:
    monkeypatch.setattr(xlsx_file, "SHEET_ROWS", 5)
    monkeypatch.setattr(xlsx_file, "BLOCK_ROWS", 2)
    assert xlsx_file.write(tmp_path / "x.xlsx", ["n"], ([number] for number in range(count))) == count
    found = read(tmp_path / "x.xlsx")
    assert [len(rows) - 1 for rows in found] == sheets
    assert all(rows[0] == ("n",) for rows in found)
    assert [row[0] for rows in found for row in rows[1:]] == list(range(count))


def test_rows_are_taken_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").touch()
    taken: list[int] = []

    def rows() -> Iterator[list[str]]:
        for number in range(20_000):
            taken.append((tmp_path / "x.xlsx").stat().st_size)
            yield [f"text {number} " * 10]

    xlsx_file.write(tmp_path / "x.xlsx", ["text"], rows())
    assert 0 < taken[10_000] < taken[-1]
