"""Pasted lines are read as a file of texts, and a file of known labels is matched with the items."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config import Settings
from core.errors import InvalidInput
from core.importing import BadRow, Row, match_known, receive, receive_pasted
from core.importing.checks import Candidate, ColumnMapping, KnownLabels, check_row
from core.importing.formats import formats
from core.importing.known import KnownFile, read_known
from core.labels import choice
from core.media import media_path


def received(tmp_path: Path, text: str) -> object:
    """The first look at a file with this text."""
    path = tmp_path / "known.csv"
    path.write_text(text)
    return receive(path, "known.csv")


def test_each_line_is_an_item_with_its_commas(settings: Settings) -> None:
    found, media = receive_pasted(settings, "Good day, everybody\n\n“Rain” again\r\n  ")
    assert (found.name, found.text_column, found.rows) == ("pasted.txt", "text", 2)
    rows = list(formats()[found.format].rows(media_path(settings, media.sha256), found.dialect))
    assert rows == [Row(1, {"text": "Good day, everybody"}), Row(3, {"text": "“Rain” again"})]


def test_a_table_that_was_copied_has_columns(settings: Settings) -> None:
    found, _ = receive_pasted(settings, "id\ttext\tlabel\n1\tA fine day it is\tGood\n2\tRain once again\tBad\n")
    assert (found.columns, found.text_column, found.gold_column) == (("id", "text", "label"), "text", "label")


def test_pasting_has_a_limit(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="pasted_too_long"):
        receive_pasted(settings, "line\n" * 50_000)


ITEMS = {"text": "text", "id": "id", "gold": None}


@pytest.mark.parametrize(
    ("text", "mapping", "expected"),
    [
        ("id,label\n1,Good\n2,Bad\n", ITEMS, KnownFile("u", "id", "label", True)),
        ("text,label\nA fine day,Good\nRain again,Bad\n", ITEMS, KnownFile("u", "text", "label", False)),
        (
            "id,text,label\n1,A fine day,Good\n2,Rain again,Bad\n",
            ITEMS | {"id": None},
            KnownFile("u", "text", "label", False),
        ),
        (
            "text,my opinion\nA fine day it is,Good\nRain once again,Bad\n",
            ITEMS,
            KnownFile("u", "text", "my opinion", False),
        ),
    ],
)
def test_known_labels_are_matched_by_id_or_by_text(
    tmp_path: Path, text: str, mapping: dict[str, str | None], expected: KnownFile
) -> None:
    assert match_known(received(tmp_path, text), "u", mapping) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["id,label\n1,Good\n2,Bad\n", "text\nA fine day\n"])
def test_a_file_that_names_nothing_to_match_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match="known_file_unclear"):
        match_known(received(tmp_path, text), "u", ITEMS | {"id": None})  # type: ignore[arg-type]


def test_known_labels_go_to_their_items(tmp_path: Path) -> None:
    path = tmp_path / "known.csv"
    path.write_text("id,label\n1,good\n3,\n4,Ugly\n")
    found = receive(path, "known.csv")
    known = read_known(path, found.format, found.dialect, KnownFile("u", "id", "label", True))
    assert known == KnownLabels(True, {"1": "good", "4": "Ugly"})
    schema, mapping = choice.make(["Good", "Bad"]), ColumnMapping("text", "id", None, {"upload": "u"})

    def gold(line: int) -> object:
        outcome = check_row(Row(line, {"id": str(line), "text": "words"}), mapping, schema, known)
        return outcome.gold if isinstance(outcome, Candidate) else outcome.code

    assert [gold(line) for line in (1, 2, 4)] == ["a", None, "unknown_gold_label"]
    by_text = check_row(
        Row(9, {"text": " words "}), ColumnMapping("text"), schema, KnownLabels(False, {"words": "Bad"})
    )
    assert isinstance(by_text, Candidate)
    assert by_text.gold == "b"
    assert isinstance(check_row(Row(9, {"text": ""}), mapping, schema, known), BadRow)
