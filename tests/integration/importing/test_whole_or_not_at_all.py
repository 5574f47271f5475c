"""A file is loaded whole or not at all, however often the job is killed, repeated or run twice at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count, islice
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import UniqueConstraint, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import jobs, labels, media
from core.clock import now
from core.config import Settings
from core.db import reading
from core.importing import chunks, load
from core.importing.bulk import NewItem, write_items
from core.importing.chunks import Ended, insert_chunks
from core.importing.insert import write_new
from core.labels import choice
from core.models import Base, Batch, Gold, Item, Project, Upload
from tests.factories import make_runtime
from tests.integration.importing.house import House, rows

WITH_REPETITIONS = rows([*range(250), *range(0, 250, 10), *range(250, 300)]) + "bad\n" * 7
"""300 texts, 25 of them twice, and 7 bad rows."""


def take_chunks_of(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Have so many rows in a transaction, on either database."""
    for name in ("CHUNK_ROWS", "COPIED_ROWS"):
        monkeypatch.setattr(load, name, rows)


@pytest.mark.parametrize("crash_at", [1, 2, 3])
@pytest.mark.parametrize("copies", [1, 2])
def test_killed_within_a_transaction_it_ends_as_if_nothing_had_been(
    house: House, monkeypatch: pytest.MonkeyPatch, crash_at: int, copies: int
) -> None:
    take_chunks_of(monkeypatch, 100)
    monkeypatch.setattr(chunks, "COPIES", copies)
    batch_id = house.post(WITH_REPETITIONS)
    calls = count(1)

    def crash(*arguments: Any) -> None:
        write_new(*arguments)
        if next(calls) == crash_at:
            raise KeyboardInterrupt

    monkeypatch.setattr(chunks, "write_new", crash)
    with pytest.raises(KeyboardInterrupt):
        house.load(batch_id)
    assert house.batch(batch_id).state == "loading"
    if copies == 1:
        assert len(house.items()) == [0, 100, 200][crash_at - 1]
    monkeypatch.setattr(chunks, "write_new", write_new)
    assert_whole(house, house.load(batch_id))


@pytest.mark.parametrize("crash_at", [1, 2, 3])
def test_killed_between_two_transactions_it_ends_as_if_nothing_had_been(
    house: House, monkeypatch: pytest.MonkeyPatch, crash_at: int
) -> None:
    take_chunks_of(monkeypatch, 100)
    batch_id = house.post(WITH_REPETITIONS)

    def crash(*arguments: Any) -> Iterator[Any]:
        with closing(insert_chunks(*arguments)) as inserted:
            yield from islice(inserted, crash_at)
        raise KeyboardInterrupt

    monkeypatch.setattr(load, "insert_chunks", crash)
    with pytest.raises(KeyboardInterrupt):
        house.load(batch_id)
    assert house.batch(batch_id).state == "loading"
    assert len(house.items()) == [100, 200, 275][crash_at - 1]
    monkeypatch.setattr(load, "insert_chunks", insert_chunks)
    assert_whole(house, house.load(batch_id))


def assert_whole(house: House, batch: Batch) -> None:
    """All of `WITH_REPETITIONS` is there, once."""
    assert (batch.state, batch.item_count, batch.duplicate_count, batch.bad_row_count) == ("published", 300, 25, 7)
    assert Counter(house.texts()) == Counter(f"text number {number}" for number in range(300))
    assert len({item.rank for item in house.items()}) == 300
    assert len(house.messages()) == 1


def test_run_again_a_published_batch_is_left_alone(house: House) -> None:
    batch_id = house.post(rows(range(3)))
    first = house.load(batch_id)
    house.effects.clear()
    assert house.load(batch_id).published_at == first.published_at
    assert (len(house.items()), len(house.messages()), house.effects) == (3, 1, [])


def test_two_runs_at_once_store_each_row_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    take_chunks_of(monkeypatch, 10)
    batch_id = house.post(rows(range(135)))
    monkeypatch.setattr(chunks, "TURN_SECONDS", 0.0)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(house.load, [batch_id] * 2))
    batch = house.batch(batch_id)
    assert (batch.state, batch.item_count) == ("published", 135)
    assert (len(house.items()), len(house.messages())) == (135, 1)


