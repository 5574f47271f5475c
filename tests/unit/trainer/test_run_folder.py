"""What an unfinished run keeps: its data exactly, until it has ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainer.dataset import Dataset, Example
from trainer.run_folder import DATA, RunFolder, inputs_hash, remove_ended

ONE = Example("id1", "warm ☀️ \x00 天气\n", "good", (0.1, 0.2 + 0.1), 0.7, decided_at=datetime(2026, 5, 4, tzinfo=UTC))
TWO = Example("id2", "", "bad", (1.0, 0.0), 1.0)
FROZEN = Dataset((ONE, TWO), (TWO,), "f" * 64, 7)


def test_data_come_back_as_they_were(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs", "abc")
    assert folder.data() is None
    folder.keep(FROZEN)
    assert RunFolder(tmp_path / "runs", "abc").data() == FROZEN
    assert [path.name for path in folder.path.iterdir()] == [DATA]


@pytest.mark.parametrize("content", ["", "{", '{"train": []}', '{"unknown": 1}'])
def test_data_that_cannot_be_read_are_frozen_anew(tmp_path: Path, content: str) -> None:
    folder = RunFolder(tmp_path, "abc")
    folder.path.mkdir()
    (folder.path / DATA).write_text(content)
    assert folder.data() is None


def test_a_disk_that_refuses_costs_no_run(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where a directory should be")
    folder = RunFolder(tmp_path / "runs", "abc")
    folder.keep(FROZEN)


def test_the_hash_is_that_of_what_is_learned() -> None:
    known = inputs_hash([ONE, TWO], "base", {"epochs": 1})
    assert inputs_hash((ONE, replace(TWO, public_id="id3", state="gold")), "base", {"epochs": 1}) == known
    others = [
        inputs_hash([TWO, ONE], "base", {"epochs": 1}),
        inputs_hash([replace(ONE, target=(0.1, 0.9)), TWO], "base", {"epochs": 1}),
        inputs_hash([replace(ONE, text="\ud800"), TWO], "base", {"epochs": 1}),
        inputs_hash([ONE, TWO], "base", {"epochs": 2}),
        inputs_hash([ONE, TWO], "another", {"epochs": 1}),
    ]
    assert len({known, *others}) == 6


def test_folders_of_ended_runs_go(tmp_path: Path) -> None:
    for name in ("ended", "going", "other"):
        RunFolder(tmp_path, name).keep(FROZEN)
    remove_ended(tmp_path, lambda: {"going", "due"})
    assert [path.name for path in tmp_path.iterdir()] == ["going"]
    remove_ended(tmp_path / "nowhere", lambda: pytest.fail("nothing is there, so nobody is asked"))
