"""`lightwork aggregate`: one label for each item of a file of labels, and how good they are where gold is given."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.aggregation.annotations import Annotations
from core.aggregation.methods import METHODS
from core.aggregation.result import Result, accuracy, labels_of
from core.cells import guarded
from core.cli import left_out
from core.cli.counting import counted
from core.cli.output import check_out
from core.crowd_table import BadTable, CrowdTable, read_gold, read_labels
from core.drafts import drafted

MAX_CELLS = 1 << 27
"""Items times labels: their posteriors would fill 1 GiB."""
MATRIX_METHODS = ("dawid-skene", "dawid-skene-hierarchical")
MAX_MATRIX_CELLS = 1 << 26
"""Workers times labels times labels: what people's matrices of half a GiB take, of which several stand side by side."""
CHOICES = 50
"""So few labels are always choices, never free text."""


def run(
    labels: Path, method: str, gold: Path | None, out: Path | None, tell: Callable[[str], None], *, force: bool = False
) -> tuple[dict[str, Any], str]:
    """Aggregate a file; what `--json` prints, and the same for a person.

    The seconds are those of the method alone, without reading and writing files.

    Args:
        tell: gets a sentence about the rows that do not count, for each reason that there is.
        force: replace a file that is at `out`.

    Raises:
        BadTable: a file cannot be read, used, or written.
        SettingsError: `out` is there already, is one of the files that are read, or its folder is not there.
    """
    if out is not None:
        check_out(out, [path for path in (labels, gold) if path is not None], force=force)
    table = read_labels(labels)
    check_size(labels, table)
    refuse_free_text(labels, table)
    _check_matrices(labels, table, method)
    for sentence in left_out.sentences(left_out.named(table)):
        tell(sentence)
    known = None if gold is None else read_gold(gold, table)
    start = time.perf_counter()
    result = METHODS[method](Annotations(table.item_index, table.worker_index, table.answer_index, table.shape))
    seconds = time.perf_counter() - start
    if out is not None:
        _write(out, table, result)
    answered = np.bincount(table.item_index, minlength=len(table.items))
    found = {
        "accuracy": None if known is None else accuracy(result, known, answered),
        "seconds": round(seconds, 6),
        "items": len(table.items),
        "annotations": len(table.item_index),
        "method": method,
    }
    return found, _describe(found, table, known is not None, out)


def check_size(path: Path, table: CrowdTable) -> None:
    """Refuse a table whose items times labels do not fit in memory.

    Raises:
        BadTable: they do not.
    """
    if len(table.items) * len(table.labels) > MAX_CELLS:
        raise BadTable(
            f"{path} has {len(table.labels)} different labels for {len(table.items)} items, which is too much to hold "
            "at once; are these labels to choose from, or free texts?"
        )


def _check_matrices(path: Path, table: CrowdTable, method: str) -> None:
    """Refuse a matrix for each worker where labels are so many that all of them do not fit in memory.

    Raises:
        BadTable: they do not.
    """
    if method in MATRIX_METHODS and len(table.workers) * len(table.labels) ** 2 > MAX_MATRIX_CELLS:
        raise BadTable(
            f"{path} has {len(table.labels)} different labels and {len(table.workers)} workers, which is too much for "
            f"the method {method}; use --method auto."
        )


def refuse_free_text(path: Path, table: CrowdTable) -> None:
    """Texts that hardly anybody gives twice cannot be voted on.

    Raises:
        BadTable: more than half of the answers are labels of their own.
    """
    if len(table.labels) > CHOICES and len(table.labels) > len(table.item_index) / 2:
        raise BadTable(
            f"{path} has {len(table.labels)} different labels in {len(table.item_index)} answers: these are free "
            "texts. Let people choose the best text of each item, and aggregate their choices."
        )


def _write(out: Path, table: CrowdTable, result: Result) -> None:
    """The labels with their confidence; a file that was there stays whole if writing fails."""
    chosen, confidence = labels_of(result)
    try:
        with drafted(out) as draft, draft.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(("task", "label", "confidence"))
            for item, label, sure in zip(table.items, chosen.tolist(), confidence.tolist(), strict=True):
                rows.writerow((guarded(item), guarded(table.labels[label]), f"{sure:.6f}"))
    except OSError as error:
        raise BadTable(f"{out} cannot be written ({error.strerror}).") from None


def _describe(found: dict[str, Any], table: CrowdTable, with_gold: bool, out: Path | None) -> str:
    lines = [
        f"{counted(found['annotations'], 'answer')} of {counted(len(table.workers), 'worker')} about "
        f"{counted(found['items'], 'item')}, {counted(len(table.labels), 'label')}; method {found['method']}, "
        f"{found['seconds']:.2f} s.",
    ]
    if with_gold:
        lines.append(f"Accuracy against the gold: {found['accuracy']:.4f}")
    lines.append(f"Labels written to {out}." if out else "Add --out FILE to get the labels.")
    return "\n".join(lines)
