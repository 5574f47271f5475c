"""Checkpoints: whole or not there, refused where the inputs differ, never dearer than their share, and exact."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR

from trainer.checkpoints import NAME, UNFINISHED, Checkpoints, capture, restore

STEPS = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where checkpoints go; nobody has made it."""
    return tmp_path / "run" / "fit"


class Killed(Exception):
    """Stands for the end of the process."""


def learn(kept: Checkpoints, killed_after: int = STEPS + 1) -> dict[str, torch.Tensor]:
    """A small model learns from noise with dropout, and draws from every generator at each step."""
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5))
    model[0].bias.requires_grad_(False)
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=0.1)
    schedule = LambdaLR(optimizer, lambda step: 1 / (step + 1))
    state = kept.load()
    done = restore(state, model, optimizer, schedule) if state is not None else 0
    for step in range(done + 1, STEPS + 1):
        scale = random.random() + np.random.random()
        (model(torch.randn(5, 4)) * scale).square().sum().backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if kept.due(step):
            kept.save(capture(step, model, optimizer, schedule))
        if step == killed_after:
            raise Killed
    return model.state_dict()


@pytest.mark.parametrize("killed_after", [1, 7, 11])
def test_a_killed_fit_ends_at_the_same_model(folder: Path, tmp_path: Path, killed_after: int) -> None:
    whole = learn(Checkpoints(tmp_path / "other", "same", 0))
    with pytest.raises(Killed):
        learn(Checkpoints(folder, "same", 0), killed_after)
    again = learn(Checkpoints(folder, "same", 0))
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_what_is_not_trained_is_not_kept(folder: Path) -> None:
    learn(Checkpoints(folder, "same", 0))
    state = Checkpoints(folder, "same").load()
    assert state is not None
    assert {"0.weight", "1.weight", "1.running_mean"} <= state["model"].keys()
    assert "0.bias" not in state["model"]


def save(kept: Checkpoints, step: int = 3) -> None:
    kept.save({"step": step, "model": {}})


def test_other_inputs_are_refused_and_removed(folder: Path) -> None:
    save(Checkpoints(folder, "these"))
    assert Checkpoints(folder, "these").load() == {"step": 3, "model": {}}
    assert Checkpoints(folder, "others").load() is None
    assert not folder.exists()
    assert Checkpoints(folder, "these").load() is None


@pytest.mark.parametrize("content", [b"", b"half a file", b"PK\x03\x04"])
def test_a_damaged_file_is_removed(folder: Path, content: bytes) -> None:
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(content)
    assert Checkpoints(folder, "same").load() is None
    assert not folder.exists()


def test_a_kill_while_it_is_written_leaves_the_one_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Checkpoints(folder, "same")
    save(kept, 3)

    def die(_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("trainer.checkpoints.os.fsync", die)
        with pytest.raises(Killed):
            save(kept, 4)
    assert (folder / UNFINISHED).exists()
    state = Checkpoints(folder, "same").load()
    assert state is not None
    assert state["step"] == 3


def test_a_disk_that_refuses_costs_no_more_than_the_checkpoint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []
    kept = Checkpoints(folder, "same", saved=lambda: saved.append(1))

    def refuse(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", refuse)
        save(kept)
    assert saved == []
    assert list(folder.iterdir()) == []
    save(kept)
    assert saved == [1]


def test_it_is_due_by_the_clock_and_costs_at_most_its_share(folder: Path) -> None:
    clock = [100.0]
    kept = Checkpoints(folder, "same", 60, clock=lambda: clock[0])
    assert not kept.due(1)
    clock[0] = 160.0
    assert kept.due(2)
    assert not kept.due(0), "before the first step there is nothing to keep"
    save(kept)
    clock[0] = 219.0
    assert not kept.due(3)
    clock[0] = 220.0
    assert kept.due(4)


def test_one_that_is_slow_to_write_comes_less_often(folder: Path) -> None:
    ticks = iter([0.0, 100.0, 110.0, 609.0, 610.0])
    kept = Checkpoints(folder, "same", 60, clock=lambda: next(ticks))
    save(kept)  # takes 10 s, from 100 to 110
    assert not kept.due(2)
    assert kept.due(3), "10 s are 2 % of 500 s"


def test_time_is_added_up_over_attempts(folder: Path) -> None:
    clock = [0.0]
    first = Checkpoints(folder, "same", clock=lambda: clock[0])
    clock[0] = 40.0
    save(first)
    second = Checkpoints(folder, "same", clock=lambda: clock[0])
    assert second.seconds_before == 0
    second.load()
    assert second.seconds_before == 40
    clock[0] = 65.0
    save(second)
    third = Checkpoints(folder, "same")
    third.load()
    assert third.seconds_before == 65
