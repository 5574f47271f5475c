"""What the first rows hold in each column, kept with the file: so that what is no label is said before it is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidInput
from core.importing.rows import Row
from core.labels import LabelSchema, id_of_name

MAX_VALUES = 150
"""Distinct values of a column that are kept; no job has so many labels."""
FEW_VALUES = 5
"""Of a column with more than that, the first ones."""
MAX_VALUE = 200
"""Characters of a value that are kept; no label is so long."""
MAX_COLUMNS = 100
MISFITS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Fit:
    """How the values of a column fit the labels of a job.

    rows: that were looked at, good ones. filled: of them, with a value. fitting: of these, with a label of the job.
    misfits: line and value of the first others.
    """

    rows: int
    filled: int
    fitting: int
    misfits: tuple[tuple[int, str], ...]


def survey(columns: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    """JSON with the number of rows, and for each column how many are filled and [value, first line, count] of each."""
    return {"rows": len(rows), "columns": {name: _survey_column(name, rows) for name in columns[:MAX_COLUMNS]}}


def _survey_column(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    filled = 0
    for row in rows:
        value = row.values.get(name, "").strip()[:MAX_VALUE]
        filled += bool(value)
        if value in found:
            found[value][2] += 1
        elif value and len(found) <= MAX_VALUES:
            found[value] = [value, row.line, 1]
    kept = list(found.values())
    return {"filled": filled, "values": kept if len(kept) <= MAX_VALUES else kept[:FEW_VALUES]}


def fit(surveyed: Mapping[str, Any], column: str, schema: LabelSchema) -> Fit | None:
    """How a column fits the labels, by what `survey` gave; nothing where it was not looked at."""
    found = surveyed.get("columns", {}).get(column)
    if found is None:
        return None
    fitting = 0
    misfits: list[tuple[int, str]] = []
    for value, line, count in found["values"]:
        if is_label(value, schema):
            fitting += count
        elif len(misfits) < MISFITS_NAMED:
            misfits.append((line, value))
    return Fit(surveyed["rows"], found["filled"], fitting, tuple(misfits))


def is_label(name: str, schema: LabelSchema) -> bool:
    """Whether a label of a job is called so."""
    try:
        id_of_name(schema, name)
    except InvalidInput:
        return False
    return True
