"""What people know to be accepted: written by them, never read from the database that it is held against."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from core.labels.content import content_hash, text_content


@dataclass(frozen=True, slots=True)
class Entry:
    """One acknowledged answer. item: hash of the item's content; at: ISO 8601 in UTC."""

    person: str
    item: str
    label: str
    at: str


class Journal:
    """A file of JSON lines, one for each acknowledged answer, on disk before the next answer is given."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file = path.open("a", encoding="utf-8")

    def write(self, person: str, text: str, label: str, now: datetime) -> None:
        """Note that `person` was told that `label` for the item with this `text` is accepted."""
        entry = Entry(person, item_key(text), label, now.isoformat())
        self._file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
        self._file.flush()
        self.count += 1

    def close(self) -> None:
        """No more is written."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def read_journal(path: Path) -> Iterator[Entry]:
    """The entries of a journal, in the order in which they were written."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Entry(**json.loads(line))


def item_key(text: str) -> str:
    """By what an item is known outside of the database: the hash of its content."""
    return content_hash(text_content(text))
