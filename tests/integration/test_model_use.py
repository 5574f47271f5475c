"""From labels to a model in somebody's hands: what it learned from, what lies beside it, the commands that use it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, select
from transformers.utils.logging import enable_progress_bar

from core.champions import champion
from core.cli import main
from core.cli.failures import explain
from core.cli.model import APART, describe_list, describe_one, export, listing, show, use
from core.cli.predict import describe
from core.cli.predict import run as predict
from core.config import Settings
from core.db import reading
from core.errors import LightworkError
from core.importing import Row, receive
from core.importing.formats import formats
from core.models import Gold, Item, ModelVersion, OutboxMessage, Project, TrainingRun
from core.runtime import Runtime
from tests.factories import make_artifact
from tests.integration.test_poisoned_batch import BAD, GOOD, QUICK, label, train
from tests.integration.trainer_fixtures import NOON, Base, killed_while_writing, trainer_runtime
from tests.unit.trainer.conftest import one_thread, tiny_base  # noqa: F401 (fixtures)
from trainer import jobs
from trainer.dataset import on_holdout
from trainer.settings import BaseModel

LOADED = """
import sys
from transformers import AutoModelForSequenceClassification, AutoTokenizer
model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1]).eval()
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
logits = model(**tokenizer(["the sun is warm"], return_tensors="pt")).logits
assert not [name for name in sys.modules if name.split(".")[0] in ("core", "trainer", "bot")]
print(model.config.id2label[int(logits.argmax())])
"""


@pytest.fixture
def base(sqlite_engine: Engine) -> Base:
    """A project with two labels, with names of their own."""
    made = Base(sqlite_engine, labels=("a", "b"))
    with made.writing() as session:
        project = session.get_one(Project, made.project_id)
        project.label_schema = {"kind": "choice", "labels": [{"id": "a", "name": "Good"}, {"id": "b", "name": "Bad"}]}
    return made


@pytest.fixture
def runtime(
    base: Base,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tiny_base: BaseModel,  # noqa: F811
) -> Iterator[Runtime]:
    """The runtime that the jobs find, with a tiny encoder."""
    settings.base_model = tiny_base.source
    monkeypatch.setattr(jobs, "HYPERPARAMETERS", QUICK)
    with trainer_runtime(base, settings, monkeypatch) as found:
        yield found


def job_of(base: Base) -> str:
    with reading(base.engine) as session:
        return session.get_one(Project, base.project_id).public_id


def texts_by_side(held: bool, count: int, taken: str) -> list[str]:
    """Texts of one side of the holdout."""
    found = (f"{taken} and nothing else at all for number {at}" for at in range(1000))
    return [text for text in found if on_holdout(text, "", QUICK.holdout_share) is held][:count]


def test_what_a_model_learned_from_lies_beside_it(base: Base, runtime: Runtime) -> None:
    runtime.settings.redaction, runtime.settings.snapshot_texts = "emails", True
    label(base, 120, 0, 0.0)
    mine = base.items(["write about the sun to ada@mail.example.org, would you"])
    base.decide(mine, lambda _: "a")
    gold = base.items(texts_by_side(True, 2, "warm sun"), purpose="gold")
    held = texts_by_side(True, 1, "storm")
    # One character differs, and it lies on the other side.
    near = next(text for text in (f"{held[0]}{end}" for end in "abcdefgh") if not on_holdout(text, "", 0.3))
    copies = base.items([held[0], near])
    base.decide(copies[1:], lambda _: "b")
    with base.writing() as session:
        for item_id, state in zip(gold, ("active", "retired"), strict=True):
            session.add(
                Gold(
                    project_id=base.project_id,
                    item_id=item_id,
                    label_id="a",
                    source="column",
                    state=state,
                    created_at=NOON,
                )
            )
    version = train(base)
    directory = runtime.settings.model_directory / version.artifact
    lines = gzip.decompress((directory / "snapshot.jsonl.gz").read_bytes()).decode().splitlines(keepends=True)
    rows = {row["id"]: row for row in map(json.loads, lines)}
    with reading(base.engine) as session:
        ids = dict(session.execute(select(Item.id, Item.public_id)).all())
        snapshot = session.get_one(TrainingRun, version.training_run_id).snapshot
    assert rows[ids[copies[1]]]["side"] == "left_out"
    assert ids[copies[0]] not in rows, "it is not decided yet, and keeps its copy from training all the same"
    assert (rows[ids[gold[0]]]["side"], rows[ids[gold[0]]]["state"]) == ("holdout", "gold")
    assert ids[gold[1]] not in rows, "somebody doubts it"
    assert "[email]" in rows[ids[mine[0]]]["text"]
    assert "ada@" not in "".join(lines)
    assert rows[ids[mine[0]]]["weight"] == pytest.approx(0.97)
    plain = [json.dumps({name: value for name, value in json.loads(line).items() if name != "text"}) for line in lines]
    assert hashlib.sha256("".join(f"{line}\n" for line in sorted(plain)).encode()).hexdigest() == version.snapshot_hash
    assert snapshot["hash"] == version.snapshot_hash
    assert (snapshot["redaction"], snapshot["guidelines_version"]) == (["emails"], 1)
    assert snapshot["left_out"] == sum(row["side"] == "left_out" for row in rows.values())
    assert snapshot["train"] + snapshot["holdout"] + snapshot["left_out"] == len(rows)
    assert snapshot["consensus"]["max_overlap"] == 8


def test_what_lies_beside_a_model_and_what_is_told(base: Base, runtime: Runtime) -> None:
    label(base, 300, 0, 0.1)
    version = train(base)
    directory = runtime.settings.model_directory / version.artifact
    card = (directory / "model-card.md").read_text()
    assert card.startswith("# Weather, model v1\n")
    assert "| Good |" in card
    manifest = json.loads((directory / "training.json").read_text())
    assert manifest["method"] != "auto"
    assert f"| method | `{manifest['method']}` |" in card
    assert (directory / "model-card.png").read_bytes().startswith(b"\x89PNG")
    assert version.metrics["advice"]["kind"] in ("class", "more", "enough")
    assert version.metrics["curve"]["points"][-1][0] == version.metrics["train_items"]
    with reading(base.engine) as session:
        (message,) = session.scalars(select(OutboxMessage))
    assert message.params["picture"] == str((directory / "model-card.png").resolve())
    assert list((runtime.settings.tensorboard_directory / job_of(base) / "v1").iterdir())


@pytest.fixture
def trained(base: Base, runtime: Runtime) -> ModelVersion:
    """A champion that tells good words from bad ones."""
    label(base, 150, 0, 0.0)
    version = train(base)
    assert version.state == "champion"
    return version


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a file as an import reads them; of JSON Lines the objects."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    received = receive(path, path.name)
    rows = formats()[received.format].rows(path, received.dialect)
    return [dict(row.values) for row in rows if isinstance(row, Row)]


def write_csv(path: Path) -> list[str]:
    """A file of texts with ids, one of them empty; what is right of the others."""
    rows = [(f"r{at}", f"the {(GOOD, BAD)[at % 2][at % 3]} is so very nice today", "-7") for at in range(40)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "text", "label"))
        writer.writerows([*rows, ("empty", "", "")])
    return [("Good", "Bad")[at % 2] for at in range(40)]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".xlsx"])
def test_a_file_is_labeled(
    base: Base,
    runtime: Runtime,
    trained: ModelVersion,
    tmp_path: Path,
    ending: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("trainer.using.PIECE", 16)
    source, out, told = tmp_path / "in.csv", tmp_path / f"out{ending}", list[str]()
    right = write_csv(source)
    capfd.readouterr()
    enable_progress_bar()  # type: ignore[no-untyped-call]
    found = predict(runtime.settings, "weather", source, out, None, None, told.append)
    assert (found["rows"], found["bad_rows"], found["first_bad"][0]["line"]) == (40, 1, 42)
    assert f"(right on {found['accuracy']:.1%} of {trained.metrics['holdout_items']})" in describe(found)
    assert "Loading" not in "".join(capfd.readouterr()), "nothing is written beside what is told"
    assert told == ["16 of about 41 texts", "32 of about 41 texts", "40 of about 41 texts"]
    said = describe(found)
    assert "40 texts of the column 'text' labeled by v1" in said
    assert "those of the model are called 'label_2'" in said
    assert said.endswith("1 row could not be read and was left out:\n  line 42: the text is empty.")
    assert (found["text_column"], found["columns"]) == ("text", {"label": "label_2", "confidence": "confidence"})
    rows = rows_of(out)
    assert list(rows[0]) == ["id", "text", "label", "label_2", "confidence"]
    assert [(row["id"], row["label"]) for row in rows] == [(f"r{at}", "-7") for at in range(40)]
    assert sum(row["label_2"] == label for row, label in zip(rows, right, strict=True)) > 30
    assert all(0.5 <= float(row["confidence"]) <= 1.0 for row in rows)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(("out", ".draft"))) == [out.name]


TEXTS = ("@sun so very warm", "=storm today", "'-sun and nothing else", "-rain, cold", "'tis warm", "sun -5")


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_what_was_written_is_read_again_as_it_was(
    base: Base, runtime: Runtime, trained: ModelVersion, tmp_path: Path, ending: str
) -> None:
    """What begins like a formula has an apostrophe in the file, of which the model never hears."""
    source, once, twice = tmp_path / "in.jsonl", tmp_path / f"once{ending}", tmp_path / f"twice{ending}"
    source.write_text("".join(json.dumps({"text": text, "n": at}) + "\n" for at, text in enumerate(TEXTS)))
    predict(runtime.settings, "weather", source, once, None, None, lambda line: None)
    found = predict(runtime.settings, "weather", once, twice, None, None, lambda line: None)
    assert found["columns"] == {"label": "label_2", "confidence": "confidence_2"}
    rows = rows_of(twice)
    assert [row["text"] for row in rows] == list(TEXTS)
    assert all(row["label"] == row["label_2"] for row in rows)
    assert all(float(row["confidence"]) == pytest.approx(float(row["confidence_2"]), abs=1e-5) for row in rows)


def test_a_kill_leaves_nothing_half_written(
    base: Base, runtime: Runtime, trained: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(tmp_path / "in.csv")
    monkeypatch.setattr("core.cli._settings", lambda **_: runtime.settings)
    monkeypatch.setattr("trainer.using._Spoken.about", killed_while_writing(tmp_path))
    handler = signal.getsignal(signal.SIGTERM)
    arguments = ["predict", "weather", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]
    assert CliRunner().invoke(main, arguments).exit_code == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["in.csv"]
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_kill_leaves_no_half_of_a_model(
    base: Base, runtime: Runtime, trained: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {path.name for path in tmp_path.iterdir()}
    monkeypatch.setattr("core.cli._settings", lambda **_: runtime.settings)
    monkeypatch.setattr("core.cli.model_export._name_labels", killed_while_writing(tmp_path))
    arguments = ["model", "export", "weather", "--out", str(tmp_path / "model")]
    assert CliRunner().invoke(main, arguments).exit_code == 128 + signal.SIGTERM
    assert {path.name for path in tmp_path.iterdir()} == there


def test_objects_come_back_as_they_were(base: Base, runtime: Runtime, trained: ModelVersion, tmp_path: Path) -> None:
    source, out, table = tmp_path / "in.jsonl", tmp_path / "out.jsonl", tmp_path / "out.csv"
    objects = [
        {"id": 7, "data": {"text": "a warm sun"}, "label": {"of": "people"}},
        {"data": {"text": "-storm"}, "late": [1]},
    ]
    lines = [json.dumps(objects[0]), '["a"]', "12", '{"id": 8}', '{"data": {"text": null}}', json.dumps(objects[1])]
    source.write_text("\n".join(lines))
    found = predict(runtime.settings, "weather", source, out, None, None, lambda line: None)
    assert [
        {name: row[name] for name in row if name not in found["columns"].values()} for row in rows_of(out)
    ] == objects
    assert found["columns"] == {"label": "label_2", "confidence": "confidence"}
    assert describe(found).endswith(
        "4 rows could not be read and were left out:\n"
        "  line 2: it is JSON but not an object (in curly brackets).\n"
        "  line 3: it is JSON but not an object (in curly brackets).\n"
        "  line 4: it has no “data.text”.\n"
        "  line 5: the text is empty."
    )
    assert found["first_bad"][2]["reason"] == "it has no “data.text”."
    predict(runtime.settings, "weather", source, table, None, None, lambda line: None)
    rows = rows_of(table)
    assert list(rows[0]) == ["id", "data.text", "label.of", "late", "label_2", "confidence"]
    assert [row["late"] for row in rows] == ["", "[1]"]


def test_a_first_line_that_may_be_a_text_is_named(
    base: Base, runtime: Runtime, trained: ModelVersion, tmp_path: Path
) -> None:
    lines = "what a warm sun\nwhat a cold storm\n"
    for name, rows, column, header in (("a.csv", 1, "what a warm sun", True), ("a.txt", 2, "text", False)):
        source = tmp_path / name
        source.write_text(lines)
        found = predict(runtime.settings, "weather", source, tmp_path / f"{name}.csv", None, None, lambda line: None)
        assert (found["rows"], found["text_column"], found["header"]) == (rows, column, header)
        assert ("The first line was taken for the names of the columns" in describe(found)) is header
    assert "1 text of the column 'what a warm sun' labeled" in describe(
        {**found, "rows": 1, "text_column": "what a warm sun"}
    )


def test_what_cannot_be_labeled_is_said_and_leaves_what_was_there(
    base: Base, runtime: Runtime, trained: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    write_csv(source)
    out.write_text("precious")
    empty = tmp_path / "empty.csv"
    empty.write_text("")

    def refusal(wanted: str, file: Path, to: Path, number: int | None = None, column: str | None = None) -> str:
        with pytest.raises(LightworkError) as caught:
            predict(runtime.settings, wanted, file, to, number, column, lambda line: None, force=True)
        return explain(caught.value) or ""

    with pytest.raises(LightworkError, match=r"There is a file already at .*or replace it with --force"):
        predict(runtime.settings, "weather", source, out, None, None, lambda line: None)
    kept = source.read_text()
    (tmp_path / "same.csv").symlink_to(source)
    for same in (source, tmp_path / "same.csv", tmp_path / "." / "in.csv"):
        assert "is a file that this command reads; choose another name" in refusal("weather", source, same)
    assert source.read_text() == kept
    assert "is a directory; name a file in it" in refusal("weather", source, tmp_path)
    assert "is a directory; name a file in it" in refusal("weather", tmp_path, out)

    assert "There is no job 'nothing'" in refusal("nothing", source, out)
    assert "There is no file" in refusal("weather", tmp_path / "missing.csv", out)
    assert "let it end in one of .csv, .jsonl, .xlsx" in refusal("weather", source, tmp_path / "out.txt")
    assert "There is no version 7" in refusal("weather", source, out, 7)
    assert "nowhere" in refusal("weather", source, out, None, "nowhere")
    assert "The file is empty; it needs one item per row" in refusal("weather", empty, out)
    monkeypatch.setattr("trainer.using.load_speaker", None)
    assert "cannot be written: there is no folder" in refusal("weather", source, tmp_path / "no" / "out.csv")
    assert out.read_text() == "precious"


def test_versions_are_listed_used_and_gone_back_to(base: Base, runtime: Runtime, trained: ModelVersion) -> None:
    settings = runtime.settings
    with base.writing() as session:
        other = base.version(base.run("done"), 2, "held")
        session.get_one(ModelVersion, other.id).metrics = trained.metrics
    make_artifact(settings.model_directory / "somewhere" / "2")
    listed = listing(settings, "weather")
    assert [(one["number"], one["state"]) for one in listed["versions"]] == [(2, "held"), (1, "champion")]
    count = trained.metrics["holdout_items"]
    assert f"v1    in use     {trained.metrics['accuracy']:.1%} of {count}  " in describe_list(listed)
    assert describe_list(listed).endswith(APART)
    assert APART not in describe_list(listed | {"versions": listed["versions"][1:]}), "nothing to compare"
    assert show(settings, "weather", None)["labels"] == [{"id": "a", "name": "Good"}, {"id": "b", "name": "Bad"}]
    assert describe_one(show(settings, "weather", None)).startswith("v1 is in use now.\n\n# Weather, model v1")
    assert describe_one(show(settings, "weather", 2)).startswith("v2 is not in use now; v1 is. It was right on ")
    assert describe_one(show(settings, "weather", 2)).endswith(f" of {count}; it has no card.")
    assert use(settings, "weather", 2)["before"] == 1
    assert describe_one(show(settings, "weather", 1)).startswith("v1 is not in use now; v2 is.\n\n# Weather, model v1")
    with pytest.raises(LightworkError) as caught:
        use(settings, "weather", 2)
    assert explain(caught.value) == "v2 is in use already."
    assert use(settings, "weather", None) == {"project": job_of(base), "in_use": 1, "before": 2}
    with reading(base.engine) as session:
        reigning = champion(session, base.project_id)
    assert reigning is not None
    assert reigning.number == 1
    with pytest.raises(LightworkError, match="was in use before; lightwork model list shows all"):
        use(settings, "weather", None)


def test_a_job_without_models(base: Base, runtime: Runtime) -> None:
    assert describe_list(listing(runtime.settings, "weather")) == "Weather has no model yet."
    with pytest.raises(LightworkError, match="is in use yet"):
        show(runtime.settings, "weather", None)
    with pytest.raises(LightworkError, match="was in use before"):
        use(runtime.settings, "weather", None)


def test_an_export_is_loaded_by_plain_transformers(
    base: Base, runtime: Runtime, trained: ModelVersion, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    export(runtime.settings, "weather", None, out)
    said = subprocess.run(
        [sys.executable, "-c", LOADED, str(out)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert said.stdout.strip() == "Good"
    readme = (out / "README.md").read_text()
    assert readme.startswith("---\nlicense: other\n")
    assert f"Temperature: {trained.temperature}" in readme
    assert "# Weather, model v1" in readme
    names = {path.name for path in out.iterdir()}
    assert {"config.json", "model.safetensors", "model-card.png"} <= names
    assert not names & {"training.json", "snapshot.jsonl.gz"}
    with pytest.raises(LightworkError, match="is there already"):
        export(runtime.settings, "weather", None, out)
    with pytest.raises(LightworkError, match=r"there is no folder .*make it first"):
        export(runtime.settings, "weather", None, tmp_path / "away" / "model")
    assert not (tmp_path / "away").exists()
