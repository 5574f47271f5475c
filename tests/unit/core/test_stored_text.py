"""The quick way to store a text says just what the general one says."""

from __future__ import annotations

import json

import pytest

from core.importing.bulk import NewItem
from core.labels import content_hash, stored_text, text_content

TEXTS = ("", "plain", 'he said "no"', "a\\b", "tab\tnew\nline\r", "@", '"@"', "天气 ☂", "\u2028 \U0001f600", "\x01\x7f")


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_the_json_and_the_hash_of_the_content(text: str) -> None:
    assert stored_text(text) == (json.dumps(text_content(text)), content_hash(text_content(text)))


@pytest.mark.parametrize("text", TEXTS)
def test_a_line_for_copy_has_one_field_each_that_reads_back(text: str) -> None:
    line = NewItem("id", text, "hash", text, 7).line()
    fields = line.split("\t")
    assert len(fields) == 5
    assert "\n" not in line
    assert "\r" not in line
    assert [_read(field) for field in fields] == ["id", text, "hash", text, "7"]


def _read(field: str) -> str:
    """A field as PostgreSQL reads it."""
    meant, pieces = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}, iter(field)
    return "".join(meant[next(pieces)] if piece == "\\" else piece for piece in pieces)
