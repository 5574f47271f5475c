"""The accuracy of every method of aggregation on a folder of crowds, beside crowd-kit's Dawid-Skene, as a table."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np

from core.aggregation.annotations import Annotations
from core.aggregation.methods import METHODS
from core.aggregation.result import Result, accuracy
from core.arrays import Floats
from core.crowd_table import BadTable, CrowdTable, read_gold, read_labels

PEER = "crowd-kit dawid-skene"


def measure(folder: Path) -> dict[str, float]:
    """The share of right labels by method, of one crowd: a folder with `labels.csv` and `gold.csv`."""
    table = read_labels(folder / "labels.csv")
    gold = read_gold(folder / "gold.csv", table)
    answered = np.bincount(table.item_index, minlength=len(table.items))
    annotations = Annotations(table.item_index, table.worker_index, table.answer_index, table.shape)
    results = {name: method(annotations) for name, method in METHODS.items()}
    results[PEER] = Result(_peer(table), np.zeros(len(table.workers)), None)
    return {name: accuracy(result, gold, answered) or 0.0 for name, result in results.items()}


def _peer(table: CrowdTable) -> Floats:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # crowd-kit's own imports warn
        from crowdkit.aggregation import DawidSkene
        from pandas import DataFrame  # type: ignore[import-untyped]

        frame = DataFrame({"task": table.item_index, "worker": table.worker_index, "label": table.answer_index})
        found = DawidSkene().fit_predict_proba(frame).sort_index()
    posteriors: Floats = found[sorted(found.columns)].to_numpy()
    return posteriors


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds one folder for each crowd, with labels.csv and gold.csv")
    parser.add_argument("--json", action="store_true", help="one object, on the last line")
    given = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for folder in sorted(path.parent for path in given.folder.glob("*/labels.csv")):
        try:
            found[folder.name] = measure(folder)
        except BadTable as error:
            print(f"{folder.name} is left out: {error}")
    print(json.dumps(found) if given.json else _markdown(found))


def _markdown(found: dict[str, dict[str, float]]) -> str:
    lines = ["| method | " + " | ".join(found) + " | mean |", "|---" * (len(found) + 2) + "|"]
    for name in [*METHODS, PEER]:
        row = [taken[name] for taken in found.values()]
        lines.append(f"| {name} | " + " | ".join(f"{value:.4f}" for value in [*row, float(np.mean(row))]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
