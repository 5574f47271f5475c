"""Exports on both databases: what is in them, what is not, and that a file is there whole or not at all."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import exporting, labels
from core.cells import guarded
from core.config import Settings
from core.db import reading, unit_of_work
from core.effects import Effect
from core.errors import InvalidInput
from core.exporting import (
    agreed,
    all_annotations,
    export_for_chat,
    jsonl_file,
    request_export,
    unfinished_exports,
    write_export,
)
from core.exporting import rows as export_rows
from core.labels import choice
from core.models import (
    Annotation,
    Assignment,
    Batch,
    Item,
    ModelVersion,
    OutboxMessage,
    Participation,
    Prediction,
    Project,
    TrainingRun,
    Worker,
    Workspace,
)
from core.queue import EXPORT
from core.runtime import Runtime

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def add(session: Session, row: Any) -> int:
    """Insert a row; returns its id."""
    session.add(row)
    session.flush()
    return int(row.id)


class House:
    """A project with items in a published batch, and people who answer."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        with self.writing() as session:
            self.workspace_id = add(session, Workspace(name="w", created_at=NOW))
            self.worker_ids = [add(session, Worker(name=name, created_at=NOW)) for name in ("Ann Lee", "Bo Ek")]
            schema = labels.dump(choice.make(["Yes", "-No"]))
            project = Project(
                workspace_id=self.workspace_id,
                name="p",
                question="?",
                label_schema=schema,
                min_overlap=1,
                max_overlap=5,
                cron_checked_at=NOW,
                created_by_id=self.worker_ids[0],
                created_at=NOW,
            )
            self.project_id = add(session, project)
            self.batch_id = self.add_batch(session, "published")
            for worker_id in self.worker_ids:
                session.add(Participation(worker_id=worker_id, project_id=self.project_id, created_at=NOW))
            session.flush()
            ordered = select(Participation.pseudonym).where(Participation.project_id == self.project_id)
            self.pseudonyms = list(session.scalars(ordered.order_by(Participation.worker_id)))

    def writing(self) -> Any:
        """One unit of work without effects."""
        return unit_of_work(self.engine, lambda effects: None)

    def add_batch(self, session: Session, state: str) -> int:
        """A batch of the project."""
        batch = Batch(
            project_id=self.project_id,
            state=state,
            mapping={},
            bad_rows=[],
            created_by_id=self.worker_ids[0],
            created_at=NOW,
        )
        return add(session, batch)

    def add_item(self, session: Session, text: str, **columns: Any) -> int:
        """An item of the project, decided unless the columns say otherwise."""
        content = labels.text_content(text)
        values = {
            "batch_id": self.batch_id,
            "state": "agreed",
            "label_id": "a",
            "confidence": 0.987654321,
            "submitted": 2,
            "decided_at": NOW,
            "rank": 1,
        } | columns
        item = Item(
            project_id=self.project_id,
            content=content,
            content_hash=labels.content_hash(content),
            overlap=2,
            created_at=NOW,
            **values,
        )
        return add(session, item)

    def add_annotation(self, session: Session, item_id: int, worker: int, **columns: Any) -> None:
        """An answer of the first or second worker."""
        worker_id = self.worker_ids[worker]
        assignment = Assignment(
            project_id=self.project_id,
            item_id=item_id,
            worker_id=worker_id,
            state="submitted",
            guidelines_version=1,
            surface="web",
            leased_at=NOW,
            expires_at=NOW + timedelta(minutes=10),
        )
        values = {"label_id": "a", "state": "counted"} | columns
        annotation = Annotation(
            project_id=self.project_id,
            item_id=item_id,
            worker_id=worker_id,
            assignment_id=add(session, assignment),
            value={"choice": values["label_id"]},
            guidelines_version=1,
            duration_ms=1234,
            created_at=NOW,
            **values,
        )
        add(session, annotation)

    def write(self, kind: str, file_format: str, path: Path) -> exporting.ExportInfo:
        """Write an export as a job does."""
        with reading(self.engine) as session:
            return write_export(session, session.get_one(Project, self.project_id), kind, file_format, path, NOW)


@pytest.fixture
def house(engine: Engine) -> House:
    """A project on either database."""
    return House(engine)


