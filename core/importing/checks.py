"""From a row to what becomes an item: the same check when a file is received and when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core.errors import InvalidInput
from core.importing.rows import MAX_ROW_CHARACTERS, BadRow, Row
from core.labels import LabelSchema, id_of_name

MAX_EXTERNAL_ID = 200
MAX_EXPLANATION = 1_000
"""Characters of an explanation that are kept."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column holds the text and, where there are such, the id and the known label."""

    text: str
    id: str | None = None
    gold: str | None = None
    known: Mapping[str, Any] | None = None
    """A file of known labels besides: the JSON of a `core.importing.known.KnownFile`."""
    explanation: str | None = None
    """The column that says why a known label is the right one."""

    def to_json(self) -> dict[str, Any]:
        """JSON for `Batch.mapping`."""
        columns: dict[str, Any] = {"text": self.text, "id": self.id, "gold": self.gold}
        columns |= {} if self.explanation is None else {"explanation": self.explanation}
        return columns if self.known is None else columns | {"known": dict(self.known)}


@dataclass(frozen=True, slots=True)
class KnownLabels:
    """Names of labels that a file of its own gives, by the ids or by the texts of items."""

    by_id: bool
    names: Mapping[str, str]
    explanations: Mapping[str, str] = field(default_factory=dict)


class Candidate(NamedTuple):
    """A row that becomes an item unless there is one with its content."""

    line: int
    text: str
    external_id: str
    gold: str | None
    """Label id, where the row has a known label."""
    explanation: str = ""
    """Why it is that label, at most `MAX_EXPLANATION` characters; empty where nobody said."""


def check_mapping(mapping: Mapping[str, Any], columns: Sequence[str]) -> ColumnMapping:
    """The mapping {"text": column, "id": column or None, "gold": column or None, ...}, checked against the file.

    Raises:
        InvalidInput: column_missing, with the columns that there are.
    """
    for column in (mapping.get("text"), mapping.get("id"), mapping.get("gold")):
        if column is not None and column not in columns:
            raise InvalidInput("column_missing", column=str(column)[:100], columns=list(columns)[:30])
    if mapping.get("text") is None:
        raise InvalidInput("no_text_column", columns=list(columns)[:30])
    explanation = mapping.get("explanation")
    if explanation not in columns or explanation == mapping["text"]:
        explanation = None
    return ColumnMapping(mapping["text"], mapping.get("id"), mapping.get("gold"), mapping.get("known"), explanation)


def check_row(
    row: Row, mapping: ColumnMapping, schema: LabelSchema | None, known: KnownLabels | None = None
) -> Candidate | BadRow:
    """What `row` gives. Without a `schema` the known label is not looked at: a file is received before its project.

    Args:
        known: labels from a file of their own; they go before a column's.
    """
    if mapping.text not in row.values:
        return BadRow(row.line, "text_missing", {"column": mapping.text})
    text = clean_text(row.values[mapping.text])
    if problem := text_problem(text):
        return BadRow(row.line, problem, {"column": mapping.text, "limit": MAX_ROW_CHARACTERS})
    external_id = row.values.get(mapping.id, "").strip() if mapping.id else ""
    if len(external_id) > MAX_EXTERNAL_ID:
        return BadRow(row.line, "id_too_long", {"column": mapping.id, "limit": MAX_EXTERNAL_ID})
    if external_id and text_problem(external_id):
        return BadRow(row.line, text_problem(external_id), {"column": mapping.id})
    gold = None
    name = row.values.get(mapping.gold, "").strip() if mapping.gold else ""
    why = row.values.get(mapping.explanation, "").strip() if mapping.explanation else ""
    if known is not None:
        key = external_id if known.by_id else text
        name, why = known.names.get(key, name), known.explanations.get(key, why)
    if schema is not None and name:
        try:
            gold = id_of_name(schema, name)
        except InvalidInput as error:
            return BadRow(row.line, "unknown_gold_label", error.params)
    why = "" if gold is None or text_problem(why) else clean_text(why)[:MAX_EXPLANATION]
    return Candidate(row.line, text, external_id or str(row.line), gold, why)


def clean_text(text: str) -> str:
    """`text` as it is stored: without space around it, and with LF as its only line end."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def text_problem(text: str) -> str:
    """Why `text` cannot be stored: empty_text, line_too_long, nul_byte or undecodable; empty where it can."""
    if not text:
        return "empty_text"
    if len(text) > MAX_ROW_CHARACTERS:
        return "line_too_long"
    if "\0" in text:  # PostgreSQL cannot hold it
        return "nul_byte"
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, written as an escape in JSON
        return "undecodable"
    return ""
