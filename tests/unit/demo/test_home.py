"""The demo's home: an earlier demo's is wiped, anything else is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SettingsError
from core.supervisor import only_one
from demo.processes import MARK, demo_settings, prepare_home


def test_a_fresh_home(tmp_path: Path) -> None:
    home = tmp_path / "a" / "demo"
    prepare_home(home)
    assert [path.name for path in home.iterdir()] == [MARK]


def test_an_earlier_demo_is_wiped(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    prepare_home(home)
    (home / "lightwork.sqlite").write_text("old")
    prepare_home(home)
    assert [path.name for path in home.iterdir()] == [MARK]


def test_anything_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SettingsError, match="--home"):
        prepare_home(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_running_demo_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    prepare_home(home)
    (home / "lightwork.sqlite").write_text("in use")
    with only_one(home), pytest.raises(SettingsError, match="already running"):
        prepare_home(home)
    assert (home / "lightwork.sqlite").read_text() == "in use"


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file")
    with pytest.raises(SettingsError, match="--home"):
        prepare_home(tmp_path / "demo")


def test_no_database_or_redis_of_others_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://production/labels")
    monkeypatch.setenv("REDIS_URL", "redis://production:6379")
    settings = demo_settings(tmp_path)
    assert settings.sqlalchemy_url == f"sqlite:///{tmp_path.resolve() / 'lightwork.sqlite'}"
    assert settings.redis_url == ""
