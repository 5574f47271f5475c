"""Writing an export: whole or not at all, readable by its owner alone."""

from __future__ import annotations

import importlib
import os
import pkgutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol, cast

from sqlalchemy.orm import Session

import core.exporting
from core.errors import InvalidInput
from core.exporting.rows import KINDS
from core.models import Project


class ExportFormat(Protocol):
    """What a module `core/exporting/<format>_file.py` provides. A new format is one new file with these names."""

    FORMAT: str
    EXTENSION: str
    MEDIA_TYPE: str

    def write(self, path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write all rows into an existing file in bounded memory; returns their number."""


@dataclass(frozen=True, slots=True)
class ExportInfo:
    """What was written."""

    rows: int
    path: Path
    media_type: str
    created_at: datetime


@cache
def export_formats() -> dict[str, ExportFormat]:
    """All formats by name."""
    names = [module.name for module in pkgutil.iter_modules(core.exporting.__path__) if module.name.endswith("_file")]
    found = [cast(ExportFormat, importlib.import_module(f"core.exporting.{name}")) for name in sorted(names)]
    return {module.FORMAT: module for module in found}


def write_export(session: Session, project: Project, kind: str, format: str, path: Path, now: datetime) -> ExportInfo:
    """Write what `kind` says of a project to `path`, replacing what lay there only when all is on disk.

    Give it a session that only reads: it may take long. The caller has checked that the project is of the workspace.

    Args:
        kind: "labels" (decided items) or "annotations" (every answer under pseudonyms).
        format: "csv" or "jsonl".

    Raises:
        InvalidInput: unknown_export or unknown_format, with what there is.
        OSError: the directory cannot be written.
    """
    if kind not in KINDS:
        raise InvalidInput("unknown_export", kind=kind[:40], kinds=sorted(KINDS))
    writer = export_formats().get(format)
    if writer is None:
        raise InvalidInput("unknown_format", format=format[:40], formats=sorted(export_formats()))
    row_type, stream = KINDS[kind]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".draft-")  # mkstemp makes it with mode 0600
    os.close(handle)
    draft = Path(name)
    try:
        rows = writer.write(draft, row_type._fields, stream(session, project))
        _sync(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return ExportInfo(rows, path, writer.MEDIA_TYPE, now)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
