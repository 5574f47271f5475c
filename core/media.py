"""Content-addressed files under the home: a file is named by the SHA-256 of its bytes and never changes."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.config import Settings

BLOCK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Media:
    """A stored file: hash of its bytes as 64 hexadecimal digits, and their number."""

    sha256: str
    size: int


def media_path(settings: Settings, sha256: str) -> Path:
    """Where the file of this hash lies, whether or not it is there.

    Raises:
        ValueError: `sha256` is not a hash; nothing else may become part of a path.
    """
    if _SHA256.fullmatch(sha256) is None:
        raise ValueError("not a SHA-256 in hexadecimal digits")
    return settings.media_directory / sha256[:2] / sha256


def keep(settings: Settings, path: Path) -> Media:
    """Copy `path` into the media directory, durably and in one stroke; a file that is there already is left alone.

    Call it outside a transaction: it waits for the disk.

    Raises:
        OSError: the file cannot be read, or the home cannot be written.
    """
    with path.open("rb") as source:
        return _keep(settings, source)


def keep_text(settings: Settings, text: str) -> Media:
    """As `keep`, of a text in UTF-8.

    Raises:
        OSError: the home cannot be written.
    """
    return _keep(settings, io.BytesIO(text.encode()))


def _keep(settings: Settings, source: BinaryIO) -> Media:
    directory = settings.media_directory
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(dir=directory, prefix=".draft-")  # mkstemp makes it with mode 0600
    try:
        with os.fdopen(handle, "wb") as target:
            media = _copy(source, target)
            target.flush()
            os.fsync(target.fileno())
        _place(Path(draft), media_path(settings, media.sha256))
    finally:
        Path(draft).unlink(missing_ok=True)
    return media


def _copy(source: BinaryIO, target: BinaryIO) -> Media:
    digest, size = hashlib.sha256(), 0
    while block := source.read(BLOCK_BYTES):
        digest.update(block)
        size += target.write(block)
    return Media(digest.hexdigest(), size)


def _place(draft: Path, final: Path) -> None:
    if final.exists():
        return
    final.parent.mkdir(exist_ok=True, mode=0o700)
    draft.replace(final)
    for directory in (final.parent, final.parent.parent):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)  # without it a crash may forget the name though the bytes are on disk
        finally:
            os.close(handle)
