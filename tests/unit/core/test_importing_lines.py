"""Physical lines: every line end, every encoding, bounded memory, and damage named by line."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.importing.lines import BLOCK_BYTES, Line, read_lines

SHARED_PATH = hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def lines(path: Path, data: bytes, encoding: str = "utf-8") -> list[Line]:
    path = path / "file"
    path.write_bytes(data)
    return list(read_lines(path, encoding))


def texts(path: Path, data: bytes, encoding: str = "utf-8") -> list[str]:
    return [line.text for line in lines(path, data, encoding)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "cp932"])
def test_every_line_end_in_every_encoding(tmp_path: Path, end: str, encoding: str) -> None:
    expected = ["一", "", "二,三", "last"]
    assert texts(tmp_path, end.join(expected).encode(encoding), encoding) == expected
    assert texts(tmp_path, (end.join(expected) + end).encode(encoding), encoding) == expected


def test_separators_that_are_no_line_ends_stay_in_the_text(tmp_path: Path) -> None:
    assert texts(tmp_path, "a\u2028b\x0bc\x85d\x0ce\nf".encode()) == ["a\u2028b\x0bc\x85d\x0ce", "f"]


@pytest.mark.parametrize("shift", [-2, -1, 0, 1])
def test_a_line_end_across_two_blocks_counts_once(tmp_path: Path, shift: int) -> None:
    first = "x" * (BLOCK_BYTES + shift)
    assert texts(tmp_path, f"{first}\r\nsecond\r\n".encode()) == [first, "second"]


def test_damage_is_named_by_line(tmp_path: Path) -> None:
    found = lines(tmp_path, b"good\nna\xefve\nnul\0byte\ngood \xf0\x9f\x98\x80\n\xff")
    assert [line.problem for line in found] == ["", "undecodable", "nul_byte", "", "undecodable"]
    assert [line.number for line in found] == [1, 2, 3, 4, 5]


def test_half_a_utf16_character_at_the_end(tmp_path: Path) -> None:
    assert [line.problem for line in lines(tmp_path, "a\nb".encode("utf-16") + b"\x00", "utf-16")] == [
        "",
        "undecodable",
    ]


def test_a_5_mb_line_is_named_and_not_held(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"first\n" + b"x" * 5_000_000 + b"\nlast\n")
    tracemalloc.start()
    try:
        found = list(read_lines(path, "utf-8"))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [(line.text, line.problem) for line in found] == [("first", ""), ("", "line_too_long"), ("last", "")]
    assert peak < 2_000_000


def test_the_limit_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("12345\n123456\n1")
    assert [line.problem for line in read_lines(path, "utf-8", limit=5)] == ["", "line_too_long", ""]


@SHARED_PATH
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=30), max_size=20))
def test_what_is_written_is_read(tmp_path: Path, written: list[str]) -> None:
    assert texts(tmp_path, "".join(f"{line}\n" for line in written).encode()) == written


@SHARED_PATH
@given(st.binary(max_size=300), st.sampled_from(["utf-8", "utf-16", "gb18030", "cp1252", "big5", "utf-32"]))
def test_no_bytes_raise(tmp_path: Path, data: bytes, encoding: str) -> None:
    mark = "".encode(encoding)  # UTF-16 and UTF-32 are read so only where the file begins with their mark
    found = lines(tmp_path, mark + data, encoding)
    assert [line.number for line in found] == list(range(1, len(found) + 1))
    for line in found:
        if not line.problem:
            line.text.encode()
