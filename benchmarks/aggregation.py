"""Dawid-Skene of many labels beside crowd-kit's, each in a process of its own, and the cost of one online update."""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from core.aggregation import confusion, online
from core.aggregation.annotations import Annotations
from core.aggregation.dawid_skene import fit
from core.arrays import Ints

ITERATIONS = 20
CONTENDERS = ("lightwork", "crowd-kit")
UPDATES = 20_000


def make_crowd(annotations: int, items: int, workers: int, classes: int, seed: int) -> tuple[Annotations, Ints]:
    """Workers of several accuracies who err evenly, and the truth; each item has equally many answers."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, items)
    item_index = np.arange(annotations) % items
    turns = np.arange(annotations) // items  # a shift by the turn, so that nobody answers an item twice
    worker_index = (rng.integers(0, workers, items)[item_index] + turns * (workers // (turns.max() + 1))) % workers
    right = rng.random(annotations) < rng.beta(7, 3, workers)[worker_index]
    wrong = (truth[item_index] + rng.integers(1, classes, annotations)) % classes
    answers = np.where(right, truth[item_index], wrong)
    return Annotations(item_index, worker_index, answers, (items, workers, classes)), truth


def run_lightwork(crowd: Annotations) -> Ints:
    """The labels after `ITERATIONS` rounds of our EM."""
    columns = crowd.items, crowd.workers, crowd.answers
    fitted = fit(*columns, crowd.shape, iterations=ITERATIONS, strength=0.0, tolerance=0.0)
    labels: Ints = fitted.posteriors.argmax(axis=1)
    return labels


def run_crowd_kit(frame: Any) -> Ints:
    """The labels after as many rounds of crowd-kit's."""
    from crowdkit.aggregation import DawidSkene

    labels: Ints = DawidSkene(n_iter=ITERATIONS, tol=-1e9).fit_predict(frame).sort_index().to_numpy()
    return labels


def contend(contender: str, path: Path) -> dict[str, float]:
    """Aggregate a stored crowd in this process: seconds, and MiB by which memory grew at most."""
    with np.load(path) as stored:
        crowd = Annotations(stored["items"], stored["workers"], stored["answers"], tuple(stored["shape"].tolist()))
        truth = stored["truth"]
    table: Any = crowd
    if contender == "crowd-kit":
        table = _frame(crowd)
    gc.collect()
    before, start = _resident(), time.perf_counter()
    labels = run_lightwork(crowd) if contender == "lightwork" else run_crowd_kit(table)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "mib": peak - before, "accuracy": float((labels == truth).mean())}


def _frame(crowd: Annotations) -> Any:
    """Made, and crowd-kit imported, before the clock starts."""
    warnings.simplefilter("ignore")  # crowd-kit's own imports warn
    import crowdkit.aggregation  # noqa: F401
    import pandas  # type: ignore[import-untyped]

    return pandas.DataFrame({"task": crowd.items, "worker": crowd.workers, "label": crowd.answers})


def _resident() -> float:
    """MiB in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure_updates(classes: int, seed: int) -> float:
    """Microseconds in which one annotation changes an item's posterior and its worker's counts."""
    rng = np.random.default_rng(seed)
    pooled = confusion.default_pooled(classes)
    posterior, counts = online.uniform(classes), confusion.empty_counts(classes)
    answers = rng.integers(0, classes, UPDATES).tolist()
    start = time.perf_counter()
    for number, answer in enumerate(answers):
        if number % 5 == 0:
            posterior = online.uniform(classes)
        posterior = online.update(posterior, confusion.column(counts, pooled, answer))
        confusion.add_answer(counts, posterior, answer)
    return (time.perf_counter() - start) / UPDATES * 1e6


def compare(crowd: Annotations, truth: Ints) -> dict[str, dict[str, float]]:
    """What each contender took, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crowd.npz"
        columns = {"items": crowd.items, "workers": crowd.workers, "answers": crowd.answers}
        np.savez(path, shape=np.array(crowd.shape), truth=truth, **columns)  # type: ignore[arg-type]
        return {name: _apart(name, path) for name in CONTENDERS}


def _apart(contender: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.aggregation", "--contend", contender, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    taken: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=5_000)
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one object, on the last line")
    parser.add_argument("--contend", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contend:
        print(json.dumps(contend(given.contend[0], Path(given.contend[1]))))
        return
    crowd, truth = make_crowd(given.annotations, given.items, given.workers, given.classes, given.seed)
    taken = compare(crowd, truth)
    ours, theirs = (taken[name] for name in CONTENDERS)
    found = {
        **taken,
        "iterations": ITERATIONS,
        "times_as_fast": theirs["seconds"] / ours["seconds"],
        "share_of_memory": ours["mib"] / theirs["mib"],
        "online_update_microseconds": measure_updates(given.classes, given.seed),
    }
    print(json.dumps(found) if given.json else describe(found))


def describe(found: dict[str, Any]) -> str:
    """The figures side by side."""
    lines = [f"Dawid-Skene, {found['iterations']} iterations      seconds     MiB   accuracy"]
    for name in CONTENDERS:
        taken = found[name]
        lines.append(f"{name:<30} {taken['seconds']:8.2f} {taken['mib']:7.0f}   {taken['accuracy']:.4f}")
    lines.append(f"{found['times_as_fast']:.1f} times as fast, with {found['share_of_memory']:.2f} of the memory.")
    lines.append(f"One online update: {found['online_update_microseconds']:.1f} microseconds.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
