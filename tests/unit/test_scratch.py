"""Where tests keep their files: in memory where there is room, else where they would be anyway."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests import scratch


@pytest.fixture(autouse=True)
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing says where temporary files go, and a byte is room enough."""
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(scratch, "LEAST_BYTES", 1)


def test_files_go_where_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "")  # it is put back after the test
    del os.environ["TMPDIR"]
    scratch.keep_in_memory(tmp_path)
    assert (os.environ["TMPDIR"], tempfile.gettempdir()) == (str(tmp_path), str(tmp_path))


def test_whoever_says_where_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "said").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "said"))
    scratch.keep_in_memory(tmp_path)
    assert tempfile.gettempdir() == str(tmp_path / "said")


@pytest.mark.parametrize("lacking", ["room", "place", "programs"])
def test_too_little_of_it_is_left_alone(lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if lacking == "room":
        monkeypatch.setattr(scratch, "LEAST_BYTES", 1 << 62)
    if lacking == "programs":
        monkeypatch.setattr(os, "statvfs", lambda _path: NoPrograms())
    scratch.keep_in_memory(tmp_path / "none" if lacking == "place" else tmp_path)
    assert "TMPDIR" not in os.environ


class NoPrograms:
    """What is known of a file system in which no program may be run."""

    f_flag = os.ST_NOEXEC
