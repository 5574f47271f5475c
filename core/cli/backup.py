"""`lightwork backup`: one verified file, made while everything runs.

The database is copied from a snapshot that a reading transaction holds, so writers neither wait nor make the copy start
anew; what they write meanwhile waits in the write-ahead log. Every commit before the start is in it.
"""

from __future__ import annotations

import os
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from core.cli.output import check_out
from core.clock import now
from core.config import Settings
from core.db import sqlite_file
from core.errors import SettingsError

PIECE_PAGES = 2_000
"""8 MB at once; then the disk is left to the taps for a moment."""
PAUSE_SECONDS = 0.01
BUSY_SECONDS = 30.0
MEMBERS = ("media", "models")
"""Directories of the home that a whole backup holds beside the database and the key of the web chat's cookies."""
DATABASE_MEMBER, KEY_MEMBER = "lightwork.sqlite", "secret_key"


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup."""

    file: Path
    size: int
    seconds: float


def backup(settings: Settings, file: Path | None, *, whole: bool, force: bool) -> Backup:
    """Write a verified backup in one stroke: `file` is there whole, or as it was before.

    Args:
        file: where to; a new name in LIGHTWORK_HOME/backups by default.
        whole: an archive that holds uploads, models and the key of the cookies too.
        force: replace a file that is there.

    Raises:
        SettingsError: the database is not SQLite or not there, the file cannot be written, or the copy is not sound.
    """
    source = sqlite_source(settings)
    target = file or _default(settings, "tar" if whole else "sqlite")
    check_out(target, [source], force=force)
    began = time.monotonic()
    with _in_one_stroke(target) as fresh:
        if whole:
            _archive(settings, source, fresh)
        else:
            copy_database(source, fresh)
    return Backup(target, target.stat().st_size, time.monotonic() - began)


def _default(settings: Settings, ending: str) -> Path:
    """A new name in LIGHTWORK_HOME/backups, which is made where it is not there.

    Raises:
        SettingsError: it cannot be made.
    """
    folder = settings.home / "backups"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be made ({error.strerror}).") from None
    return folder / f"lightwork-{now():%Y%m%d-%H%M%S}.{ending}"


def sqlite_source(settings: Settings) -> Path:
    """The file of the database.

    Raises:
        SettingsError: there is none: it is PostgreSQL, or was never made. The sentence says what to do.
    """
    source = sqlite_file(settings)
    if source is None:
        url = make_url(settings.sqlalchemy_url)
        shown = URL.create("postgresql", url.username, None, url.host, url.port, url.database)  # without the password
        address = shown.render_as_string()
        raise SettingsError(
            "The database is PostgreSQL, which brings its own tools. Back it up with: "
            f"pg_dump --format=custom --file=lightwork.dump '{address}' "
            "and bring it back, after all processes were stopped, with: "
            f"pg_restore --clean --if-exists --single-transaction --dbname='{address}' lightwork.dump "
            f"Copy {settings.home} along: uploads and models lie there."
        )
    if not source.exists():
        raise SettingsError(f"There is no database at {source.absolute()}.")
    return source


def copy_database(source: Path, target: Path) -> None:
    """Copy a database that is in use into a new file that stands by itself, and verify the copy.

    Raises:
        SettingsError: it cannot be read or written, or is not sound.
    """
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as live,
            closing(sqlite3.connect(target)) as copy,
        ):
            live.isolation_level = None
            live.execute("BEGIN")
            live.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on the snapshot is held
            live.backup(copy, pages=PIECE_PAGES, sleep=PAUSE_SECONDS, progress=lambda *_: time.sleep(PAUSE_SECONDS))
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, readable also where nothing can be written beside it
    except sqlite3.Error as error:
        raise SettingsError(f"The database could not be copied: {error}.") from None
    verify(target)


def verify(file: Path) -> None:
    """Read a database to its last page.

    Raises:
        SettingsError: it is damaged, or none of Lightwork's.
    """
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        found = [str(error)]
    if found != ["ok"]:
        raise SettingsError(f"{file.name} is no sound database of Lightwork: {'; '.join(found)}.")


def _archive(settings: Settings, source: Path, target: Path) -> None:
    """The database first: every file that it names was there before it, and files never change."""
    copied = target.with_name(f"{target.name}.sqlite")
    try:
        copy_database(source, copied)
        with tarfile.open(target, "x", format=tarfile.PAX_FORMAT) as archive:
            archive.add(copied, DATABASE_MEMBER)
            for path in _files(settings.home):
                with suppress(FileNotFoundError):  # removed meanwhile, as models and uploads are when nobody needs them
                    archive.add(path, path.relative_to(settings.home).as_posix(), recursive=False, filter=_anonymous)
    finally:
        copied.unlink(missing_ok=True)


def _files(home: Path) -> Iterator[Path]:
    """What belongs into a whole backup; not what is half written, which has a hidden name or lies in a hidden place."""
    if (home / KEY_MEMBER).is_file():
        yield home / KEY_MEMBER
    for name in MEMBERS:
        for path in sorted((home / name).rglob("*")):
            inside = path.relative_to(home)
            if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in inside.parts):
                yield path


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


@contextmanager
def _in_one_stroke(target: Path) -> Iterator[Path]:
    """A new name beside `target`, which takes its place once the block has ended well and the disk has it."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield fresh
        fresh.chmod(0o600)
        sync(fresh)
        fresh.replace(target)
        sync(target.parent)
    except OSError as error:
        raise SettingsError(f"{target} could not be written ({error.strerror}).") from None
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until the disk has a file, or the names in a directory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
