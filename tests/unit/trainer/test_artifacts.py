"""Artifacts: whole or not there, and readable by plain transformers."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from core.errors import Conflict
from tests.unit.trainer.conftest import CPU
from trainer import artifacts, predict, train
from trainer.heads.choice import ChoiceHead
from trainer.settings import BaseModel

HEAD = ChoiceHead(("a", "b"))
TEXTS = ["very nice sun", "rain", "", "so cold and bad today", "warm " * 50]


@pytest.fixture
def fresh(tiny_base: BaseModel) -> tuple[Any, Any]:
    """A model with a new head, and its tokenizer."""
    torch.manual_seed(1)
    model, tokenizer = train.load_base(tiny_base, HEAD.label_ids)
    return model.eval(), tokenizer


def test_round_trip_says_the_same(fresh: tuple[Any, Any], model_folder: Path) -> None:
    artifacts.save(model_folder / "one", *fresh, {"label_ids": ["a", "b"], "note": "snow ☃"})
    model, tokenizer, manifest = artifacts.load(model_folder / "one")
    assert manifest == {"label_ids": ["a", "b"], "note": "snow ☃"}
    before = predict.probabilities(*fresh, TEXTS, HEAD, CPU, 16)
    assert predict.probabilities(model, tokenizer, TEXTS, HEAD, CPU, 16) == pytest.approx(before)


def test_plain_transformers_reads_it(fresh: tuple[Any, Any], model_folder: Path) -> None:
    artifacts.save(model_folder / "one", *fresh, {})
    assert (model_folder / "one" / "model.safetensors").is_file()
    assert not [path.name for path in (model_folder / "one").iterdir() if path.suffix in (".bin", ".pt", ".pkl")]
    classifier = AutoModelForSequenceClassification.from_pretrained(model_folder / "one")
    assert classifier.config.id2label == {0: "a", 1: "b"}
    assert AutoModel.from_pretrained(model_folder / "one").config.hidden_size == 32
    assert AutoTokenizer.from_pretrained(model_folder / "one")("nice")["input_ids"]


def test_a_fault_while_writing_leaves_nothing(fresh: tuple[Any, Any], model_folder: Path) -> None:
    with pytest.raises(TypeError):
        artifacts.save(model_folder / "one", *fresh, {"not json": object()})
    assert list(model_folder.iterdir()) == []


def test_what_a_killed_process_left_is_cleared(fresh: tuple[Any, Any], model_folder: Path) -> None:
    artifacts.save(model_folder / "one", *fresh, {})
    (model_folder / ".half-abc").mkdir()
    (model_folder / ".half-abc" / "model.safetensors").write_bytes(b"half")
    assert artifacts.remove_half_written(model_folder) == 1
    assert [path.name for path in model_folder.iterdir()] == ["one"]


def test_what_is_not_kept_is_set_aside_and_then_removed(model_folder: Path) -> None:
    for name in ("one", "two", "never recorded", ".half-abc"):
        (model_folder / name).mkdir(parents=True)
    for name in ("one", "two"):
        (model_folder / f"{name}.neighbours.npz").write_bytes(b"vectors")
    assert artifacts.set_aside(model_folder, {"one", "lost"}) == 2
    left = {path.name for path in model_folder.iterdir() if not path.name.startswith(".half-")}
    assert left == {"one", "one.neighbours.npz"}
    assert artifacts.remove_half_written(model_folder) == 3
    assert artifacts.set_aside(model_folder.parent / "of another project", ()) == 0


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "no room"), RuntimeError("I/O error: No space left on device (os error 28)")],
)
def test_a_full_disk_is_said_and_leaves_nothing(
    fresh: tuple[Any, Any], model_folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(_: Path) -> None:
        raise error

    monkeypatch.setattr(artifacts, "sync", refuse)
    with pytest.raises(Conflict, match="training_disk_full"):
        artifacts.save(model_folder / "one", *fresh, {})
    assert list(model_folder.iterdir()) == []


def test_a_model_for_which_there_is_no_room_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(bytes(1000))
    free = [999]
    monkeypatch.setattr("trainer.artifacts.shutil.disk_usage", lambda _: SimpleNamespace(free=free[0]))
    with pytest.raises(Conflict, match="training_disk_full"):
        artifacts.require_space(tmp_path / "not" / "yet", tmp_path / "base")
    artifacts.require_space(tmp_path, Path("some/name"))
    free[0] = 1000
    artifacts.require_space(tmp_path, tmp_path / "base")


@pytest.mark.parametrize("lost", ["training.json", "model.safetensors", None])
def test_a_lost_artifact_is_named(fresh: tuple[Any, Any], model_folder: Path, lost: str | None) -> None:
    if lost is not None:
        artifacts.save(model_folder / "one", *fresh, {})
        (model_folder / "one" / lost).unlink()
    with pytest.raises(Conflict) as caught:
        artifacts.load(model_folder / "one")
    assert (caught.value.code, caught.value.params) == ("artifact_missing", {"artifact": "one"})


def test_predictions_come_in_the_order_given(fresh: tuple[Any, Any]) -> None:
    together = predict.probabilities(*fresh, TEXTS * 30, HEAD, CPU, 16)
    alone = [predict.probabilities(*fresh, [text], HEAD, CPU, 16)[0] for text in TEXTS]
    assert together.sum(axis=1) == pytest.approx(1.0)
    for place, row in enumerate(together):
        assert row == pytest.approx(alone[place % len(TEXTS)], abs=1e-5)


def test_nothing_to_predict(fresh: tuple[Any, Any]) -> None:
    assert predict.probabilities(*fresh, [], HEAD, CPU, 16).shape == (0, 2)