def test_a_file_with_more_bad_rows_than_good_ones_fails_whole(house: House) -> None:
    batch_id = house.post("id,text\n1,good one\n2\n3\n")
    batch = house.load(batch_id)
    assert (batch.state, batch.error_code, batch.error_params) == (
        "failed",
        "too_many_bad_rows",
        {"rows": 3, "bad": 2},
    )
    assert (house.items(), batch.item_count, batch.bad_row_count, len(batch.bad_rows)) == ([], 0, 2, 2)
    [message] = house.messages()
    assert (message.kind, message.params["error_code"]) == ("import_failed", "too_many_bad_rows")


def test_half_of_the_rows_bad_is_still_loaded(house: House) -> None:
    assert house.load(house.post("id,text\n1,good one\n2\n")).state == "published"


def test_a_batch_whose_file_is_gone_loses_its_items_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    take_chunks_of(monkeypatch, 10)
    lines = [{"text": f"text {number}", "gold": "Yes"} for number in range(35)]
    batch_id = house.post("\n".join(map(json.dumps, lines)), "x.jsonl", {"text": "text", "id": None, "gold": "gold"})
    monkeypatch.setattr(load, "_publish", lambda plan, counts: None)
    assert house.load(batch_id).state == "loading"
    assert len(house.items(batch_id)) == 35
    with reading(house.engine) as session:
        upload = session.scalars(select(Upload)).one()
    media.media_path(house.settings, upload.sha256).unlink()
    batch = house.load(batch_id)
    assert (batch.state, batch.error_code, house.items()) == ("failed", "upload_missing", [])
    with reading(house.engine) as session:
        assert session.scalar(select(func.count()).select_from(Gold)) == 0


