"""Files and single texts become items on both databases: each once, with known labels and numbers told."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from sqlalchemy import select

from core import labels
from core.clock import now
from core.db import reading
from core.effects import EnqueueJob, WakeDelivery
from core.errors import Conflict, InvalidInput
from core.importing import append_item
from core.models import Gold, Item, Project
from core.ranks import ORDINARY, band_of, fresh_rank
from tests.integration.importing.house import House, rows


def test_a_file_becomes_items(house: House) -> None:
    batch_id = house.post(rows(range(3)), mapping={"text": "text", "id": "id", "gold": None})
    assert house.batch(batch_id).state == "loading"
    assert EnqueueJob("default", "core.jobs.import_batch", (batch_id,), f"import-{batch_id}") in house.effects
    house.effects.clear()
    batch = house.load(batch_id)
    assert (batch.state, batch.item_count, batch.duplicate_count, batch.bad_row_count) == ("published", 3, 0, 0)
    assert batch.published_at is not None
    items = house.items()
    assert [labels.item_text(item.content) for item in items] == [f"text number {number}" for number in range(3)]
    assert [item.external_id for item in items] == ["n0", "n1", "n2"]
    assert {(item.state, item.purpose, item.overlap, item.slots) for item in items} == {("open", "label", 3, 3)}
    assert [item.rank for item in items] == list(range(batch.first_rank, batch.first_rank + 3))
    assert items[-1].rank <= batch.last_rank
    assert {band_of(item.rank) for item in items} == {ORDINARY}
    jobs = [effect for effect in house.effects if isinstance(effect, EnqueueJob)]
    assert [job.job_id.rpartition("-")[0] for job in jobs] == [f"offer-{house.project_id}"]
    assert WakeDelivery() in house.effects


def test_the_coordinator_is_told_numbers(house: House) -> None:
    batch_id = house.post("id,text\n1,aaa\n2,bbb\n3\n4,aaa\n5,ccc\n6,bbb\n7,\n")
    batch = house.load(batch_id)
    [message] = house.messages()
    assert (message.kind, message.worker_id) == ("import_done", house.worker_id)
    assert message.params == {
        "project_id": house.project_id,
        "batch_id": batch_id,
        "rows": 7,
        "items": 3,
        "duplicates": 2,
        "duplicate_lines": [5, 7],
        "same_ids": [],
        "bad": 2,
        "bad_lines": [4, 8],
        "error_code": None,
    }
    assert [(row["line"], row["code"]) for row in batch.bad_rows] == [(4, "wrong_column_count"), (8, "empty_text")]
    assert batch.item_count + batch.duplicate_count + batch.bad_row_count == 7


def test_without_an_id_column_the_line_number_is_the_id(house: House) -> None:
    house.load(house.post('text\n"two\nlines"\nplain words\n'))
    assert [item.external_id for item in house.items()] == ["2", "4"]


def test_a_second_file_brings_only_what_is_new(house: House) -> None:
    house.load(house.post(rows(range(10))))
    batch = house.load(house.post(rows(range(5, 15))))
    assert (batch.item_count, batch.duplicate_count) == (5, 5)
    assert Counter(house.texts()) == Counter(f"text number {number}" for number in range(15))


def test_a_file_without_anything_new_is_no_failure(house: House) -> None:
    house.load(house.post(rows(range(3))))
    batch = house.load(house.post(rows(range(3))))
    assert (batch.state, batch.item_count, batch.duplicate_count) == ("published", 0, 3)


def test_duplicates_are_counted_within_a_project_only(house: House) -> None:
    house.load(house.post(rows(range(3))))
    with house.writing() as session:
        house.project_id = house.new_project(session)
    assert house.load(house.post(rows(range(3)))).item_count == 3


def test_known_labels_become_gold(house: House) -> None:
    lines = [
        {"text": "sun", "gold": "Yes"},
        {"text": "rain", "gold": " NO "},
        {"text": "fog"},
        {"text": "x", "gold": "?"},
    ]
    file = "\n".join(map(json.dumps, lines))
    batch = house.load(house.post(file, "items.jsonl", {"text": "text", "id": None, "gold": "gold"}))
    assert [(bad["line"], bad["code"], bad["params"]["label"]) for bad in batch.bad_rows] == [
        (4, "unknown_gold_label", "?")
    ]
    with reading(house.engine) as session:
        found = session.execute(
            select(Item.external_id, Gold.label_id, Gold.source).join(Gold).order_by(Item.rank)
        ).all()
    assert [tuple(row) for row in found] == [("1", "a", "column"), ("2", "b", "column")]
    assert {item.purpose for item in house.items()} == {"label"}


def test_many_chunks(house: House) -> None:
    batch = house.load(house.post(rows(range(3_500))))
    assert (batch.item_count, len(house.items())) == (3_500, 3_500)
    with house.writing() as session:
        assert fresh_rank(session, house.project_id, ORDINARY) == batch.last_rank + 1


def test_appending_single_items(house: House) -> None:
    house.load(house.post(rows(range(2))))
    with house.writing() as session:
        project = session.get_one(Project, house.project_id)
        first = append_item(session, project, " late news\r\ntoday ", house.worker_id, now(), "x-1")
        second = append_item(session, project, "more news", house.worker_id, now())
    assert labels.item_text(first.content) == "late news\ntoday"
    assert (first.external_id, second.external_id, first.slots) == ("x-1", "", 3)
    assert first.batch_id == second.batch_id
    batch = house.batch(first.batch_id)
    assert (batch.state, batch.item_count, batch.upload_id) == ("published", 2, None)
    assert [item.id for item in house.items()][-2:] == [first.id, second.id]


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "empty_text"), (" \n", "empty_text"), ("a\0b", "nul_byte"), ("x" * 200_001, "line_too_long")],
)
def test_what_cannot_be_appended(house: House, text: str, code: str) -> None:
    with house.writing() as session:
        project = session.get_one(Project, house.project_id)
        with pytest.raises(InvalidInput) as caught:
            append_item(session, project, text, house.worker_id, now())
    assert caught.value.code == code


def test_a_text_is_not_appended_twice(house: House) -> None:
    house.load(house.post(rows(range(2))))
    with pytest.raises(Conflict, match="duplicate_item"), house.writing() as session:
        append_item(session, session.get_one(Project, house.project_id), "text number 1", house.worker_id, now())
    assert len(house.items()) == 2
