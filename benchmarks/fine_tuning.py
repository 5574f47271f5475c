"""Ways of training side by side: `python -m benchmarks.fine_tuning` prints tables in Markdown.

Full fine-tuning, low-rank adapters and a frozen encoder, each from soft and from hard labels, on the weather tweets
with the labels that the loop collects and on customer tweets; five seeds. The seeds of the weather tweets are the five
folds of a cross-validation, so that each of the 1000 is measured once; next to the models stands TF-IDF with logistic
regression. `--extras` adds what else can be switched on or off. Cells are kept in `--cache`, and a run that was
stopped goes on; `--quick` is one seed and one epoch.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from benchmarks.fine_tuning_data import SETS, Split
from core.aggregation.interval import wilson_interval
from core.arrays import Floats
from core.config import Settings
from trainer import predict, train
from trainer.heads.choice import ChoiceHead
from trainer.settings import BaseModel, TrainingSettings, base_model, choose_device

CACHE = Path.home() / ".cache" / "lightwork" / "fine_tuning.json"
SOFT: Mapping[str, Mapping[str, Any]] = {"soft": {"soft": True}, "hard": {"soft": False}}
WAYS: Mapping[str, Mapping[str, Any]] = {
    f"{method}, {labels}": {"method": method, **soft}
    for method in ("full", "lora", "frozen")
    for labels, soft in SOFT.items()
}
EXTRAS: Mapping[str, Mapping[str, Any]] = {
    "full, first token": {"method": "full", "average": False},
    "full, cold head": {"method": "full", "warm_head": False},
    "full, first token, cold head": {"method": "full", "average": False, "warm_head": False},
    "full, adapted": {"method": "full", "adapt": True},
    "full, 10 % of the tokens hidden": {"method": "full", "token_dropout": 0.1},
    "frozen, first token": {"method": "frozen", "average": False},
}
TFIDF = "TF-IDF + logistic regression"
DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One model on the held texts. right: by opinion, one 0 or 1 for each text. log_loss: by the first opinion."""

    right: dict[str, list[int]]
    log_loss: float
    seconds: float