def read_csv(path: Path) -> list[dict[str, str]]:
    """As a spreadsheet reads it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_decided_items_with_their_labels(house: House, tmp_path: Path) -> None:
    with house.writing() as session:
        first = house.add_item(session, "rain\nand “sun”", external_id="x-1")
        house.add_item(session, "fog", label_id="b", state="adjudicated", confidence=None, decided_at=None)
        house.add_item(session, "by model", state="accepted", submitted=0)
        house.add_item(session, "open", state="open", label_id=None)
        house.add_item(session, "disputed", state="disputed", label_id=None)
        house.add_item(session, "hidden", batch_id=house.add_batch(session, "loading"))
        public_ids = {row.id: row.public_id for row in session.execute(select(Item.id, Item.public_id))}
    info = house.write("labels", "csv", tmp_path / "labels.csv")
    found = read_csv(info.path)
    assert (info.rows, info.media_type, info.created_at) == (3, "text/csv", NOW)
    assert found[0] == {
        "item": "x-1",
        "item_public_id": public_ids[first],
        "text": "rain\nand “sun”",
        "label": "Yes",
        "confidence": "0.987654",
        "state": "agreed",
        "annotations": "2",
        "decided_at": "2026-03-01T12:30:00Z",
        "model": "",
        "second_look": "",
    }
    assert [(row["text"], row["label"], row["state"]) for row in found[1:]] == [
        ("fog", "'-No", "adjudicated"),
        ("by model", "Yes", "accepted"),
    ]
    assert found[1]["item"] == found[1]["item_public_id"]
    assert (found[1]["confidence"], found[1]["decided_at"]) == ("", "")


def test_annotations_under_pseudonyms(house: House, tmp_path: Path) -> None:
    with house.writing() as session:
        item_id = house.add_item(session, "rain", external_id="x-1")
        house.add_annotation(session, item_id, 0, label_id="b", audit_state="accepted")
        house.add_annotation(session, item_id, 1, state="surplus")
        house.add_annotation(session, item_id, 1, state="withdrawn")
    info = house.write("annotations", "jsonl", tmp_path / "annotations.jsonl")
    text = info.path.read_text()
    found = [json.loads(line) for line in text.splitlines()]
    assert [(row["item"], row["worker"], row["label"], row["state"], row["audit"]) for row in found] == [
        ("x-1", house.pseudonyms[0], "-No", "counted", "accepted"),
        ("x-1", house.pseudonyms[1], "Yes", "surplus", "unaudited"),
        ("x-1", house.pseudonyms[1], "Yes", "withdrawn", "unaudited"),
    ]
    assert (found[0]["created_at"], found[0]["duration_ms"]) == ("2026-03-01T12:30:00Z", 1234)
    assert "Ann" not in text


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "xlsx"])
def test_an_answer_says_which_hint_was_shown_with_it(house: House, tmp_path: Path, file_format: str) -> None:
    with house.writing() as session:
        item_id = house.add_item(session, "rain")
        run = TrainingRun(project_id=house.project_id, trigger="button", state="done", created_at=NOW)
        version = ModelVersion(
            project_id=house.project_id,
            training_run_id=add(session, run),
            number=1,
            state="champion",
            base_model="tiny",
            artifact="v1",
            snapshot_hash="",
            metrics={},
            created_at=NOW,
        )
        said = {"confidence": 0.9, "probabilities": [0.1, 0.9], "created_at": NOW}
        hint = Prediction(item_id=item_id, model_version_id=add(session, version), label_id="b", **said)
        house.add_annotation(session, item_id, 0, prediction_id=add(session, hint))
        house.add_annotation(session, item_id, 1)
    info = house.write("annotations", file_format, tmp_path / f"annotations.{file_format}")
    if file_format == "csv":
        hints = [row["hint"] for row in read_csv(info.path)]
    elif file_format == "jsonl":
        hints = [json.loads(line)["hint"] for line in info.path.read_text().splitlines()]
    else:
        sheet = load_workbook(info.path).active
        assert sheet is not None
        header, *rows = sheet.iter_rows(values_only=True)
        assert header[-1] == "hint"
        hints = [row[-1] or "" for row in rows]
    assert hints == ["-No" if file_format == "jsonl" else "'-No", ""]


def test_an_annotation_without_participation_is_not_lost(house: House) -> None:
    with house.writing() as session:
        worker_id = add(session, Worker(name="gone", created_at=NOW))
        house.worker_ids.append(worker_id)
        house.add_annotation(session, house.add_item(session, "rain"), 2)
    with reading(house.engine) as session:
        [row] = all_annotations(session, session.get_one(Project, house.project_id))
    assert row.worker == ""


def test_another_projects_rows_stay_out(house: House, tmp_path: Path) -> None:
    with house.writing() as session:
        house.add_annotation(session, house.add_item(session, "theirs"), 0)
    mine = House(house.engine)
    for kind in ("labels", "annotations"):
        assert mine.write(kind, "csv", tmp_path / kind).rows == 0


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 25])
def test_streams_are_whole_whatever_the_chunks(house: House, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(export_rows, "CHUNK_ROWS", 10)
    with house.writing() as session:
        for number in range(count):
            house.add_item(session, f"text {number}", rank=count - number)
    with reading(house.engine) as session:
        found = [row.text for row in agreed(session, session.get_one(Project, house.project_id))]
    assert found == [f"text {number}" for number in range(count)]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula_for_a_spreadsheet(house: House, tmp_path: Path, start: str) -> None:
    formula = start + 'HYPERLINK("http://x.example","y")'
    with house.writing() as session:
        house.add_item(session, formula, external_id=formula)
    csv_row = read_csv(house.write("labels", "csv", tmp_path / "labels.csv").path)[0]
    assert csv_row["text"] == csv_row["item"] == "'" + formula
    json_row = json.loads(house.write("labels", "jsonl", tmp_path / "labels.jsonl").path.read_text())
    assert json_row["text"] == json_row["item"] == formula


def test_csv_opens_in_a_spreadsheet(house: House, tmp_path: Path) -> None:
    with house.writing() as session:
        house.add_item(session, "grüße, 你好")
    data = house.write("labels", "csv", tmp_path / "labels.csv").path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbfitem,item_public_id,text,label")
    assert data.count(b"\r\n") == 2


def test_numbers_are_not_turned_into_text() -> None:
    assert [guarded(value) for value in (-1, 0.5, None, "", "plain", "a=b")] == [
        -1,
        0.5,
        None,
        "",
        "plain",
        "a=b",
    ]


def test_a_file_is_private_and_replaces_the_old_one(house: House, tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "labels.csv"
    house.write("labels", "csv", path)
    with house.writing() as session:
        house.add_item(session, "rain")
    assert house.write("labels", "csv", path).rows == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["labels.csv"]


def test_an_export_that_breaks_off_leaves_the_old_file(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "labels.jsonl"
    house.write("labels", "jsonl", path)
    path.write_text("the old one")
    with house.writing() as session:
        house.add_item(session, "rain")

    def break_off(rows: Any) -> Iterator[Any]:
        yield next(iter(rows))
        raise OSError("disk full")

    write = jsonl_file.write
    monkeypatch.setattr(jsonl_file, "write", lambda path, columns, rows: write(path, columns, break_off(rows)))
    with pytest.raises(OSError, match="disk full"):
        house.write("labels", "jsonl", path)
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir() if found.is_file()] == [
        ("labels.jsonl", "the old one")
    ]


@pytest.mark.parametrize(
    ("kind", "file_format", "code"), [("workers", "csv", "unknown_export"), ("labels", "../csv", "unknown_format")]
)
def test_unknown_exports_are_refused(house: House, tmp_path: Path, kind: str, file_format: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        house.write(kind, file_format, tmp_path / "x")
    assert caught.value.code == code
    assert not (tmp_path / "x").exists()


def test_an_export_asked_for_in_a_chat_is_owed_once(
    house: House, settings: Settings, redis: Redis, effects: list[Effect]
) -> None:
    with house.writing() as session:
        house.add_item(session, "rain")
    runtime = Runtime(settings, house.engine, redis, effects.extend)
    with house.writing() as session:
        project = session.get_one(Project, house.project_id)
        request = request_export(session, project, house.worker_ids[1], "labels", "csv", NOW)
    with reading(house.engine) as session:
        owed = unfinished_exports(session)
    assert [(job.function, job.args) for job in owed] == [(EXPORT, (request.id,))]
    for _ in range(2):
        export_for_chat(runtime, request.id, NOW)
    with reading(house.engine) as session:
        assert unfinished_exports(session) == []
        [message] = session.scalars(select(OutboxMessage))
    assert (message.kind, message.worker_id, message.params["rows"]) == ("export_ready", house.worker_ids[1], 1)
    assert (message.params["name"], message.params["media_type"]) == ("labels.csv", "text/csv")
    assert len(read_csv(Path(message.params["path"]))) == 1
