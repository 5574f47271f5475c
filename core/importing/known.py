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

MAX_KNOWN = 100_000


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


def read_known(path: Path, file_format: str, dialect: Dialect, file: KnownFile) -> KnownLabels:
    """Names of labels by id or text, at most `MAX_KNOWN`; of rows with one key the last counts.

    Raises:
        InvalidInput: the file is broken. FileNotFoundError: it is gone.
    """
    names: dict[str, str] = {}
    explanations: dict[str, str] = {}
    with closing(formats()[file_format].rows(path, dialect)) as rows:
        for row in rows:
            if len(names) == MAX_KNOWN:
                break
            key = clean_text(row.values.get(file.key, "")) if isinstance(row, Row) else ""
            if isinstance(row, Row) and key and (name := row.values.get(file.label, "").strip()):
                names[key] = name
                explanations[key] = row.values.get(file.explanation, "").strip() if file.explanation else ""
    explanations = {key: why for key, why in explanations.items() if why}
    return KnownLabels(file.by_id, names, explanations)
