"""The apostrophe that keeps a spreadsheet from running a text is put there, taken away, and costs no text anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core import exporting
from core.cells import DANGEROUS, guarded, unguarded
from core.importing import Row, receive
from core.importing.formats import formats

NASTY = st.lists(st.sampled_from([*DANGEROUS, "'", " ", "1", "x"]), max_size=6).map("".join)


def _stored(text: str) -> str:
    """As an item keeps it: LF is the only line end."""
    return text.replace("\r", "\n").strip()


@given(NASTY)
def test_the_two_are_exact_inverses(text: str) -> None:
    assert unguarded(guarded(text)) == text


@given(NASTY)
def test_nothing_that_begins_like_a_formula_is_left_but_numbers(text: str) -> None:
    found = guarded(text)
    assert not found.startswith(DANGEROUS) or (found.startswith("-") and float(found) <= 0)


@pytest.mark.parametrize("text", ["-1+cmd|' /C calc'!A0", "-1e5", "-1-1", "+1", "-", "-.5", "-1\n", "-٣"])
def test_what_only_looks_like_a_number_is_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("format", ["csv", "xlsx"])
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(texts=st.lists(NASTY.map(_stored).filter(bool), min_size=1, max_size=5))
def test_a_file_that_was_written_is_read_as_it_was(tmp_path: Path, format: str, texts: list[str]) -> None:
    path = tmp_path / f"file.{format}"
    exporting.export_formats()[format].write(path, ("=id", "text"), [(f"r{at}", text) for at, text in enumerate(texts)])
    received = receive(path, path.name)
    rows = formats()[format].rows(path, received.dialect)
    assert received.columns == ("=id", "text")
    assert [row.values["text"] for row in rows if isinstance(row, Row)] == texts