def test_a_file_of_bad_rows_is_removed_in_pieces(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    take_chunks_of(monkeypatch, 10)
    batch = house.load(house.post(rows(range(30)) + "bad\n" * 31))
    assert (batch.state, batch.error_params, house.items()) == ("failed", {"rows": 61, "bad": 31}, [])
    assert len(house.messages()) == 1


def test_a_batch_that_is_being_removed_is_not_published_and_is_removed_by_the_next_run(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_chunks_of(monkeypatch, 10)
    batch_id = house.post(rows(range(30)) + "bad\n" * 31)
    remove, publish = load._remove_items, load._publish

    def die(session: Session, batch_id: int) -> int:
        if len(house.items()) < 30:
            raise KeyboardInterrupt
        return remove(session, batch_id)

    monkeypatch.setattr(load, "_remove_items", die)
    with pytest.raises(KeyboardInterrupt):
        house.load(batch_id)
    assert (house.batch(batch_id).state, len(house.items())) == ("loading", 20)
    plan = load._make_plan(house.engine, house.settings, batch_id, house.effects.extend)
    assert plan is not None
    publish(plan, load.Counts(good=30))
    with pytest.raises(Ended):
        load._load(plan)
    assert (house.batch(batch_id).state, len(house.items())) == ("loading", 20)
    monkeypatch.setattr(load, "_remove_items", remove)
    batch = house.load(batch_id)
    assert (batch.state, batch.error_code, batch.error_params) == (
        "failed",
        "too_many_bad_rows",
        {"rows": 61, "bad": 31},
    )
    [message] = house.messages()
    assert (message.params["rows"], message.params["bad"], len(message.params["bad_lines"])) == (61, 31, 5)
    assert house.items() == []


@pytest.mark.parametrize("table", ["item", "gold"])
def test_what_refers_to_a_removed_row_is_found_by_an_index(table: str) -> None:
    """Else each removed row reads all answers of all jobs."""
    for other in Base.metadata.tables.values():
        known = {next(iter(key.columns)).name for key in other.constraints if isinstance(key, UniqueConstraint)}
        for index in other.indexes:
            condition, first = index.dialect_options["postgresql"]["where"], next(iter(index.columns)).name
            if condition is None or str(condition) == f"{first} IS NOT NULL":
                known.add(first)
        names = {key.parent.name for key in other.foreign_keys if key.column.table.name == table}
        assert names <= known, f"{other.name} has no index on {names - known}"


def test_a_row_that_is_good_only_in_the_second_run_comes_in(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A label was added to the job meanwhile, which a row names."""
    take_chunks_of(monkeypatch, 10)
    lines = [{"text": f"text {number}", "gold": "Maybe" if number == 5 else None} for number in range(30)]
    batch_id = house.post("\n".join(map(json.dumps, lines)), "x.jsonl", {"text": "text", "id": None, "gold": "gold"})
    monkeypatch.setattr(load, "_publish", lambda plan, counts: None)
    assert house.load(batch_id).state == "loading"
    assert len(house.items()) == 29
    with house.writing() as session:
        schema = labels.dump(choice.make(["Yes", "No", "Maybe"]))
        session.get_one(Project, house.project_id).label_schema = schema
    monkeypatch.undo()
    batch = house.load(batch_id)
    assert (batch.item_count, batch.duplicate_count, batch.bad_row_count) == (29, 0, 0)  # one is set aside
    assert house.texts() == [f"text {number}" for number in range(30)]


def test_items_of_a_failed_batch_are_no_duplicates(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = house.post(rows(range(3)))
    house.load(batch_id)
    with house.writing() as session:
        session.get_one(Batch, batch_id).state = "failed"
    assert house.load(house.post(rows(range(3)))).item_count == 3


@pytest.mark.parametrize("last", [False, True])
def test_a_fault_of_ours_fails_the_batch_at_the_last_attempt(
    house: House, settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch, last: bool
) -> None:
    batch_id = house.post(rows(range(4)))
    runtime = make_runtime(settings, house.engine, redis)
    monkeypatch.setattr(jobs, "process_runtime", lambda: runtime)
    monkeypatch.setattr(jobs, "is_last_attempt", lambda: last)

    def broken(*_: object) -> None:
        raise KeyError("fault")

    monkeypatch.setattr(load, "_publish", broken)  # when all its items are stored
    with pytest.raises(KeyError):
        jobs.import_batch(batch_id)
    batch, told = house.batch(batch_id), [message.kind for message in house.messages()]
    if last:
        assert (batch.state, batch.error_code, told) == ("failed", "unexpected", ["import_failed"])
        assert house.items() == []
    else:
        assert (batch.state, told) == ("loading", [])


def test_a_large_file_goes_in_beside_other_batches_and_leaves_no_row_behind(house: House) -> None:
    """More than one transaction of either database, with known labels and repeated texts across them."""
    house.load(house.post(rows(range(0, 11_000, 11))))
    known = {0: "Yes", 5_500: "No", 10_999: "Yes"}
    numbers = [*range(11_000), 0, 10_999]
    file = "id,text,gold\n" + "".join(f"n{one},text number {one},{known.get(one, '')}\n" for one in numbers)
    batch = house.load(house.post(file, mapping={"text": "text", "id": "id", "gold": "gold"}))
    new = [item for item in house.items(batch.id)]
    assert (len(new), batch.duplicate_count) == (10_000, 1_002)
    assert len({item.public_id for item in house.items()}) == 11_000
    with reading(house.engine) as session:
        found = session.execute(select(Item.external_id, Gold.label_id).join(Gold).order_by(Item.rank)).all()
    assert [tuple(row) for row in found] == [("n10999", "a")]  # of the other two the project had the text before
    columns = {(one.purpose, one.state, one.submitted, one.leased, one.revision, one.source, one.slots) for one in new}
    assert columns == {("label", "open", 0, 0, 0, "", 3), ("gold", "open", 0, 0, 0, "", 0)}


def test_what_a_text_holds_reaches_the_database_as_it_is(house: House) -> None:
    texts = ["tab\tand \\ and \\N and \\.", "quote \" and '", "two\nlines", "grüße 你好 🌦", "\\x41 %s {0} :name ?"]
    file = "\n".join(json.dumps({"text": text, "id": text[:9]}) for text in texts)
    house.load(house.post(file, "items.jsonl", {"text": "text", "id": "id", "gold": None}))
    assert house.texts() == texts
    assert [item.external_id for item in house.items()] == [text[:9].strip() for text in texts]


def test_a_refusal_of_the_database_does_not_name_the_text(house: House) -> None:
    items = [NewItem("a", "[]", "0" * 64, "secret", 1), NewItem("b", "{not json", "secret " * 20, "secret", 2)]
    with pytest.raises(DBAPIError) as caught, house.writing() as session:
        write_items(session, items, project_id=house.project_id, batch_id=10**9, overlap=3, now=now())
    assert "secret" not in str(caught.value)
    assert house.items() == []
