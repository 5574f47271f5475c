"""`lightwork restore`: put a backup in the place of the database, and keep what was there.

The last step is one renaming. Until then nothing of the database is touched; after it the queues are forgotten, because
the sweep makes them anew from what the database says.
"""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.cli.backup import DATABASE_MEMBER, KEY_MEMBER, MEMBERS, copy_database, sqlite_source, sync, verify
from core.clock import now
from core.config import Settings
from core.db import sqlite_file
from core.embedded import valkey_directory
from core.errors import SettingsError
from core.schema import is_newer
from core.supervisor import only_one

LOCK_SECONDS = 1.0
BESIDE = ("", "-wal", "-shm")
"""A database that nobody could close may have its last commits in the file of this suffix."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was done. aside: where the database that was there lies now; nothing where there was none."""

    database: Path
    aside: Path | None
    queues_elsewhere: bool
    """The queues are in a Redis of your own, which was left as it is."""


def restore(settings: Settings, file: Path, *, force: bool) -> Restored:
    """Bring a backup back: a database, or an archive with uploads, models and key.

    Args:
        force: also where the database in use holds what the backup does not.

    Raises:
        SettingsError: something of Lightwork runs, the backup is not sound or of a newer version, or it is older than
            the database in use and `force` is not given. Nothing has changed then.
    """
    target = sqlite_file(settings) or sqlite_source(settings)
    if not file.is_file():
        raise SettingsError(f"There is no backup at {file}.")
    with only_one(settings.home), _no_valkey(settings.home), _workplace(settings.home) as workplace:
        fresh = _unpacked(file, workplace)
        _check(fresh)
        with _alone_with(target) as live:
            if live is not None and not force:
                _refuse_to_lose(live, fresh)
            _bring_files(workplace, settings.home)
            aside = _swap(fresh, target)
        shutil.rmtree(valkey_directory(settings.home), ignore_errors=True)
    return Restored(target, aside, bool(settings.redis_url))


def _unpacked(file: Path, workplace: Path) -> Path:
    """The database of a backup as a file of its own; what else an archive holds lies beside it.

    Raises:
        SettingsError: the file is neither a database nor one of our archives.
    """
    fresh = workplace / DATABASE_MEMBER
    if not tarfile.is_tarfile(file):
        copy_database(file, fresh)
        return fresh
    with tarfile.open(file) as archive:
        for member in archive:
            place = PurePosixPath(member.name)
            ours = member.name in (DATABASE_MEMBER, KEY_MEMBER) or place.parts[0] in MEMBERS
            if not (ours and member.isfile()) or place.is_absolute() or ".." in place.parts:
                raise SettingsError(f"{file.name} holds {member.name!r}, which is no part of a backup of Lightwork.")
            content = archive.extractfile(member)
            if content is None:
                continue
            (workplace / place).parent.mkdir(parents=True, exist_ok=True)
            with content, (workplace / place).open("wb") as out:
                shutil.copyfileobj(content, out)
    if not fresh.exists():
        raise SettingsError(f"{file.name} holds no database of Lightwork.")
    return fresh


def _check(fresh: Path) -> None:
    verify(fresh)
    with closing(sqlite3.connect(fresh)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
    if is_newer(str(revision)):
        raise SettingsError(f"The backup is of a newer version of Lightwork (database {revision}); install that first.")


def _refuse_to_lose(live: sqlite3.Connection, fresh: Path) -> None:
    """Raises `SettingsError` where the database in use holds answers or acts that the backup does not."""
    try:
        lost = {table: _later(live, fresh, table) for table in ("annotation", "log_entry")}
    except sqlite3.Error:  # damaged, or never migrated: nothing to lose that could be counted
        return
    if any(lost.values()):
        raise SettingsError(
            f"The database in use is newer than the backup: {lost['annotation']} answers and {lost['log_entry']} "
            "entries of the log came later. Restore all the same with --force; the database of now is kept beside."
        )


def _later(live: sqlite3.Connection, fresh: Path, table: str) -> int:
    with closing(sqlite3.connect(fresh)) as backup:
        (last,) = backup.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()  # noqa: S608 (our own names)
    (count,) = live.execute(f"SELECT count(*) FROM {table} WHERE id > ?", (last,)).fetchone()  # noqa: S608
    return int(count)


def _bring_files(workplace: Path, home: Path) -> None:
    """Uploads and models that are missing, and the key; a key that was there is kept beside."""
    for name in MEMBERS:
        for path in sorted((workplace / name).rglob("*")):
            place = home / path.relative_to(workplace)
            if path.is_file() and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                path.replace(place)
    key = workplace / KEY_MEMBER
    if key.exists():
        if (home / KEY_MEMBER).exists() and (home / KEY_MEMBER).read_bytes() != key.read_bytes():
            (home / KEY_MEMBER).replace(_beside(home / KEY_MEMBER))
        key.chmod(0o600)
        key.replace(home / KEY_MEMBER)


def _swap(fresh: Path, target: Path) -> Path | None:
    """The new database in the place of the old one, which is moved aside; where to."""
    aside = _beside(target) if target.exists() else None
    for suffix in BESIDE:
        part = target.with_name(target.name + suffix)
        if aside is not None and part.exists():
            part.replace(aside.with_name(aside.name + suffix))
    fresh.chmod(0o600)
    sync(fresh)
    fresh.replace(target)
    sync(target.parent)
    return aside


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.before-{now():%Y%m%d-%H%M%S}")


@contextmanager
def _workplace(home: Path) -> Iterator[Path]:
    """A directory on the same disk, so that what is made in it can be renamed into its place."""
    with tempfile.TemporaryDirectory(prefix=".restoring-", dir=home) as name:
        yield Path(name)


@contextmanager
def _alone_with(target: Path) -> Iterator[sqlite3.Connection | None]:
    """Keep everybody else out of the database; nothing where there is none, or one too damaged to be read.

    A process that has it open in WAL mode holds a lock all the time.

    Raises:
        SettingsError: a process has it open.
    """
    if not target.exists():
        yield None
        return
    with closing(sqlite3.connect(target, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()  # brings in what lies in the write-ahead log
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise SettingsError(f"A process of Lightwork has {target} open; stop all of them first.") from None
            yield None
        except sqlite3.DatabaseError:
            yield None
        else:
            yield connection


@contextmanager
def _no_valkey(home: Path) -> Iterator[None]:
    """Keep the embedded Valkey from starting meanwhile.

    Raises:
        SettingsError: it runs.
    """
    directory = valkey_directory(home)
    if not directory.exists():
        yield
        return
    with (directory / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"An embedded Valkey is running in {directory}; stop it first.") from None
        yield
