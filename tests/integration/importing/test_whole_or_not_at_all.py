"""A file is loaded whole or not at all, however often the job is killed, repeated or run twice at once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, func, select

from core import jobs, media
from core.config import Settings
from core.db import reading
from core.importing import load, load_batch
from core.importing.insert import insert_new
from core.models import Batch, Gold, Upload
from tests.factories import make_runtime
from tests.integration.importing.house import House, rows


@pytest.mark.parametrize("crash_at", [1, 2, 3])
@pytest.mark.parametrize("committed", [True, False])
def test_killed_in_the_middle_it_ends_as_if_nothing_had_been(
    house: House, monkeypatch: pytest.MonkeyPatch, crash_at: int, committed: bool
) -> None:
    monkeypatch.setattr(load, "CHUNK_ROWS", 100)
    file = rows([*range(250), *range(0, 250, 10), *range(250, 300)]) + "bad\n" * 7
    batch_id = house.post(file)
    calls = Counter[str]()
    insert = insert_new

    def crash(*arguments: Any) -> Any:
        calls["insert"] += 1
        if calls["insert"] == crash_at and not committed:
            insert(*arguments)
            raise KeyboardInterrupt
        return insert(*arguments)

    def crash_after_commit(engine: Engine) -> None:
        if calls["insert"] == crash_at and committed:
            raise KeyboardInterrupt

    monkeypatch.setattr(load, "insert_new", crash)
    monkeypatch.setattr(load, "_pause", crash_after_commit)
    with pytest.raises(KeyboardInterrupt):
        house.load(batch_id)
    assert house.batch(batch_id).state == "loading"
    assert len(house.items()) == [0, 100, 200, 275][crash_at if committed else crash_at - 1]
    monkeypatch.setattr(load, "insert_new", insert)
    monkeypatch.setattr(load, "_pause", lambda engine: None)
    batch = house.load(batch_id)
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
    monkeypatch.setattr(load, "CHUNK_ROWS", 10)
    batch_id = house.post(rows(range(35)))
    pauses = Counter[str]()

    def run_the_other(engine: Engine) -> None:
        pauses["seen"] += 1
        if pauses["seen"] == 2:
            load_batch(house.engine, house.settings, batch_id, house.effects.extend)

    monkeypatch.setattr(load, "_pause", run_the_other)
    batch = house.load(batch_id)
    assert (batch.state, batch.item_count) == ("published", 35)
    assert (len(house.items()), len(house.messages())) == (35, 1)


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
    monkeypatch.setattr(load, "CHUNK_ROWS", 10)
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
