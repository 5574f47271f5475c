"""What a file format gives: rows and bad rows, with the line on which each begins; and what a format must provide."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

MAX_ROW_CHARACTERS = 200_000
MAX_COLUMNS = 1_000
MAX_COLUMN_NAME = 100
BAD_ROWS_NAMED = 20
"""How many bad rows are named; all are counted."""


class Row(NamedTuple):  # a third of the cost of a frozen dataclass, and there are millions of them
    """One good row. `line` is the physical line, from 1, on which it begins; `values` are texts by column."""

    line: int
    values: Mapping[str, str]
    whole: Mapping[str, Any] | None = None
    """The object as it stands in the file, where a format has objects."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be used, with the code and parameters of the sentence that says why."""

    line: int
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As kept in `Batch.bad_rows`: {"line": 7, "code": "empty_text", "params": {...}}."""
        return {"line": self.line, "code": self.code, "params": dict(self.params)}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one file is to be read: found out once, kept with the upload, used by every later reading."""

    encoding: str
    columns: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the format needs besides, for example {"delimiter": ";"}; `rows`, about how many there are, if it knows."""

    @property
    def has_header(self) -> bool:
        """Whether a row of the file was taken for the names of the columns."""
        return bool(self.options.get("header"))

    def to_json(self) -> dict[str, Any]:
        """JSON for `Upload.dialect`."""
        return {"encoding": self.encoding, "columns": list(self.columns), "options": dict(self.options)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Dialect:
        """What `to_json` gave; further keys are left alone."""
        return cls(str(data["encoding"]), tuple(data["columns"]), dict(data["options"]))


class Format(Protocol):
    """What a module `core/importing/<format>_file.py` provides. A new format is one new file with these names."""

    FORMAT: str
    STARTS: tuple[bytes, ...]
    """First bytes of a file that is no text, by which alone it is known; none for text."""

    def likelihood(self, extension: str, head: Sequence[str]) -> float:
        """How surely a file with this extension and these first lines is of this format, 0.0 to 1.0."""

    def detect(self, path: Path, encoding: str, extension: str) -> Dialect:
        """Find out columns and options from the first rows; raises InvalidInput where the whole file is of no use."""

    def rows(self, path: Path, dialect: Dialect) -> Generator[Row | BadRow]:
        """All rows in order, in bounded memory; raises InvalidInput only where the file as a whole is of no use."""

    def most_rows(self, path: Path) -> int:
        """As many rows, good or bad, as the file could have at most, without reading it."""
