"""What the first rows hold in each column, and how that fits the labels of a job."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from core.importing import Fit, Row, fit, receive, received_before
from core.importing.values import FEW_VALUES, MAX_VALUE, MAX_VALUES, survey
from core.labels import choice
from core.models import Upload

SCHEMA = choice.make(["Good", "Bad"])


def rows(*labels: str) -> list[Row]:
    """Rows from line 2 on."""
    return [Row(line, {"text": f"item {line}", "gold": label}) for line, label in enumerate(labels, start=2)]


def test_values_are_counted_and_others_than_labels_are_named_with_their_first_line() -> None:
    surveyed = survey(("text", "gold"), rows("Good", "", " good ", "Ugly", "Bad", "Ugly"))
    assert fit(surveyed, "gold", SCHEMA) == Fit(6, 5, 3, ((5, "Ugly"),))
    assert fit(surveyed, "text", SCHEMA) == Fit(6, 6, 0, tuple((line, f"item {line}") for line in range(2, 7)))
    assert fit(surveyed, "other", SCHEMA) is None
    assert fit({}, "gold", SCHEMA) is None


def test_an_empty_column_fits_nothing() -> None:
    assert fit(survey(("gold",), rows("", "  ")), "gold", SCHEMA) == Fit(2, 0, 0, ())


def test_what_is_kept_of_a_column_is_bounded() -> None:
    many = survey(("gold",), rows(*(f"{number:04}" * 100 for number in range(3 * MAX_VALUES))))["columns"]["gold"]
    assert (many["filled"], len(many["values"])) == (3 * MAX_VALUES, FEW_VALUES)
    assert {len(value) for value, _, _ in many["values"]} == {MAX_VALUE}
    most = survey(("gold",), rows(*map(str, range(MAX_VALUES))))["columns"]["gold"]
    assert len(most["values"]) == MAX_VALUES
    assert len(survey([str(number) for number in range(1_000)], rows("Good"))["columns"]) == 100


def test_a_row_that_becomes_no_item_is_not_counted_and_the_first_look_can_be_had_again(tmp_path: Path) -> None:
    path = tmp_path / "tweets.csv"
    path.write_text("id,text,gold\n1,What a lovely day,Good\n2,,Ugly\n3,Rain again,Bad\n")
    received = receive(path, path.name)
    assert fit(received.values, "gold", SCHEMA) == Fit(2, 2, 2, ())
    kept = json.loads(json.dumps(received.to_json()))
    upload = Upload(name=received.name, size=received.size, format=received.format, dialect=kept)
    upload.created_at = datetime(2026, 3, 2, tzinfo=UTC)
    again = received_before(upload)
    assert again.preview == ({"text": "What a lovely day"},)
    for name in ("dialect", "text_column", "text_candidates", "id_column", "gold_column", "gold_values", "rows"):
        assert getattr(again, name) == getattr(received, name), name
    for name in ("checked_rows", "bad_row_count", "bad_rows", "explanation_column", "values"):
        assert getattr(again, name) == getattr(received, name), name
