"""Whether a model that labels by itself keeps its bound: `python -m benchmarks.accepting` prints tables in Markdown.

Each replay takes the texts of a set in another order. A fifth is the holdout; as many labels as a job may have by then
teach logistic regression on embeddings of the frozen default encoder, calibrated on the holdout; then labels of the
texts that nobody has labeled are accepted by the functions of production. Their true labels are known here, so the
true share of wrong ones is, too. `--noise` is the share of the holdout's labels that people got wrong. A small form is
`--only R8 --labels 600 --replays 5`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from benchmarks.active_data import SOURCES, Texts, load
from core.aggregation.acceptance import choose_threshold, exact_interval, is_broken
from core.arrays import Floats, Ints
from core.blind import HOLDOUT_SHARE
from trainer.calibration import calibrate, scaled
from trainer.linear import fit

BOUND = 0.05
AUDIT = 0.05
ALLOWED = 2
"""Of 20 replays, so many may exceed the bound."""


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay. waiting: texts that nobody had labeled; accepted: of them; wrong: of these, truly.

    covered: whether the interval of the audits holds the true share; broken: whether the audits took the labels back.
    """

    waiting: int
    accepted: int
    wrong: int
    covered: bool
    broken: bool

    @property
    def error(self) -> float:
        """The true share of wrong labels among the accepted."""
        return self.wrong / self.accepted if self.accepted else 0.0


def main() -> None:
    """Print a line for each set, and tell by the exit code whether the bound is kept often enough."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replays", type=int, default=20)
    parser.add_argument("--labels", type=int, nargs="+", default=[600, 1500], help="labels to learn from")
    parser.add_argument("--bound", type=float, default=BOUND)
    parser.add_argument("--noise", type=float, default=0.0, help="share of wrong labels on the holdout")
    parser.add_argument("--only", default="", help="part of the name of a set")
    options = parser.parse_args()
    print("| set | labels | labels saved | true error, mean | largest | above the bound | audits' interval holds |")
    print("|---|---|---|---|---|---|---|")
    kept = True
    for name in SOURCES:
        texts = load(name) if options.only in name else None
        for labels in options.labels if texts is not None else ():
            found = [replay(texts, labels, options.bound, options.noise, seed) for seed in range(options.replays)]
            kept &= sum(one.error > options.bound for one in found) <= ALLOWED * options.replays / 20
            print(row(name, labels, found, options.bound), flush=True)
    if not kept:
        print(f"The bound of {options.bound:.0%} was exceeded too often.", file=sys.stderr)
        sys.exit(1)


def replay(texts: Texts | None, labels: int, bound: float, noise: float, seed: int) -> Replay:
    """Learn, choose the threshold, accept, and see what was wrong."""
    if texts is None:
        raise ValueError("no texts")
    draw = np.random.default_rng(seed)
    vectors = np.concatenate([texts.vectors, texts.test_vectors])
    truth = np.concatenate([texts.labels, texts.test_labels])
    order = draw.permutation(len(truth))
    held, rest = np.split(order, [int(len(order) * HOLDOUT_SHARE)])
    # The holdout is labeled in step with the rest: of each five labels one lies there.
    held = held[: int(labels * HOLDOUT_SHARE / (1 - HOLDOUT_SHARE))]
    learned, waiting = np.split(rest, [labels])
    known = _noisy(truth, held, noise, draw)
    model = fit(vectors[learned], truth[learned])
    place = {label: at for at, label in enumerate(model.classes_)}
    actual = np.array([place.get(label, 0) for label in known])
    on_held, on_waiting = model.predict_proba(vectors[held]), model.predict_proba(vectors[waiting])
    temperature = calibrate(on_held, actual)[0] or 1.0
    on_held, on_waiting = scaled(on_held, temperature), scaled(on_waiting, temperature)
    right = model.classes_[on_held.argmax(axis=1)] == known
    chosen = choose_threshold(on_held.max(axis=1), right, bound)
    if chosen is None:
        return Replay(len(waiting), 0, 0, covered=True, broken=False)
    wrong = model.classes_[on_waiting.argmax(axis=1)] != truth[waiting]
    return _accepted(wrong[on_waiting.max(axis=1) >= chosen.confidence], len(waiting), bound, draw)


def _noisy(truth: Ints, held: Ints, noise: float, draw: np.random.Generator) -> Ints:
    """The labels of the holdout as people give them."""
    known = truth[held].copy()
    for place in np.flatnonzero(draw.random(len(known)) < noise):
        known[place] = draw.choice(np.setdiff1d(truth, known[place]))
    return known


def _accepted(wrong: Floats, waiting: int, bound: float, draw: np.random.Generator) -> Replay:
    """What comes of the texts that the model is sure of: a share is audited, the others are accepted."""
    audited = draw.random(len(wrong)) < AUDIT
    mistakes, count = int(wrong[audited].sum()), int(audited.sum())
    left = wrong[~audited]
    low, high = exact_interval(mistakes, count)
    share = float(left.mean()) if len(left) else 0.0
    return Replay(waiting, len(left), int(left.sum()), low <= share <= high, is_broken(mistakes, count, bound))


def row(name: str, labels: int, found: list[Replay], bound: float) -> str:
    """One line of the table."""
    labeling = [one for one in found if one.accepted]
    errors = [one.error for one in labeling] or [0.0]
    saved = float(np.mean([one.accepted / one.waiting for one in found]))
    above = sum(one.error > bound for one in found)
    covered = sum(one.covered for one in labeling)
    return (
        f"| {name} | {labels} | {saved:.0%} of the rest, in {len(labeling)} of {len(found)} | {np.mean(errors):.1%} "
        f"| {max(errors):.1%} | {above} of {len(found)} | {covered} of {len(labeling)} |"
    )


if __name__ == "__main__":
    main()
