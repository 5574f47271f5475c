"""Known labels in a file of their own: matched with the items of another file by id, or else by text."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InvalidInput
from core.importing.checks import KnownLabels, clean_text
from core.importing.formats import formats
from core.importing.receive import Received
from core.importing.rows import Dialect, Row
from core.importing.values import is_label
from core.labels import LabelSchema

MAX_KNOWN = 100_000
LINES_NAMED = 5
MAX_EXAMPLE = 60
"""Characters of an id or a text that is named as an example."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """Which column of which upload says what. Kept as JSON in the mapping of a batch, under "known"."""

    upload: str
    """Its public id."""
    key: str
    """The column by which items are found."""
    label: str
    by_id: bool
    """Whether `key` holds ids; else it holds texts."""
    explanation: str | None = None
    """The column that says why a label is the right one."""

    def to_json(self) -> dict[str, Any]:
        """JSON for `Batch.mapping`."""
        columns = {"upload": self.upload, "key": self.key, "label": self.label, "by_id": self.by_id}
        return columns if self.explanation is None else columns | {"explanation": self.explanation}


def match_known(received: Received, upload: str, mapping: Mapping[str, Any]) -> KnownFile:
    """How a file of known labels fits a file of items with this `mapping`.

    Raises:
        InvalidInput: known_file_unclear, with the columns that there are.
    """
    label = received.gold_column or _only_other(received)
    if label is not None and mapping.get("id") is not None and received.id_column not in (None, label):
        return KnownFile(upload, str(received.id_column), label, by_id=True, explanation=received.explanation_column)
    if label is not None and received.text_column not in (None, label):
        return KnownFile(upload, str(received.text_column), label, by_id=False, explanation=received.explanation_column)
    raise InvalidInput("known_file_unclear", columns=list(received.columns)[:30])


def _only_other(received: Received) -> str | None:
    """The one column beside the text or the id, where there is just one."""
    taken = (received.text_column, received.id_column, received.explanation_column)
    rest = [name for name in received.columns if name not in taken]
    return rest[0] if len(rest) == 1 else None


@dataclass(frozen=True, slots=True)
class ItemsFile:
    """The file of items that known labels are for: where it stands, how it is read, and the labels of its job."""

    path: Path
    format: str
    dialect: Dialect
    mapping: Mapping[str, Any]
    schema: LabelSchema


@dataclass(frozen=True, slots=True)
class Matched:
    """How a file of known labels fits a file of items.

    rows: known labels in it. used: of them, those of an item. missing: how many are of none; lines: of the first such,
    and `example`, by what the first one was looked for. labels: names that the file gives, each once.
    """

    file: KnownFile
    rows: int
    used: int
    missing: int = 0
    lines: tuple[int, ...] = ()
    example: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of known labels."""

    line: int
    label: str
    explanation: str


def compare(received: Received, path: Path, items: ItemsFile) -> Matched:
    """Match known labels with items. Both files are read through: call it outside a transaction.

    Raises:
        InvalidInput: as `match_known`; known_label_unknown, where a label is none of the job's; known_file_strange,
            where no known label belongs to an item.
    """
    file = match_known(received, "", items.mapping)
    entries = _entries(path, received.format, received.dialect, file)
    for entry in entries.values():
        if not is_label(entry.label, items.schema):
            names = [label.name for label in items.schema.labels]
            raise InvalidInput("known_label_unknown", line=entry.line, label=entry.label[:MAX_EXAMPLE], labels=names)
    missing = _without_items(entries, items, by_id=file.by_id)
    if len(missing) == len(entries):
        line, key = next(((entry.line, key) for key, entry in entries.items()), (0, ""))
        raise InvalidInput("known_file_strange", column=file.key, line=line, key=key[:MAX_EXAMPLE])
    lines = tuple(entry.line for entry in missing.values())
    example = next(iter(missing), "")[:MAX_EXAMPLE]
    labels = tuple(dict.fromkeys(entry.label for entry in entries.values()))
    return Matched(file, len(entries), len(entries) - len(missing), len(missing), lines[:LINES_NAMED], example, labels)


def _without_items(entries: Mapping[str, _Entry], items: ItemsFile, *, by_id: bool) -> dict[str, _Entry]:
    column = items.mapping["id"] if by_id else items.mapping["text"]
    missing = dict(entries)
    with closing(formats()[items.format].rows(items.path, items.dialect)) as rows:
        for row in rows:
            if not missing:
                break
            if isinstance(row, Row):
                missing.pop(clean_text(row.values.get(column, "")), None)
    return missing


def _entries(path: Path, file_format: str, dialect: Dialect, file: KnownFile) -> dict[str, _Entry]:
    """The rows that give a label, by id or text, at most `MAX_KNOWN`; of those with one key the last counts."""
    found: dict[str, _Entry] = {}
    with closing(formats()[file_format].rows(path, dialect)) as rows:
        for row in rows:
            if len(found) == MAX_KNOWN:
                break
            key = clean_text(row.values.get(file.key, "")) if isinstance(row, Row) else ""
            if isinstance(row, Row) and key and (label := row.values.get(file.label, "").strip()):
                why = row.values.get(file.explanation, "").strip() if file.explanation else ""
                found[key] = _Entry(row.line, label, why)
    return found


def read_known(path: Path, file_format: str, dialect: Dialect, file: KnownFile) -> KnownLabels:
    """Names of labels by id or text, at most `MAX_KNOWN`; of rows with one key the last counts.

    Raises:
        InvalidInput: the file is broken. FileNotFoundError: it is gone.
    """
    entries = _entries(path, file_format, dialect, file)
    names = {key: entry.label for key, entry in entries.items()}
    explanations = {key: entry.explanation for key, entry in entries.items() if entry.explanation}
    return KnownLabels(file.by_id, names, explanations)
