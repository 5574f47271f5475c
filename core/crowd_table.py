"""Labels of a crowd, and gold, from CSV files: who answered what about which item, as index columns."""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import Ints
from core.cells import unguarded

if TYPE_CHECKING:
    from _csv import Reader

ITEM_NAMES = ("task", "item")
WORKER_NAMES = ("worker", "annotator")
LABEL_NAMES = ("label",)
STATE_NAMES = ("state",)
CONTROL = "control"
TAKEN_BACK = ("withdrawn", "superseded", "rejected")
"""States of an answer, as exports of annotations have them, in which it counts for nobody. Whatever else stands in a
column of states is an answer that counts, so that files with other words for it are read whole.
"""
DELIMITERS = ",;\t"
NO_GOLD = -1
NEVER_GIVEN = -2
"""Gold is known, but it is a label that nobody gave: no aggregation of these answers can be right about the item."""
MAX_CELL = 1 << 20
"""Characters in one cell; a longer one means that a quote was never closed."""


class BadTable(ValueError):
    """A file that cannot be used; the text is one sentence that says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class CrowdTable:
    """Annotations in the order of the file: entry i says that a worker gave an item a label, each as an index.

    `items` and `workers` stand in order of first appearance, `labels` are sorted. `repeated` counts rows that were left
    out because that worker had answered that item before; `taken_back` those that were withdrawn, superseded or
    rejected, and `control` those about items that only check people.
    """

    items: list[str]
    workers: list[str]
    labels: list[str]
    item_index: Ints
    worker_index: Ints
    answer_index: Ints
    repeated: int = 0
    taken_back: int = 0
    control: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of items, workers and labels."""
        return len(self.items), len(self.workers), len(self.labels)


def read_labels(path: Path) -> CrowdTable:
    """Read annotations: columns task or item, worker or annotator, and label; others are ignored.

    A worker's second answer about an item does not count, as in production: the first one stands. Where there is a
    column state, as in an export of annotations, answers that were taken back and those to known items are left out.

    Raises:
        BadTable: the file is away, is no CSV in UTF-8, lacks a column, has no rows that count, or a row lacks a cell.
    """
    indexes: tuple[dict[str, int], ...] = ({}, {}, {})
    columns = (array("q"), array("q"), array("q"))
    states: Counter[str] = Counter()
    for cells in _rows(path, (ITEM_NAMES, WORKER_NAMES, LABEL_NAMES), states):
        for cell, index, column in zip(cells, indexes, columns, strict=True):
            column.append(index.setdefault(cell, len(index)))
    items, workers, answers = (np.frombuffer(column, dtype=np.int64) for column in columns)
    labels, place = _sorted(list(indexes[2]))
    pair = items * len(indexes[1]) + workers
    first = np.sort(np.unique(pair, return_index=True)[1])
    return CrowdTable(
        items=list(indexes[0]),
        workers=list(indexes[1]),
        labels=labels,
        item_index=items[first],
        worker_index=workers[first],
        answer_index=place[answers[first]],
        repeated=len(pair) - len(first),
        taken_back=sum(states[state] for state in TAKEN_BACK),
        control=states[CONTROL],
    )


def read_gold(path: Path, table: CrowdTable) -> Ints:
    """The known label of each item of a table, as an index of its labels: shape (items,).

    `NO_GOLD` where none is known, `NEVER_GIVEN` where it is a label that nobody gave. Gold of items that are not in
    the table is left out.

    Raises:
        BadTable: as for labels, or an item has two different gold labels, or no gold is about these items and labels.
    """
    places = {name: place for place, name in enumerate(table.items)}
    labels = {name: place for place, name in enumerate(table.labels)}
    gold = np.full(len(table.items), NO_GOLD, dtype=np.int64)
    seen: dict[int, str] = {}
    for item, label in _rows(path, (ITEM_NAMES, LABEL_NAMES)):
        place = places.get(item)
        if place is None:
            continue
        if seen.setdefault(place, label) != label:
            raise BadTable(f"{path} gives {item!r} two different labels; keep one of them.")
        gold[place] = labels.get(label, NEVER_GIVEN)
    if not seen:
        raise BadTable(f"{path} names none of the items that have labels; check that both files use the same names.")
    if not (gold >= 0).any():
        raise BadTable(f"{path} names none of the labels that were given; check that both files spell them alike.")
    return gold


