"""Known labels of a file: with the reason why, set aside at once, and told in numbers."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from core.db import reading
from core.importing import match_known, receive
from core.importing.checks import MAX_EXPLANATION
from core.models import Gold, Item, Project
from tests.integration.importing.house import House

MAPPING = {"text": "text", "id": None, "gold": "gold", "explanation": "why"}


def known(house: House) -> list[tuple[str, str]]:
    """Label and explanation of all that is known, by item."""
    with reading(house.engine) as session:
        rows = session.execute(select(Gold.label_id, Gold.explanation).order_by(Gold.item_id))
        return [(label_id, explanation) for label_id, explanation in rows]


def test_a_column_says_why(house: House) -> None:
    text = "text,gold,why\none,Yes,because it is\ntwo,No,\nthree,,nothing is known\n"
    house.load(house.post(text, mapping=MAPPING))
    assert known(house) == [("a", "because it is"), ("b", "")]


def test_a_long_explanation_is_cut(house: House) -> None:
    house.load(house.post(f"text,gold,why\none,Yes,{'x' * 2000}\ntwo,,\nthree,,\n", mapping=MAPPING))
    assert known(house) == [("a", "x" * MAX_EXPLANATION)]


@pytest.mark.parametrize("column", ["text", "gone"])
def test_a_column_that_cannot_say_why_is_left_out(house: House, column: str) -> None:
    house.load(house.post("text,gold\none,Yes\ntwo,\nthree,\n", mapping=MAPPING | {"explanation": column}))
    assert known(house) == [("a", "")]


def test_the_column_is_guessed_by_its_name(house: House) -> None:
    path = house.directory / "guessed"
    path.write_text("text,gold,Rationale\nsome longer text,Yes,so it is\nanother longer text,No,\n")
    assert receive(path, "items.csv").explanation_column == "Rationale"


def test_a_file_of_its_own_says_why_too(house: House) -> None:
    path = house.directory / "known.csv"
    path.write_text("id,label,explanation\n1,Yes,so it is\n2,No,not at all\n")
    file = match_known(receive(path, "known.csv"), "upload", {"text": "text", "id": "id"})
    assert (file.label, file.explanation, file.to_json()["explanation"]) == ("label", "explanation", "explanation")


def test_what_is_set_aside_is_told_apart(house: House) -> None:
    batch = house.load(house.post("text,gold\none,Yes\ntwo,\nthree,\n", mapping=MAPPING | {"explanation": None}))
    assert batch.item_count == 2
    assert [item.purpose for item in house.items()] == ["gold", "label", "label"]
    (message,) = house.messages()
    assert (message.params["items"], message.params["set_aside"]) == (2, 1)


def test_where_they_only_compare_nothing_is_set_aside(house: House) -> None:
    values: dict[str, Any] = {"quality": {"gold_use": "measure"}}
    with house.writing() as session:
        session.execute(update(Project).values(**values))
    batch = house.load(house.post("text,gold\none,Yes\ntwo,\nthree,\n", mapping=MAPPING | {"explanation": None}))
    assert batch.item_count == 3
    with reading(house.engine) as session:
        assert set(session.scalars(select(Item.purpose))) == {"label"}
