"""What lies in the home is its owner's alone, and commands that only look leave nothing behind."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from core.cli import main
from core.config import Settings
from core.db import make_engine, sqlite_file, unit_of_work


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """The umask of most people; a command sets its own for the rest of its process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that nobody has made yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIGHTWORK_HOME", str(tmp_path / "new" / "home"))
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "new" / "home"


def mode(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("command", ["status", "doctor"])
def test_looking_makes_nothing(home: Path, command: str) -> None:
    result = CliRunner().invoke(main, [command])
    assert result.exit_code != 0
    assert "lightwork up" in result.stdout
    assert not home.parent.exists()


def test_a_home_and_its_database_are_the_owners_alone(home: Path) -> None:
    assert CliRunner().invoke(main, ["migrate"]).exit_code == 0
    assert mode(home) == mode(home.parent) == 0o700
    assert {mode(path) for path in home.iterdir()} == {0o600}


def test_a_database_is_closed_to_others_whatever_the_umask_is_and_was(settings: Settings) -> None:
    file = sqlite_file(settings)
    assert file is not None
    for _ in range(2):
        engine = make_engine(settings)
        with unit_of_work(engine, lambda _effects: None) as session:
            session.execute(text("CREATE TABLE IF NOT EXISTS something (id INTEGER)"))
            found = sorted(settings.home.glob("lightwork.sqlite*"))
            assert [path.name.removeprefix(file.name) for path in found] == ["", "-shm", "-wal"]
            assert {mode(path) for path in found} == {0o600}
        engine.dispose()
        file.chmod(0o644)  # as an earlier version made it


def test_another_database_is_no_file_of_this_machine(settings: Settings) -> None:
    settings.database_url = "postgresql://ann@db.example/none"
    assert sqlite_file(settings) is None
