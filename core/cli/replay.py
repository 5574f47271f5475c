"""`lightwork replay`: what the labels of a crowd would have cost, and how right they would be, with dynamic overlap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.aggregation.policy import ERROR_COST, information_of
from core.arrays import Ints
from core.cli import left_out
from core.cli.aggregate import check_size, refuse_free_text
from core.crowd_table import BadTable, CrowdTable, read_gold, read_labels
from core.replaying import Aim, orders, replay


def aim_from(information: float | None, target: float | None, error_cost: float | None) -> Aim:
    """The aim that the options name.

    Raises:
        BadTable: more than one of them is given.
    """
    if sum(option is not None for option in (information, target, error_cost)) > 1:
        raise BadTable("Give one of --information, --target and --error-cost; each of them says how much to ask.")
    if information is not None:
        return Aim(information)
    return Aim(information_of(ERROR_COST if error_cost is None else error_cost), target)


def run(
    labels: Path, gold: Path, seeds: int, *, file_order: bool, aim: Aim, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Replay a file, in seeded random orders or in its own; what `--json` prints.

    Raises:
        BadTable: a file cannot be read or used.
    """
    table = read_labels(labels)
    check_size(labels, table)
    refuse_free_text(labels, table)
    for sentence in left_out.sentences(left_out.named(table)):
        progress(sentence)
    known = read_gold(gold, table)
    rows = len(table.item_index)
    chosen: list[Ints] = [np.arange(rows)] if file_order else list(orders(rows, seeds))
    accuracies, counts = [], []
    for number, order in enumerate(chosen, start=1):
        replayed = replay(table, known, order.tolist(), aim)
        accuracies.append(replayed.accuracy)
        counts.append(replayed.annotations)
        progress(f"Replay {number} of {len(chosen)}: accuracy {accuracies[-1]:.4f}, {counts[-1]} of {rows} answers.")
    return _summary(table, accuracies, counts)


def describe(found: dict[str, Any]) -> str:
    """What `run` found, for a person."""
    return (
        f"Accuracy against the gold: {found['accuracy']:.4f} (standard deviation {found['accuracy_sd']:.4f} over "
        f"{found['seeds']} {'replay' if found['seeds'] == 1 else 'replays'})\n"
        f"Answers: {found['annotations_per_item']:.2f} per item, {found['share_of_all']:.1%} of all in the file"
    )


def _summary(table: CrowdTable, accuracies: list[float], counts: list[int]) -> dict[str, Any]:
    taken = float(np.mean(counts))
    return {
        "accuracy": round(float(np.mean(accuracies)), 6),
        "accuracy_sd": round(float(np.std(accuracies)), 6),
        "annotations_per_item": round(taken / len(table.items), 6),
        "share_of_all": round(taken / len(table.item_index), 6),
        "seeds": len(counts),
    }
