"""JSON Lines: one object a line. Nested objects become columns with dotted names, such as "data.text"."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from core.errors import InvalidInput
from core.importing.lines import Line, read_lines
from core.importing.rows import MAX_COLUMN_NAME, MAX_COLUMNS, MAX_ROW_CHARACTERS, BadRow, Dialect, Row

FORMAT = "jsonl"
STARTS = ()
SAMPLE_ROWS = 1_000
MAX_DEPTH = 3
"""Objects nested deeper are kept as JSON text."""
_HALF_PAIR = re.compile("[\ud800-\udfff]")


def likelihood(extension: str, head: Sequence[str]) -> float:
    """Sure where the first lines begin like JSON, whatever the name; 0.4 by name alone, or where none can be read."""
    starts = [line.lstrip()[:1] for line in head if line.strip()]
    named = extension in (".jsonl", ".ndjson", ".json")
    if starts and sum(start in ("{", "[") for start in starts) * 2 >= len(starts):
        return 1.0 if named or starts[0] == "{" else 0.3
    return 0.4 if named and ("{" in starts or not starts) else 0.0


def detect(path: Path, encoding: str, extension: str) -> Dialect:  # noqa: ARG001 (part of the protocol)
    """Columns from the first 1,000 rows, in the order in which they first appear.

    Raises:
        InvalidInput: json_array for one big array, no_good_row where no line is an object, too_many_columns.
    """
    columns: dict[str, None] = {}
    objects = 0
    bad_rows: list[BadRow] = []
    with closing(rows(path, Dialect(encoding, ()))) as found:
        for row in islice(found, SAMPLE_ROWS):
            if isinstance(row, BadRow):
                bad_rows.append(row)
            else:
                objects += 1
                columns.update(dict.fromkeys(row.values))
            if len(columns) > MAX_COLUMNS:
                raise InvalidInput("too_many_columns", count=len(columns), limit=MAX_COLUMNS)
    if len(bad_rows) > objects and _begins_with_array(path, encoding):
        raise InvalidInput("json_array")
    if not columns:
        bad = next(iter(bad_rows), BadRow(1, "empty_text"))
        raise InvalidInput("no_good_row", line=bad.line, problem=bad.code, **bad.params)
    return Dialect(encoding, tuple(columns))


def rows(path: Path, dialect: Dialect) -> Generator[Row | BadRow]:
    """All rows. Blank lines are no rows; a column that an object lacks is absent from its values."""
    with closing(read_lines(path, dialect.encoding)) as lines:
        for line in lines:
            if line.problem or line.text.strip():
                yield _row(line)


def most_rows(path: Path) -> int:
    """One for each byte: each row has an end, or is the last."""
    return path.stat().st_size


def _row(line: Line) -> Row | BadRow:
    if line.problem:
        params = {"limit": MAX_ROW_CHARACTERS} if line.problem == "line_too_long" else {}
        return BadRow(line.number, line.problem, params)
    try:
        value = json.loads(line.text, parse_constant=_refuse)
    except (ValueError, RecursionError):  # a few thousand brackets exhaust the parser's stack
        return BadRow(line.number, "invalid_json")
    if not isinstance(value, dict):
        return BadRow(line.number, "not_an_object")
    values = dict(_flatten(value, "", 1))
    if "\\u" in line.text and (problem := _escaped_problem("".join((*values, *values.values())))):
        return BadRow(line.number, problem)
    return Row(line.number, values, value)


def _escaped_problem(text: str) -> str:
    """What an escape has put into `text` that no database takes: a NUL, or half of a surrogate pair."""
    if "\0" in text:
        return "nul_byte"
    return "" if text.isascii() or not _HALF_PAIR.search(text) else "undecodable"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _flatten(value: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    for key, part in value.items():
        name = (prefix + " ".join(key.split()))[:MAX_COLUMN_NAME]
        if isinstance(part, dict) and depth < MAX_DEPTH:
            yield from _flatten(part, name + ".", depth + 1)
        else:
            yield name, _text(part)


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _begins_with_array(path: Path, encoding: str) -> bool:
    """Whether one array goes on over all lines, or fills the only one; elsewhere a row may be one."""
    with closing(read_lines(path, encoding)) as lines:
        texts = list(islice((line.text.strip() for line in lines if line.text.strip()), 2))
    return bool(texts) and texts[0].startswith("[") and not (len(texts) > 1 and _is_json(texts[0]))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
