"""As many threads as there are cores for this process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from trainer.cores import core_count, use_all_cores
from trainer.settings import Device, choose_device


@pytest.fixture
def cpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four cores of two threads each, of which this process may use three cores."""
    for number in range(8):
        folder = tmp_path / f"cpu{number}" / "topology"
        folder.mkdir(parents=True)
        (folder / "physical_package_id").write_text("0\n")
        (folder / "core_id").write_text(f"{number % 4}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 4, 5, 6})
    return tmp_path


def test_threads_on_one_core_count_once(cpus: Path) -> None:
    assert core_count(cpus, cpus / "none") == 3


@pytest.mark.parametrize(
    ("quota", "cores"), [("150000 100000\n", 2), ("max 100000\n", 3), ("20000 100000\n", 1), ("?", 3)]
)
def test_a_container_may_have_a_share(cpus: Path, quota: str, cores: int) -> None:
    (cpus / "cpu.max").write_text(quota)
    assert core_count(cpus, cpus / "cpu.max") == cores


def test_where_nothing_is_told_each_processor_is_a_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3})
    assert core_count(tmp_path, tmp_path / "none") == 2


def test_threads_by_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    use_all_cores(choose_device("cpu", 3))
    use_all_cores(Device("cpu", None))
    use_all_cores(Device("cuda", None, 3))
    assert asked == [3, core_count()]
