"""CSV as spreadsheets and scripts write it: RFC 4180 with any of four delimiters, read with bounds and line numbers.

The reader of the standard library cannot name the line of a broken record, nor go on behind it, so this is a reader of
its own. A record that is not well-formed is one bad row for its first line; the lines behind it are read one by one, so
that a stray quotation mark costs one row and not the rest of the file. The apostrophe that an export puts in front of
what a spreadsheet would run is taken away again.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from core.cells import unguarded
from core.errors import InvalidInput
from core.importing.columns import column_names
from core.importing.lines import Line, read_lines
from core.importing.rows import MAX_COLUMNS, MAX_ROW_CHARACTERS, BadRow, Dialect, Row

FORMAT = "csv"
STARTS = ()
DELIMITERS = (",", ";", "\t", "|")
TABBED = (".tsv", ".tab")
SAMPLE_RECORDS = 100
SAMPLE_CHARACTERS = 1_000_000
PLAIN = {"delimiter": "", "quotes": False, "header": False}
"""Options of a .txt file: each line is one text, commas and quotation marks included."""

_QUOTE = re.compile(r' *"')
Record = tuple[int, list[str]]


def likelihood(extension: str, head: Sequence[str]) -> float:  # noqa: ARG001 (part of the protocol)
    """0.6 by name; 0.2 for anything else, as every text can be read as CSV."""
    return 0.6 if extension in (".csv", ".txt", *TABBED) else 0.2


def detect(path: Path, encoding: str, extension: str) -> Dialect:
    """Delimiter and header from the first rows. A .txt file whose first line has no tab is one text a line.

    Raises:
        InvalidInput: empty_file, no_rows, bad_header or too_many_columns.
    """
    head = _first_lines(path, encoding)
    if not head:
        raise InvalidInput("empty_file")
    if extension == ".txt" and "\t" not in head[0].text:
        return Dialect(encoding, ("text",), PLAIN)
    if head[0].problem:
        raise _bad_header(_bad_line(head[0]))
    tabbed = extension in TABBED and "\t" in head[0].text
    delimiter = "\t" if tabbed else _find_delimiter(head)
    header = next(_records(iter(head), delimiter), None)
    if not isinstance(header, tuple):
        raise _bad_header(header or BadRow(head[0].number, "empty_text"))
    if len(header[1]) > MAX_COLUMNS:
        raise InvalidInput("too_many_columns", count=len(header[1]), limit=MAX_COLUMNS)
    columns = column_names(map(unguarded, header[1]))
    return Dialect(encoding, columns, {"delimiter": delimiter, "quotes": True, "header": True})


def _first_lines(path: Path, encoding: str) -> list[Line]:
    head: list[Line] = []
    characters = 0
    with closing(read_lines(path, encoding)) as lines:
        for line in islice(lines, 10 * SAMPLE_RECORDS):
            if line.problem or line.text.strip():
                head.append(line)
            characters += len(line.text)
            if characters > SAMPLE_CHARACTERS:
                break
    return head


def rows(path: Path, dialect: Dialect) -> Generator[Row | BadRow]:
    """All rows behind the header. Blank lines, and lines of delimiters alone, are no rows."""
    columns = dialect.columns
    with closing(read_lines(path, dialect.encoding)) as lines:
        if not dialect.options["quotes"]:
            yield from _plain(lines, columns[0])
            return
        records = _records(lines, dialect.options["delimiter"])
        next(records, None)
        for record in records:
            if isinstance(record, BadRow):
                yield record
            elif len(record[1]) != len(columns):
                yield BadRow(record[0], "wrong_column_count", {"expected": len(columns), "found": len(record[1])})
            else:
                yield Row(record[0], dict(zip(columns, map(unguarded, record[1]), strict=True)))


def most_rows(path: Path) -> int:
    """One for each byte: each row has an end, or is the last."""
    return path.stat().st_size


def _plain(lines: Iterator[Line], column: str) -> Iterator[Row | BadRow]:
    for line in lines:
        if line.problem:
            yield _bad_line(line)
        elif line.text.strip():
            yield Row(line.number, {column: line.text})


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[Record | BadRow]:
    """Records and bad rows in order; never raises for what the lines hold."""
    source = _Rereadable(lines)
    while (line := source.next()) is not None:
        if '"' not in line.text:  # most lines: a record of their own, to be split without a parser
            if line.problem:
                yield _bad_line(line)
                continue
            fields = line.text.split(delimiter) if delimiter else [line.text]
            if _says_something(fields):
                yield line.number, fields
            continue
        parser, span = _RecordParser(delimiter), [line]
        outcome = parser.feed(line.text)
        while outcome == "open" and not source.alone and parser.size <= MAX_ROW_CHARACTERS:
            following = source.next()
            if following is None:
                break
            span.append(following)
            outcome = "broken" if following.problem == "line_too_long" else parser.feed(following.text)
        if outcome == "whole":
            yield from _whole(span, parser.fields, parser.size)
        else:
            yield BadRow(line.number, "unclosed_quote" if outcome == "open" else "bad_quotes")
            source.put_back(span[1:])


def _whole(span: list[Line], fields: list[str], size: int) -> Iterator[Record | BadRow]:
    damaged = next((line for line in span if line.problem), None)
    if damaged is not None:
        yield _bad_line(damaged)
    elif size > MAX_ROW_CHARACTERS + 1:
        yield BadRow(span[0].number, "line_too_long", {"limit": MAX_ROW_CHARACTERS})
    elif _says_something(fields):
        yield span[0].number, fields


def _says_something(fields: Sequence[str]) -> bool:
    return bool("".join(fields).strip())


class _Rereadable:
    """Lines that can be put back. Those put back stand alone, but for the last, which may begin a longer record."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self.alone = False
        """Whether the line that `next` gave last must be a record of its own: so each is read three times at most."""
        self._lines = lines
        self._waiting: deque[Line] = deque()

    def next(self) -> Line | None:
        self.alone = len(self._waiting) > 1
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def put_back(self, lines: Sequence[Line]) -> None:
        self._waiting.extendleft(reversed(lines))


