"""How many labels active learning saves: `python -m benchmarks.active` prints a table in Markdown.

Each set is learned twice from nothing, in random order and in the order of `trainer/selection.py`, by logistic
regression on embeddings of the frozen default encoder. Asked is after how many labels its accuracy on other texts
reaches 95 % of what all labels together reach. What cannot be fetched is skipped.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from benchmarks.active_data import SOURCES, Texts, load
from core.arrays import Floats, Ints
from trainer.linear import fit
from trainer.selection import CHANCE, diverse_order, doubtful_order, interleave, margin_doubt

GOAL = 0.95
GROWTH = 0.2
MOST = 1500


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--step", type=int, default=50, help="labels before the first model, and at least between two")
    parser.add_argument("--only", default="", help="part of the name of a set")
    options = parser.parse_args()
    print("| set | all labels | random | chosen | labels saved | seed by seed |")
    print("|---|---|---|---|---|---|")
    for name in SOURCES:
        if options.only not in name:
            continue
        texts = load(name)
        if texts is None:
            print(f"{name}: skipped, its package cannot be fetched", file=sys.stderr)
        else:
            print(row(name, texts, options.seeds, options.step), flush=True)


def row(name: str, texts: Texts, seeds: int, step: int) -> str:
    """One line of the table."""
    everything = accuracy(texts, np.arange(len(texts.labels)))
    sizes = schedule(step)
    curves = {way: np.array([curve(texts, sizes, way, seed) for seed in range(seeds)]) for way in (False, True)}
    needed = {way: reached(sizes, lines.mean(axis=0), GOAL * everything) for way, lines in curves.items()}
    single = [tuple(reached(sizes, curves[way][seed], GOAL * everything) for way in curves) for seed in range(seeds)]
    each = " ".join(f"{1 - chosen / drawn:+.0%}" for drawn, chosen in single)
    for way, lines in curves.items():
        print(
            name,
            "chosen" if way else "random",
            dict(zip(sizes, lines.mean(axis=0).round(3).tolist(), strict=True)),
            file=sys.stderr,
        )
    saved = 1 - needed[True] / needed[False]
    return f"| {name} | {everything:.3f} | {needed[False]:.0f} | {needed[True]:.0f} | {saved:+.0%} | {each} |"


def schedule(step: int) -> list[int]:
    """Numbers of labels at which a model is trained: `step` more, or a fifth where that is more."""
    sizes = [step]
    while sizes[-1] < MOST:
        sizes.append(min(MOST, sizes[-1] + max(step, int(GROWTH * sizes[-1]))))
    return sizes


def curve(texts: Texts, sizes: list[int], choosing: bool, seed: int) -> list[float]:
    """Accuracy at each number of labels."""
    drawn = np.random.default_rng(seed).permutation(len(texts.labels))
    labeled = drawn[:0]
    found = []
    for size in sizes:
        more = size - len(labeled)
        rest = drawn[~np.isin(drawn, labeled)]
        chosen = _choose(texts, labeled, rest, more, seed) if choosing else rest[:0]
        waiting = rest[~np.isin(rest, chosen)].tolist()
        share = CHANCE if choosing else 1.0
        labeled = np.array([*labeled, *interleave(chosen.tolist(), waiting, share)[:more]], dtype=np.int64)
        found.append(accuracy(texts, labeled))
    return found


def _choose(texts: Texts, labeled: Ints, rest: Ints, count: int, seed: int) -> Ints:
    """As production does: spread over the texts, and from the first model on by its doubt."""
    if not len(labeled):
        return rest[diverse_order(texts.vectors[rest], count, seed=seed)]
    said = fit(texts.vectors[labeled], texts.labels[labeled]).predict_proba(texts.vectors[rest])
    return rest[doubtful_order(margin_doubt(said), texts.vectors[rest], count, seed)]


def accuracy(texts: Texts, labeled: Ints) -> float:
    """Of the model that these labels give."""
    return float(fit(texts.vectors[labeled], texts.labels[labeled]).score(texts.test_vectors, texts.test_labels))


def reached(sizes: list[int], line: Floats | list[float], goal: float) -> float:
    """Labels at which a curve first reaches `goal`, straight between two points; infinite if it never does."""
    for place, value in enumerate(line):
        if value >= goal:
            if place == 0:
                return float(sizes[0])
            low = line[place - 1]
            return float(sizes[place - 1] + (sizes[place] - sizes[place - 1]) * (goal - low) / (value - low))
    return float("inf")


if __name__ == "__main__":
    main()
