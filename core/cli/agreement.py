"""`lightwork agreement`: how much the people behind a file of labels agree with each other."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.aggregation.agreement import Estimate, Level, agreement
from core.aggregation.annotations import Annotations, count_votes
from core.arrays import Floats
from core.cli import left_out
from core.cli.aggregate import check_size
from core.cli.counting import counted
from core.crowd_table import BadTable, CrowdTable, read_labels


@dataclass(frozen=True, slots=True)
class Scale:
    """The columns of the votes in their order, and the number each stands for where it is one."""

    columns: list[int]
    values: Floats | None


def measure(path: Path, level: Level, order: str | None, seed: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """All figures by the names that `--json` gives them.

    Args:
        tell: gets a sentence about the rows that do not count, for each reason, and about an order that is not used.

    Raises:
        BadTable: the file cannot be used, or its labels have no order or no numbers where the level needs them.
    """
    table = read_labels(path)
    check_size(path, table)
    for sentence in (*left_out.sentences(left_out.named(table)), _unused_order(level, order)):
        if sentence:
            tell(sentence)
    scale = _scale(path, table, level, order)
    annotations = Annotations(table.item_index, table.worker_index, table.answer_index, table.shape)
    found = agreement(count_votes(annotations)[:, scale.columns], level, scale.values, seed=seed)
    return {
        "level": level,
        **_named("alpha", found.alpha),
        **_named("fleiss_kappa", found.fleiss_kappa),
        **_named("pairwise", found.pairwise),
        "items": len(table.items),
        "shared_items": found.items,
        "workers": len(table.workers),
        "annotations": len(table.item_index),
        **left_out.named(table),
    }


def describe(found: dict[str, Any]) -> str:
    """The same as a table for a person."""
    lines = [
        f"{counted(found['annotations'], 'answer')} of {counted(found['workers'], 'worker')} about "
        f"{counted(found['items'], 'item')}, {found['shared_items']:,} of them with at least two.",
        "",
        _line(f"Krippendorff's alpha ({found['level']})", found, "alpha"),
        _line("Fleiss' kappa", found, "fleiss_kappa"),
        _line("Pairs of answers that agree", found, "pairwise"),
    ]
    if found["alpha"] is None:
        lines += ["", "Alpha needs items with at least two answers, and at least two different labels."]
    return "\n".join(lines)


def _unused_order(level: Level, order: str | None) -> str:
    """That an order was given to a level which has no use for it; empty where it was not."""
    if order is None or level == "ordinal":
        return ""
    why = "nominal labels either differ or do not" if level == "nominal" else "interval labels are numbers"
    return f"--order was not used: {why}. Add --level ordinal."


def _line(name: str, found: dict[str, Any], key: str) -> str:
    if found[key] is None:
        return f"{name:<32} not defined"
    return f"{name:<32} {found[key]:.3f}  (95 %: {found[key + '_low']:.3f} to {found[key + '_high']:.3f})"


def _named(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _scale(path: Path, table: CrowdTable, level: Level, order: str | None) -> Scale:
    numbers = _numbers(table.labels)
    if level == "nominal":
        return Scale(list(range(len(table.labels))), None)
    if level == "ordinal" and order is not None:
        return Scale(_ordered(path, table.labels, order), None)
    if numbers is None:
        way = (
            "give their order with --order low,middle,high" if level == "ordinal" else "use --level ordinal or nominal"
        )
        raise BadTable(f"The labels of {path} are not all numbers; {way}.")
    columns = sorted(range(len(numbers)), key=numbers.__getitem__)
    return Scale(columns, np.array([numbers[column] for column in columns]))


def _ordered(path: Path, labels: list[str], order: str) -> list[int]:
    named = [name.strip() for name in order.split(",")]
    if missing := [label for label in labels if label not in named]:
        raise BadTable(f"--order does not name {missing[0]!r}, which is a label in {path}.")
    places = {name: place for place, name in enumerate(named)}
    return sorted(range(len(labels)), key=lambda column: places[labels[column]])


def _numbers(labels: list[str]) -> list[float] | None:
    try:
        numbers = [float(label) for label in labels]
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None
