"""How often people of real crowds are flagged: `python -m benchmarks.filters FOLDER...` prints a table in Markdown.

Each folder has labels.csv (task, worker, label) and gold.csv (task, label). Rows arrive in a random order; the filters
look again after each further tenth, as the flagging job does, and one finding at any of these looks counts. A twentieth
of the items is known. Everybody counts as honest but who is plainly random: by all gold together their agreement beyond
chance (Cohen's kappa) on at least 20 items is below 0.15.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from core.aggregation.confusion import STRENGTH
from core.aggregation.dawid_skene import fit
from core.aggregation.filters import AnswerLog, Skills, find
from core.arrays import Floats, Ints
from core.crowd_table import CrowdTable, read_gold, read_labels
from core.quality import RULES

LOOKS = 10
KNOWN_SHARE = 0.05
RANDOM_KAPPA = 0.15
LEAST = 20


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(f"| crowd | honest | {' | '.join(RULES)} | paused, of honest | random | found, of random |")
    print("|---" * (len(RULES) + 5) + "|")
    for folder in options.folders:
        print(row(folder, options.seeds))


def row(folder: Path, seeds: int) -> str:
    """One line: flagged honest workers by kind, those that default rules pause, and how many random ones are found."""
    table = read_labels(folder / "labels.csv")
    gold = read_gold(folder / "gold.csv", table)
    honest = kappas(table, gold) >= RANDOM_KAPPA
    runs = [flagged(table, gold, seed) for seed in range(seeds)]
    by_kind = {kind: np.mean([sum(honest[worker] for worker in run[kind]) for run in runs]) for kind in RULES}
    pausing = [kind for kind, action in RULES.items() if action in ("pause", "ban")]
    paused = np.mean([sum(honest[list(set().union(*(run[kind] for kind in pausing)))]) for run in runs])
    found = np.mean([sum(~honest[list(set().union(*run.values()))]) for run in runs])
    kinds = " | ".join(f"{by_kind[kind]:.1f}" for kind in RULES)
    share = f"{paused / honest.sum():.1%}"
    return f"| {folder.name} | {honest.sum()} | {kinds} | {share} | {(~honest).sum()} | {found:.1f} |"


def flagged(table: CrowdTable, gold: Ints, seed: int) -> dict[str, set[int]]:
    """Who was found at any look, by kind."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(table.item_index))
    known = np.where(random.random(len(table.items)) < KNOWN_SHARE, np.maximum(gold, -1), -1)
    found: dict[str, set[int]] = defaultdict(set)
    for look in range(1, LOOKS + 1):
        rows = order[: len(order) * look // LOOKS]
        columns = table.item_index[rows], table.worker_index[rows], table.answer_index[rows]
        for one in find(AnswerLog(*columns, table.shape, known), skills(columns, table.shape, known)):
            found[one.kind].add(one.worker)
    return found


def skills(columns: tuple[Ints, Ints, Ints], shape: tuple[int, int, int], known: Ints) -> Skills:
    """As the flagging job fits them."""
    fixed = np.full((shape[0], shape[2]), np.nan)
    fixed[known >= 0] = np.eye(shape[2])[known[known >= 0]]
    fitted = fit(*columns, shape, strength=STRENGTH, fixed=fixed)
    return Skills(fitted.prior, fitted.confusion)


def kappas(table: CrowdTable, gold: Ints) -> Floats:
    """Each worker's agreement with gold beyond chance; 1 for who met fewer than `LEAST` gold items."""
    result = np.ones(len(table.workers))
    judged = gold[table.item_index] >= 0
    for worker in range(len(table.workers)):
        mine = judged & (table.worker_index == worker)
        if mine.sum() >= LEAST:
            result[worker] = _kappa(table.answer_index[mine], gold[table.item_index[mine]], len(table.labels))
    return result


def _kappa(answers: Ints, truth: Ints, classes: int) -> float:
    given, right = (np.bincount(column, minlength=classes) / len(answers) for column in (answers, truth))
    chance = float((given * right).sum())
    return 1.0 if chance == 1.0 else (float((answers == truth).mean()) - chance) / (1.0 - chance)


if __name__ == "__main__":
    main()