def _bad_header(bad: BadRow) -> InvalidInput:
    return InvalidInput("bad_header", line=bad.line, problem=bad.code, **bad.params)


def _bad_line(line: Line) -> BadRow:
    return BadRow(line.number, line.problem, {"limit": MAX_ROW_CHARACTERS} if line.problem == "line_too_long" else {})


class _RecordParser:
    """Splits one record into fields, line by line; each character is looked at once."""

    def __init__(self, delimiter: str) -> None:
        self.fields: list[str] = []
        self.size = 0
        self._delimiter = delimiter
        self._open: list[str] | None = None

    def feed(self, text: str) -> str:
        """Take one more line: "whole" when the record ends with it, "open" inside quotes, "broken" when malformed."""
        self.size += len(text) + 1
        position = 0
        if self._open is not None:
            self._open.append("\n")
        while True:
            if self._open is None:
                opening = _QUOTE.match(text, position)
                if opening is None:
                    position = self._bare(text, position)
                    if position < 0:
                        return "whole"
                    continue
                self._open, position = [], opening.end()
            position = self._quoted(text, position)
            if position < 0:
                return "open"
            position = _skip_spaces(text, position)
            if position == len(text):
                return "whole"
            if not self._delimiter or text[position] != self._delimiter:
                return "broken"
            position += 1

    def _bare(self, text: str, position: int) -> int:
        """Take the unquoted field at `position`; the position behind its delimiter, or -1 at the end."""
        end = text.find(self._delimiter, position) if self._delimiter else -1
        self.fields.append(text[position:] if end < 0 else text[position:end])
        return -1 if end < 0 else end + 1

    def _quoted(self, text: str, position: int) -> int:
        """Take what is inside quotes; the position behind the closing one, or -1 where the line ends before it."""
        parts = self._open if self._open is not None else []
        while True:
            end = text.find('"', position)
            if end < 0:
                parts.append(text[position:])
                return -1
            parts.append(text[position:end])
            if text[end + 1 : end + 2] != '"':
                self.fields.append("".join(parts))
                self._open = None
                return end + 1
            parts.append('"')
            position = end + 2


def _skip_spaces(text: str, position: int) -> int:
    while text.startswith(" ", position):
        position += 1
    return position


def _find_delimiter(head: list[Line]) -> str:
    """The delimiter that splits the header, and splits most rows into as many fields; empty for a single column."""
    best, best_score = "", (0.0, 0)
    for delimiter in DELIMITERS:
        records = list(islice(_records(iter(head), delimiter), SAMPLE_RECORDS))
        if not records or isinstance(records[0], BadRow):
            continue
        width = len(records[0][1])
        fitting = sum(not isinstance(record, BadRow) and len(record[1]) == width for record in records)
        score = (fitting / len(records), width) if width > 1 else (0.0, 0)
        if score > best_score:
            best, best_score = delimiter, score
    return best
