"""Files become items on both databases: whole or not at all, each once, however often the job is killed."""

from __future__ import annotations

import json
import stat
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from core import jobs, labels, media
from core.clock import now
from core.config import Settings
from core.db import reading, unit_of_work
from core.effects import Effect, EnqueueJob, WakeDelivery
from core.errors import Conflict, InvalidInput, NotFound
from core.importing import append_item, create_batch, load, load_batch, receive, store
from core.importing.insert import insert_new
from core.labels import choice
from core.models import Batch, Gold, Item, OutboxMessage, Project, Upload, Worker, Workspace
from core.ranks import ORDINARY, band_of, fresh_rank
from tests.factories import make_runtime

TEXT_ONLY = {"text": "text", "id": None, "gold": None}


class House:
    """A workspace with a coordinator and a project, and the steps of an import."""

    def __init__(self, engine: Engine, settings: Settings, effects: list[Effect], directory: Path) -> None:
        self.engine, self.settings, self.effects, self.directory = engine, settings, effects, directory
        with self.writing() as session:
            self.workspace_id = add(session, Workspace(name="w", created_at=now()))
            self.worker_id = add(session, Worker(name="coordinator", created_at=now()))
            self.project_id = self.new_project(session)

    def new_project(self, session: Session) -> int:
        """A project that asks for three answers about Yes and No."""
        schema = labels.dump(choice.make(["Yes", "No"]))
        project = Project(
            workspace_id=self.workspace_id,
            name="p",
            question="?",
            label_schema=schema,
            min_overlap=3,
            max_overlap=5,
            cron_checked_at=now(),
            created_by_id=self.worker_id,
            created_at=now(),
        )
        return add(session, project)

    def writing(self) -> Any:
        """One unit of work that collects effects."""
        return unit_of_work(self.engine, self.effects.extend)

    def post(self, data: str, name: str = "items.csv", mapping: dict[str, Any] | None = None) -> int:
        """Receive, store and ask for loading, as the coordinator's chat does; returns the batch id."""
        path = self.directory / "upload"
        path.write_bytes(data.encode())
        received = receive(path, name)
        with self.writing() as session:
            upload = store(session, self.settings, self.workspace_id, self.worker_id, path, received, now())
            project = session.get_one(Project, self.project_id)
            return create_batch(session, project, upload, mapping or TEXT_ONLY, self.worker_id, now()).id

    def load(self, batch_id: int) -> Batch:
        """Run the job and give back the batch."""
        load_batch(self.engine, self.settings, batch_id, self.effects.extend)
        return self.batch(batch_id)

    def batch(self, batch_id: int) -> Batch:
        """The batch as it stands."""
        with reading(self.engine) as session:
            return session.get_one(Batch, batch_id)

    def items(self, batch_id: int | None = None) -> list[Item]:
        """All items, or those of one batch, by rank."""
        statement = select(Item).order_by(Item.rank)
        if batch_id is not None:
            statement = statement.where(Item.batch_id == batch_id)
        with reading(self.engine) as session:
            return list(session.scalars(statement))

    def texts(self) -> list[str]:
        """Texts of all items by rank."""
        return [labels.item_text(item.content) for item in self.items()]

    def messages(self) -> list[OutboxMessage]:
        """What is owed."""
        with reading(self.engine) as session:
            return list(session.scalars(select(OutboxMessage)))


def add(session: Session, row: Any) -> int:
    """Insert a row; returns its id."""
    session.add(row)
    session.flush()
    return int(row.id)


@pytest.fixture
def house(engine: Engine, settings: Settings, effects: list[Effect], tmp_path: Path) -> House:
    """A workspace with a project on either database."""
    return House(engine, settings, effects, tmp_path)


def rows(numbers: Sequence[int] | range) -> str:
    """A CSV file with one text for each number."""
    return "id,text\n" + "".join(f"n{number},text number {number}\n" for number in numbers)


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
    assert [item.rank for item in items] == list(range(batch.first_rank, batch.last_rank + 1))
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


def test_many_chunks(house: House) -> None:
    batch = house.load(house.post(rows(range(3_500))))
    assert (batch.item_count, len(house.items())) == (3_500, 3_500)
    with house.writing() as session:
        assert fresh_rank(session, house.project_id, ORDINARY) == batch.last_rank + 1


def test_a_missing_column_is_refused_with_the_columns_there_are(house: House) -> None:
    with pytest.raises(InvalidInput) as caught:
        house.post(rows(range(3)), mapping={"text": "tweet", "id": None, "gold": None})
    assert (caught.value.code, caught.value.params) == (
        "column_missing",
        {"column": "tweet", "columns": ["id", "text"]},
    )


def test_another_workspaces_upload_is_not_found(house: House) -> None:
    house.post(rows(range(1)))
    with house.writing() as session:
        upload = session.scalars(select(Upload)).one()
        other = Workspace(name="other", created_at=now())
        upload.workspace_id = add(session, other)
        project = session.get_one(Project, house.project_id)
        with pytest.raises(NotFound):
            create_batch(session, project, upload, TEXT_ONLY, house.worker_id, now())


def test_a_stored_file_is_named_by_its_content_and_private(house: House) -> None:
    house.post(rows(range(3)))
    house.post(rows(range(3)))
    files = [path for path in house.settings.media_directory.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert files[0].read_text() == rows(range(3))
    assert media.keep(house.settings, files[0]).sha256 == files[0].name


@pytest.mark.parametrize("given", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_only_a_hash_names_a_stored_file(settings: Settings, given: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        media.media_path(settings, given)


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
