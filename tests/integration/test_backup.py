"""Backups that are made under load and brought back: whole, sound, and never over what they do not hold."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

import core.cli.backup
from core.cli import main
from core.cli.backup import backup
from core.cli.restore import restore
from core.config import Settings, load_settings
from core.db import make_engine, sqlite_file, unit_of_work
from core.db.writer import GroupWriter
from core.errors import SettingsError
from core.models import LogEntry
from core.supervisor import only_one
from tests.factories import START
from tests.processes import end, start
from tests.waiting import eventually


@pytest.fixture
def database(settings: Settings, sqlite_template: Path) -> Path:
    """A migrated SQLite file that nobody has open."""
    file = sqlite_file(settings)
    assert file is not None
    shutil.copy(sqlite_template, file)
    return file


@pytest.fixture
def engine(settings: Settings, database: Path) -> Iterator[Engine]:
    """The database, open."""
    made = make_engine(settings)
    yield made
    made.dispose()


def note(engine: Engine, number: int) -> None:
    """Something that a coordinator did."""
    with unit_of_work(engine, lambda _effects: None) as session:
        insert(number, session)


def insert(number: int, session: Session) -> None:
    session.add(LogEntry(act="post", subject=str(number), created_at=START))


def noted(file: Path) -> list[int]:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        return [int(row[0]) for row in connection.execute("SELECT subject FROM log_entry ORDER BY id")]


def test_a_backup_under_load_holds_all_that_was_committed_before_and_stops_nobody(
    settings: Settings, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.cli.backup, "PIECE_PAGES", 5)  # so that there is time in which to write
    writer, over, count = GroupWriter(engine, lambda _effects: None), threading.Event(), 0
    committed: list[int] = []

    def write() -> None:
        number = 0
        while not over.is_set():
            number += 1
            writer.submit(partial(insert, number)).result(10)
            committed.append(number)

    people = threading.Thread(target=write)
    people.start()
    eventually(lambda: len(committed) > 20)
    before = len(committed)
    made = backup(settings, tmp_path / "b.sqlite", whole=False, force=False)
    count = len(committed)
    over.set()
    people.join()
    writer.close()
    held = noted(made.file)
    assert held == list(range(1, len(held) + 1))
    assert before <= len(held) <= count + 1
    assert count > before, "somebody wrote meanwhile, or this test shows nothing"
    assert made.file.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(("-wal", "-shm"))] == []


def test_a_backup_comes_back_and_what_was_there_is_kept(
    settings: Settings, engine: Engine, database: Path, tmp_path: Path
) -> None:
    note(engine, 1)
    made = backup(settings, None, whole=False, force=False)
    assert made.file.parent == settings.home / "backups"
    note(engine, 2)
    engine.dispose()
    (settings.home / "valkey" / "appendonlydir").mkdir(parents=True)
    with pytest.raises(SettingsError, match="0 answers and 1 entries of the log came later"):
        restore(settings, made.file, force=False)
    assert noted(database) == [1, 2]
    done = restore(settings, made.file, force=True)
    assert noted(database) == [1]
    assert done.aside is not None
    assert noted(done.aside) == [1, 2]
    assert not (settings.home / "valkey").exists(), "the sweep makes the queues anew"
    assert database.stat().st_mode & 0o077 == 0
    assert [path.name for path in settings.home.glob(".restoring-*")] == []
    note(engine, 3)
    assert noted(database) == [1, 3]


def test_nothing_is_restored_while_somebody_has_the_database_open(
    settings: Settings, engine: Engine, database: Path
) -> None:
    made = backup(settings, None, whole=False, force=False)
    note(engine, 1)  # and the connection stays in the pool, as in a process that waits for work
    with pytest.raises(SettingsError, match="stop all of them first"):
        restore(settings, made.file, force=True)
    assert noted(database) == [1]


def test_nothing_is_restored_while_lightwork_up_runs(settings: Settings, database: Path) -> None:
    made = backup(settings, None, whole=False, force=False)
    with only_one(settings.home), pytest.raises(SettingsError, match="already running"):
        restore(settings, made.file, force=True)


def test_nothing_is_restored_while_a_valkey_runs(settings: Settings, database: Path) -> None:
    made = backup(settings, None, whole=False, force=False)
    server = start(settings.home, "valkey")
    try:
        eventually((settings.home / "valkey" / "url").exists)
        with pytest.raises(SettingsError, match="Valkey is running"):
            restore(settings, made.file, force=True)
    finally:
        end(server)


def test_a_whole_backup_brings_uploads_models_and_the_key_to_another_machine(
    settings: Settings, database: Path, tmp_path: Path
) -> None:
    for place in ("media/ab/abcd", "models/run-1/model.safetensors", "media/.draft-1", "exports/x.csv"):
        (settings.home / place).parent.mkdir(parents=True, exist_ok=True)
        (settings.home / place).write_text(place)
    (settings.home / "secret_key").write_text("old key")
    made = backup(settings, tmp_path / "all.tar", whole=True, force=False)
    elsewhere = load_settings(LIGHTWORK_HOME=tmp_path / "elsewhere", _env_file=None)
    elsewhere.home.mkdir()
    (elsewhere.home / "secret_key").write_text("another key")
    assert restore(elsewhere, made.file, force=False).aside is None
    found = {path.relative_to(elsewhere.home).as_posix() for path in elsewhere.home.rglob("*") if path.is_file()}
    kept = {name for name in found if name.startswith("secret_key.before-")}
    assert found - kept == {"media/ab/abcd", "models/run-1/model.safetensors", "secret_key", "lightwork.sqlite", "lock"}
    assert (elsewhere.home / "secret_key").read_text() == "old key"
    assert [(elsewhere.home / name).read_text() for name in kept] == ["another key"]


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "media/../../outside", "other"])
def test_an_archive_that_reaches_outside_is_refused(name: str, settings: Settings, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(name), BytesIO())
    with pytest.raises(SettingsError, match="no part of a backup"):
        restore(settings, tmp_path / "evil.tar", force=True)
    assert not (tmp_path / "outside").exists()


def test_a_link_in_an_archive_is_refused(settings: Settings, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        link = tarfile.TarInfo("media/x")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(SettingsError, match="no part of a backup"):
        restore(settings, tmp_path / "evil.tar", force=True)


def test_a_damaged_backup_changes_nothing(settings: Settings, database: Path, tmp_path: Path) -> None:
    made = backup(settings, tmp_path / "b.sqlite", whole=False, force=False)
    content = bytearray(made.file.read_bytes())
    content[5000:9000] = bytes(4000)
    made.file.write_bytes(content)
    before = database.read_bytes()
    with pytest.raises(SettingsError, match=r"no sound database|could not be copied"):
        restore(settings, made.file, force=True)
    assert database.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"words", b"SQLite format 3\0"])
def test_what_is_no_backup_is_refused(content: bytes, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(SettingsError, match=r"no sound database|could not be copied"):
        restore(settings, tmp_path / "file", force=True)
    with pytest.raises(SettingsError, match="There is no backup at"):
        restore(settings, tmp_path / "missing", force=True)


def test_a_damaged_database_is_put_aside(settings: Settings, database: Path) -> None:
    made = backup(settings, None, whole=False, force=False)
    database.write_bytes(b"nonsense" * 1000)
    done = restore(settings, made.file, force=False)
    assert noted(database) == []
    assert done.aside is not None
    assert done.aside.read_bytes().startswith(b"nonsense")


def test_a_backup_of_a_newer_version_is_refused(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    made = backup(settings, tmp_path / "b.sqlite", whole=False, force=False)
    engine.dispose()
    with pytest.raises(SettingsError, match=r"newer version of Lightwork \(database 9999\)"):
        restore(settings, made.file, force=True)


def test_a_file_that_is_there_is_replaced_only_where_that_is_said(settings: Settings, database: Path) -> None:
    target = settings.home / "b.sqlite"
    target.write_text("mine")
    with pytest.raises(SettingsError, match="--force"):
        backup(settings, target, whole=False, force=False)
    assert target.read_text() == "mine"
    backup(settings, target, whole=False, force=True)
    assert noted(target) == []
    for same in (database, settings.home / "link.sqlite"):
        if same != database:
            same.hardlink_to(database)
        with pytest.raises(SettingsError, match="this command reads; choose another name"):
            backup(settings, same, whole=False, force=True)


def test_a_place_that_cannot_be_written_is_a_sentence(settings: Settings, database: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("file", "away"):
        with pytest.raises(SettingsError, match=r"there is no folder .*make it first"):
            backup(settings, tmp_path / folder / "b.sqlite", whole=False, force=False)
    assert not (tmp_path / "away").exists()


@pytest.mark.parametrize("options", [(), ("--whole",)])
def test_a_kill_leaves_nothing_half_written(
    settings: Settings, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    def killed(_file: Path) -> None:
        assert list(folder.iterdir()), "it is being written"
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("core.cli._settings", lambda **_: settings)
    monkeypatch.setattr("core.cli.backup.verify", killed)
    arguments = ["backup", str(folder / "b"), *options]
    assert CliRunner().invoke(main, arguments).exit_code == 128 + signal.SIGTERM
    assert list(folder.iterdir()) == []


def test_a_home_that_cannot_take_backups_is_a_sentence(settings: Settings, database: Path) -> None:
    (settings.home / "backups").touch()
    with pytest.raises(SettingsError, match=r"backups cannot be made \(File exists\)"):
        backup(settings, None, whole=False, force=False)


def test_postgresql_is_told_how(settings: Settings) -> None:
    settings.database_url = "postgresql://ann:secret@db.example.org/lightwork"
    for attempt in (
        lambda: backup(settings, None, whole=False, force=False),
        lambda: restore(settings, Path("x"), force=False),
    ):
        with pytest.raises(SettingsError) as refused:
            attempt()
        said = str(refused.value)
        assert "pg_dump --format=custom --file=lightwork.dump 'postgresql://ann@db.example.org/lightwork'" in said
        assert "pg_restore --clean" in said
        assert "secret" not in said


def test_without_a_database_there_is_nothing_to_back_up(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="There is no database at"):
        backup(settings, None, whole=False, force=False)
    assert list(settings.home.iterdir()) == []
