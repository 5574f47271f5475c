"""JSON Lines in UTF-8: one object a row, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

FORMAT = "jsonl"
EXTENSION = ".jsonl"
MEDIA_TYPE = "application/jsonl"


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write one object a row into an existing file; returns the number of rows."""
    return write_objects(path, (dict(zip(columns, row, strict=True)) for row in rows))


def write_objects(path: Path, objects: Iterable[Mapping[str, Any]]) -> int:
    """Write objects, each with keys of its own, into an existing file; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for one in objects:
            file.write(json.dumps(one, ensure_ascii=False) + "\n")
            count += 1
    return count
