"""A first look at a file that a person sent: what it is, which column is which, what is wrong with it. No database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from core.errors import InvalidInput
from core.importing.checks import ColumnMapping, check_row
from core.importing.encodings import Survey, find_encoding, survey
from core.importing.formats import binary_format, find_format
from core.importing.guess import guess
from core.importing.lines import read_lines
from core.importing.rows import BAD_ROWS_NAMED, BadRow, Dialect, Format, Row
from core.importing.values import survey as survey_values

CHECKED_ROWS = 1_000
CHECKED_CHARACTERS = 5_000_000
HEAD_LINES = 20
MAX_NAME = 200
PREVIEW_ROWS = 5
PREVIEW_CHARACTERS = 5_000


@dataclass(frozen=True, slots=True)
class Received:
    """What the first look found out."""

    name: str
    """As the sender called the file, at most 200 characters."""
    size: int
    """Bytes."""
    format: str
    dialect: Dialect
    text_column: str | None
    """None where no column looks like text: then a person has to say which it is."""
    text_candidates: tuple[tuple[str, str], ...]
    """Columns that could be the text, the best first, each with the reason: only_column, name or longest."""
    id_column: str | None
    gold_column: str | None
    gold_values: tuple[str, ...]
    """What the guessed gold column holds in the checked rows, as a proposal for labels."""
    rows: int
    """Number of rows: exact up to 1,000, an estimate beyond."""
    checked_rows: int
    """Rows that were looked at, good and bad: at most 1,000."""
    bad_row_count: int
    """Bad ones among the checked rows."""
    bad_rows: tuple[BadRow, ...]
    """The first bad rows."""
    preview: tuple[Mapping[str, str], ...]
    """The first good rows by column, each value cut to `PREVIEW_CHARACTERS`."""
    explanation_column: str | None = None
    """Which says why a known label is the right one."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """What the columns hold in the checked rows, as `core.importing.values.survey` gives it."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns in their order."""
        return self.dialect.columns

    def to_json(self) -> dict[str, Any]:
        """JSON for `Upload.dialect`: how to read the file, the guesses, and what the first look saw."""
        guesses = {"text": self.text_column, "id": self.id_column, "gold": self.gold_column}
        seen = {
            "candidates": [list(one) for one in self.text_candidates],
            "gold_values": list(self.gold_values),
            "explanation": self.explanation_column,
            "checked": self.checked_rows,
            "bad_count": self.bad_row_count,
            "bad": [row.to_json() for row in self.bad_rows],
            "preview": _first_texts(self.preview, [self.text_column, *(name for name, _ in self.text_candidates)]),
            "values": dict(self.values),
        }
        return {**self.dialect.to_json(), **guesses, "rows": self.rows, "seen": seen}


def _first_texts(preview: Sequence[Mapping[str, str]], columns: Sequence[str | None]) -> dict[str, str]:
    """The first text of the first few of these columns."""
    names = [name for name in dict.fromkeys(columns) if name is not None][:PREVIEW_ROWS]
    return {name: next((row[name] for row in preview if row.get(name, "").strip()), "") for name in names}


def receive(path: Path, name: str) -> Received:
    """Look at the first 1,000 rows of a file. Call it outside a transaction: it reads the whole file once.

    Raises:
        InvalidInput: the whole file is of no use: empty_file, not_text, no_rows, json_array, bad_header,
            too_many_columns, no_good_row, or what the format itself refuses.
    """
    found = survey(path)
    reader, encoding = _reader(path, name, found)
    dialect = reader.detect(path, encoding, Path(name).suffix.lower())
    checked, complete = _first_rows(reader, path, dialect)
    if not checked:
        raise InvalidInput("no_rows")
    good = [row for row in checked if isinstance(row, Row)]
    if not good:
        bad_row = next(row for row in checked if isinstance(row, BadRow))
        raise InvalidInput("no_good_row", line=bad_row.line, problem=bad_row.code, **bad_row.params)
    guessed = guess(dialect.columns, good)
    bad = _bad_rows(checked, ColumnMapping(guessed.text, guessed.id) if guessed.text else None)
    return Received(
        name=_file_name(name),
        size=found.size,
        format=reader.FORMAT,
        dialect=dialect,
        text_column=guessed.text,
        text_candidates=guessed.candidates,
        id_column=guessed.id,
        gold_column=guessed.gold,
        gold_values=guessed.gold_values,
        rows=len(checked) if complete else int(dialect.options.get("rows") or _estimate(found, checked)),
        checked_rows=len(checked),
        bad_row_count=len(bad),
        bad_rows=tuple(bad[:BAD_ROWS_NAMED]),
        preview=tuple(
            {key: value[:PREVIEW_CHARACTERS] for key, value in row.values.items()} for row in good[:PREVIEW_ROWS]
        ),
        explanation_column=guessed.explanation,
        values=survey_values(dialect.columns, _usable(good, bad)),
    )


def _usable(good: Sequence[Row], bad: Sequence[BadRow]) -> list[Row]:
    lines = {row.line for row in bad}
    return [row for row in good if row.line not in lines]


def _first_rows(reader: Format, path: Path, dialect: Dialect) -> tuple[list[Row | BadRow], bool]:
    """The first rows and whether they are all; long rows end the look earlier, so that memory stays bounded."""
    checked: list[Row | BadRow] = []
    characters = 0
    with closing(reader.rows(path, dialect)) as rows:
        for row in rows:
            if len(checked) == CHECKED_ROWS or characters > CHECKED_CHARACTERS:
                return checked, False
            checked.append(row)
            characters += sum(map(len, row.values.values())) if isinstance(row, Row) else 0
    return checked, True


def _reader(path: Path, name: str, found: Survey) -> tuple[Format, str]:
    """The format of a file, and its encoding; empty where it is no text."""
    if (binary := binary_format(found.head)) is not None:
        return binary, ""
    encoding = find_encoding(found)
    with closing(read_lines(path, encoding)) as lines:
        head = [line.text for line in islice(lines, HEAD_LINES)]
    return find_format(name, head), encoding


def _bad_rows(checked: Sequence[Row | BadRow], mapping: ColumnMapping | None) -> list[BadRow]:
    """The bad ones among the checked rows; without a mapping, those that are bad whichever column is the text."""
    bad = []
    for row in checked:
        outcome = row if isinstance(row, BadRow) or mapping is None else check_row(row, mapping, None)
        if isinstance(outcome, BadRow):
            bad.append(outcome)
    return bad


def _estimate(found: Survey, checked: Sequence[Row | BadRow]) -> int:
    """Rows of the whole file, if there are as many per line as in the checked part."""
    first, last = checked[0].line, checked[-1].line
    return max(len(checked), round((found.newlines - first + 1) * len(checked) / (last - first + 1)))


def _file_name(name: str) -> str:
    """The last part of what the sender called the file, in characters that can be shown and stored."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[:MAX_NAME].strip() or "file"