class Kept:
    """Finished cells in a file, so that none is computed twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cells: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, key: str) -> Cell | None:
        """A finished cell."""
        return Cell(**self._cells[key]) if key in self._cells else None

    def put(self, key: str, cell: Cell) -> None:
        """Keep a cell, at once."""
        self._cells[key] = {"right": cell.right, "log_loss": cell.log_loss, "seconds": cell.seconds}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        half = self._path.with_suffix(".part")
        half.write_text(json.dumps(self._cells))
        half.rename(self._path)


def main() -> None:
    """Measure what is not measured yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="part of the name of a set")
    parser.add_argument("--ways", default="", help="part of the name of a way")
    parser.add_argument("--extras", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one seed, one epoch, frozen and full alone")
    parser.add_argument("--cache", type=Path, default=CACHE)
    options = parser.parse_args()
    quiet()
    kept = Kept(options.cache)
    ways = {name: one for name, one in {**WAYS, **(EXTRAS if options.extras else {})}.items() if options.ways in name}
    settings = TrainingSettings(early_stop=False)
    if options.quick:
        ways = {name: ways[name] for name in ("full, soft", "frozen, soft") if name in ways}
        settings, options.seeds = replace(settings, epochs=1), 1
    base = base_model(Settings())
    for name in SETS:
        if options.only in name:
            cells = measured(name, range(options.seeds), ways, settings, base, kept)
            print(f"\n### {name}, {options.seeds} seeds\n\n{table(cells)}\n")
            print(against(cells, TFIDF))


def quiet() -> None:
    """No bars, and no lists of new weights."""
    set_verbosity_error()  # type: ignore[no-untyped-call]
    disable_progress_bar()  # type: ignore[no-untyped-call]


def measured(
    name: str, seeds: Sequence[int], ways: Mapping[str, Mapping[str, Any]], settings: TrainingSettings,
    base: BaseModel, kept: Kept, sets: Mapping[str, Any] = SETS,
) -> dict[str, list[Cell]]:  # fmt: skip
    """The cells of a set, one for each way and seed, and those of TF-IDF."""
    cells: dict[str, list[Cell]] = {}
    for seed in seeds:
        split: Split | None = None
        for way, changes in {**ways, TFIDF: {}}.items():
            own = replace(settings, seed=settings.seed + seed, **changes)
            key = json.dumps([name, way, seed, base.name, own.as_dict()], sort_keys=True)
            cell = kept.get(key)
            if cell is None:
                split = split or sets[name](seed)
                cell = _tfidf(split) if way == TFIDF else fit(split, own, base)
                kept.put(key, cell)
                print(f"{name}, seed {seed}, {way}: {_accuracy(cell):.3f} in {cell.seconds:.0f} s", file=sys.stderr)
            cells.setdefault(way, []).append(cell)
    return cells


def fit(split: Split, settings: TrainingSettings, base: BaseModel) -> Cell:
    """Train on one side of a split and ask about the other."""
    device, head = choose_device("auto"), ChoiceHead(tuple(f"c{index}" for index in range(split.classes)))
    began = time.monotonic()
    model, tokenizer = train.fit(
        split.texts, split.targets.tolist(), head, base, settings, device, lambda step, steps: None
    )
    seconds = time.monotonic() - began
    return _cell(split, predict.probabilities(model, tokenizer, split.held, head, device, settings.max_length), seconds)


def _tfidf(split: Split) -> Cell:
    began = time.monotonic()
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(max_iter=1000, C=4.0)
    model.fit(words.fit_transform(split.texts), split.targets.argmax(axis=1))
    said = np.full((len(split.held), split.classes), 1e-7)
    said[:, model.classes_] = model.predict_proba(words.transform(split.held))
    return _cell(split, said, time.monotonic() - began)


def _cell(split: Split, said: Floats, seconds: float) -> Cell:
    guess = said.argmax(axis=1)
    right = {name: (guess == truth).astype(int).tolist() for name, truth in split.truth.items()}
    first = next(iter(split.truth.values()))
    likelihood = said[np.arange(len(first)), first].clip(1e-7)
    return Cell(right, float(-np.log(likelihood).mean()), round(seconds, 1))


def _accuracy(cell: Cell) -> float:
    return float(np.mean(next(iter(cell.right.values()))))


def table(cells: Mapping[str, Sequence[Cell]]) -> str:
    """One line for each way: accuracy over the seeds by every opinion, log loss, and seconds of training."""
    opinions = list(next(iter(cells.values()))[0].right)
    heads = ["way", *(f"accuracy, {name}" for name in opinions), "log loss", "seconds"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for way, some in cells.items():
        scores = np.array([[np.mean(cell.right[name]) for name in opinions] for cell in some])
        shown = [f"{mean:.3f} (sd {sd:.3f})" for mean, sd in zip(scores.mean(axis=0), scores.std(axis=0), strict=True)]
        loss, seconds = (float(np.mean([getattr(cell, name) for cell in some])) for name in ("log_loss", "seconds"))
        lines.append(f"| {way} | {' | '.join(shown)} | {loss:.3f} | {seconds:.0f} |")
    return "\n".join(lines)


def against(cells: Mapping[str, Sequence[Cell]], peer: str) -> str:
    """Each way over all held texts, with its interval, and its lead over a peer, paired text by text."""
    lines = [f"| way | accuracy | 95 % interval | lead over {peer} | 95 % interval |", "|---|---|---|---|---|"]
    dice = np.random.default_rng(0)
    theirs = _pooled(cells[peer])
    for way, some in cells.items():
        ours = _pooled(some)
        low, high = wilson_interval(float(ours.sum()), len(ours))
        picks = dice.integers(0, len(ours), (DRAWS, len(ours)))
        least, most = np.quantile((ours - theirs)[picks].mean(axis=1), (0.025, 0.975))
        lead = f"{ours.mean() - theirs.mean():+.3f} | {least:+.3f} to {most:+.3f}" if way != peer else " | "
        lines.append(f"| {way} | {ours.mean():.3f} | {low:.3f} to {high:.3f} | {lead} |")
    return "\n".join(lines)


def _pooled(cells: Sequence[Cell]) -> Floats:
    return np.concatenate([np.array(next(iter(cell.right.values())), dtype=float) for cell in cells])


if __name__ == "__main__":
    main()
