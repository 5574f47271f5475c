"""Tables of annotations to aggregate: a real crowd in part, and simulated ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from core.aggregation.annotations import Annotations
from core.arrays import Floats, Ints
from core.crowd_table import read_gold, read_labels

WEATHER = Path(__file__).parents[3] / "demo" / "weather_text"


def weather(most: int = 6000) -> tuple[Annotations, Ints]:
    """The first rows of the weather crowd, and its gold."""
    table = read_labels(WEATHER / "labels.csv")
    columns = table.item_index[:most], table.worker_index[:most], table.answer_index[:most]
    return Annotations(*columns, table.shape), read_gold(WEATHER / "gold.csv", table)


def simulated(
    seed: int, matrices: Floats, items: int, answers_per_item: int, prior: list[float] | None = None
) -> tuple[Annotations, Ints]:
    """Workers with these matrices (workers, labels, answers), each item answered by some of them; and the truth."""
    rng = np.random.default_rng(seed)
    workers, classes, _ = matrices.shape
    truth = rng.choice(classes, items, p=prior)
    chosen = np.argsort(rng.random((items, workers)), axis=1)[:, :answers_per_item].ravel()
    item_index = np.repeat(np.arange(items), answers_per_item)
    chances = matrices[chosen, truth[item_index]].cumsum(axis=1)
    answers = (chances < rng.random((len(chosen), 1))).sum(axis=1).clip(0, classes - 1)
    return Annotations(item_index, chosen, answers, (items, workers, classes)), truth


def coins(accuracies: list[float], classes: int) -> Floats:
    """Matrices of workers who err evenly."""
    right = np.array(accuracies)[:, None, None]
    off = (1 - right) / (classes - 1)
    matrices: Floats = np.eye(classes) * (right - off) + off
    return matrices
