"""The curve of accuracy over cost: `python -m benchmarks.replays FOLDER...` prints a table in Markdown.

Each folder has labels.csv (task, worker, label) and gold.csv (task, label). Every crowd is replayed at five settings
in seeded random orders; `--draw FILE` draws the mean over the crowds as SVG.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from core.aggregation.annotations import Annotations
from core.aggregation.methods import METHODS
from core.aggregation.result import accuracy
from core.arrays import Floats, Ints
from core.crowd_table import CrowdTable, read_gold, read_labels
from core.replaying import Aim, orders, replay

ERROR_COSTS = (5, 10, 20, 50, 200)
FIXED = {"fixed number, majority": "majority", "fixed number, Dawid-Skene": "dawid-skene"}
WIDTH, HEIGHT, MARGIN = 720, 420, 60
INK, CURVE, OTHERS = "#1b1f24", "#2f81f7", "#f08c2e"
Point = tuple[float, float]


def measure(folder: Path, seeds: int) -> Floats:
    """Accuracy, its deviation, answers per item and share of all by setting, shape (settings, 4)."""
    table = read_labels(folder / "labels.csv")
    gold = read_gold(folder / "gold.csv", table)
    rows, items = len(table.item_index), len(table.items)
    found = []
    for cost in ERROR_COSTS:
        runs = [replay(table, gold, order.tolist(), Aim(1.0 / cost)) for order in orders(rows, seeds)]
        right, taken = [run.accuracy for run in runs], float(np.mean([run.annotations for run in runs]))
        found.append((float(np.mean(right)), float(np.std(right)), taken / items, taken / rows))
        print(f"{folder.name}: an error costs {cost} answers: {found[-1]}", file=sys.stderr)
    return np.array(found)


def fixed_number(folder: Path, share: float, seeds: int) -> dict[str, float]:
    """Accuracy with the same number of answers for each item, as near to a share of all as whole numbers come."""
    table = read_labels(folder / "labels.csv")
    gold = read_gold(folder / "gold.csv", table)
    found: dict[str, list[float]] = {name: [] for name in FIXED}
    for order in orders(len(table.item_index), seeds):
        some = _first_of_each(table, order, share)
        answered = np.bincount(some.items, minlength=len(table.items))
        for name, method in FIXED.items():
            found[name].append(accuracy(METHODS[method](some), gold, answered) or 0.0)
    return {name: float(np.mean(values)) for name, values in found.items()}


def _first_of_each(table: CrowdTable, order: Ints, share: float) -> Annotations:
    """As many of the first answers of each item; a share of the items gets one more where the number is not whole."""
    items = table.item_index[order]
    wanted = share * len(order) / len(table.items)
    more = (np.arange(len(table.items)) * (wanted % 1.0)) % 1.0 < wanted % 1.0
    by_item = np.argsort(items, kind="stable")
    starts = np.searchsorted(items[by_item], np.arange(len(table.items)))
    place = np.arange(len(items)) - np.repeat(starts, np.bincount(items, minlength=len(starts)))
    chosen = order[by_item[place < (int(wanted) + more)[items[by_item]]]]
    return Annotations(table.item_index[chosen], table.worker_index[chosen], table.answer_index[chosen], table.shape)


def draw(curve: list[Point], others: dict[str, Point]) -> str:
    """The picture: share of all answers to the right, accuracy upwards."""
    points = [*curve, *others.values()]
    low, high = min(p[1] for p in points) - 0.005, max(p[1] for p in points) + 0.005

    def at(point: Point) -> Point:
        right = MARGIN + point[0] * (WIDTH - 2 * MARGIN)
        return round(right, 1), round(HEIGHT - MARGIN - (point[1] - low) / (high - low) * (HEIGHT - 2 * MARGIN), 1)

    line = " ".join("{},{}".format(*at(point)) for point in curve)
    marks = [_dot(at(point), CURVE, f"{point[1]:.3f}") for point in curve]
    marks += [_dot(at(point), OTHERS, f"{name} {point[1]:.3f}") for name, point in others.items()]
    axes = f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}" fill="none" stroke="{INK}"/>'
    under = f'<text x="{WIDTH // 2}" y="{HEIGHT - 20}" text-anchor="middle">share of all answers that was asked</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" fill="{INK}"><rect width="100%" height="100%" fill="#ffffff"/>{axes}{under}'
        f'<text x="{MARGIN}" y="{MARGIN - 20}">accuracy, mean over the crowds</text>'
        f'<polyline points="{line}" fill="none" stroke="{CURVE}" stroke-width="2"/>{"".join(marks)}</svg>\n'
    )


def _dot(at: Point, colour: str, words: str) -> str:
    left, top = at
    end = left > WIDTH * 0.7
    anchor, shift = ("end", -8) if end else ("start", 8)
    text = f'<text x="{left + shift}" y="{top + 16}" text-anchor="{anchor}">{words}</text>'
    return f'<circle cx="{left}" cy="{top}" r="4" fill="{colour}"/>{text}'


def main() -> None:
    """Print the table, and draw it where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--draw", type=Path)
    options = parser.parse_args()
    found = np.array([measure(folder, options.seeds) for folder in options.folders])  # (crowds, settings, 4)
    heads = [f"{cost} ({1 / cost:g})" for cost in ERROR_COSTS]
    print(f"| an error costs (constant) | {' | '.join(heads)} |")
    print("|---" * (len(heads) + 1) + "|")
    for folder, row in zip(options.folders, found, strict=True):
        cells = [f"{right:.3f} (sd {spread:.3f}) with {each:.1f} per item" for right, spread, each, _ in row]
        print(f"| {folder.name} | {' | '.join(cells)} |")
    mean = found.mean(axis=0)
    print(f"| mean | {' | '.join(f'**{row[0]:.4f}** with **{row[3]:.3f}** of all' for row in mean)} |")
    share = float(mean[ERROR_COSTS.index(20), 3])
    others = [fixed_number(folder, float(one), 3) for folder, one in zip(options.folders, found[:, 2, 3], strict=True)]
    fixed = {name: (share, float(np.mean([one[name] for one in others]))) for name in FIXED}
    for name, point in fixed.items():
        print(f"\n{name}, as many answers of each crowd as at 20: {point[1]:.4f}")
    if options.draw:
        options.draw.write_text(draw([(float(row[3]), float(row[0])) for row in mean], fixed), encoding="utf-8")


if __name__ == "__main__":
    main()