def _sorted(labels: list[str]) -> tuple[list[str], Ints]:
    """Labels in order, and for each old place the new one."""
    order = sorted(range(len(labels)), key=labels.__getitem__)
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels))
    return [labels[number] for number in order], place


def _rows(path: Path, wanted: Sequence[tuple[str, ...]], states: Counter[str] | None = None) -> Iterator[list[str]]:
    """The wanted cells of each row that is not blank, without the space around them and the apostrophe of an export.

    Args:
        states: counts the rows that are left out because of their state, by it; None: all rows are wanted.
    """
    with _opened(path) as lines:
        header = next(lines, None)
        if header is None:
            raise BadTable(f"{path} is empty; its first line has to name the columns.")
        places = [_place(path, header, names) for names in wanted]
        state_place = None if states is None else _state_place(header)
        count = 0
        for row in lines:
            if not any(map(str.strip, row)):
                continue
            if states is not None and state_place is not None and (state := _left_out(row, state_place)):
                states[state] += 1
                continue
            cells = [unguarded(row[place].strip()) if place < len(row) else "" for place in places]
            if not all(cells):
                missing = wanted[cells.index("")][0]
                raise BadTable(f"{path}, line {lines.line_num}: there is no {missing}; fill it in or take the row out.")
            count += 1
            yield cells
    if not count:
        raise BadTable(
            f"{path} has no answers that count: all were taken back, or are about known items."
            if states
            else f"{path} has a header but no rows."
        )


def _state_place(header: Sequence[str]) -> int | None:
    found = [place for place, cell in enumerate(header) if cell.strip().lower() in STATE_NAMES]
    return found[0] if len(found) == 1 else None


def _left_out(row: Sequence[str], place: int) -> str:
    """The state of a row for which it is left out; empty where its answer counts."""
    state = row[place].strip().lower() if place < len(row) else ""
    return state if state == CONTROL or state in TAKEN_BACK else ""


@contextmanager
def _opened(path: Path) -> Iterator[Reader]:
    """A CSV reader behind the byte order mark, with the delimiter of the header.

    Raises:
        BadTable: whatever goes wrong while it is read.
    """
    limit = csv.field_size_limit(MAX_CELL)
    try:
        with path.open("rb") as file:
            head = file.peek()  # a pipe cannot be opened twice
            if b"\0" in head:
                raise BadTable(f"{path} is not a CSV file in UTF-8; save it as one.")
            lines = TextIOWrapper(file, encoding="utf-8-sig", newline="")
            yield csv.reader(lines, delimiter=_delimiter(head), strict=True)
    except UnicodeDecodeError:
        raise BadTable(f"{path} is not a CSV file in UTF-8; save it as one.") from None
    except csv.Error as error:
        raise BadTable(f"{path} cannot be read as CSV ({error}).") from None
    except OSError as error:
        raise BadTable(f"{path} cannot be opened ({error.strerror}).") from None
    finally:
        csv.field_size_limit(limit)


def _delimiter(head: bytes) -> str:
    first = head.lstrip().split(b"\n", 1)[0].decode("utf-8", "replace")
    return max(DELIMITERS, key=first.count)


def _place(path: Path, header: list[str], names: tuple[str, ...]) -> int:
    found = [place for place, cell in enumerate(header) if cell.strip().lower() in names]
    if len(found) == 1:
        return found[0]
    called = " or ".join(repr(name) for name in names)
    has = ", ".join(repr(cell.strip()) for cell in header[:20])
    if found:
        raise BadTable(f"{path} has more than one column called {called}; keep one of them.")
    raise BadTable(f"{path} has no column called {called}; it has {has}.")
