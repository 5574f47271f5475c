"""Forecasts held against what then happened: replays of real crowds, cut off at several points.

`python -m benchmarks.forecasts FOLDER...`, each with labels.csv and gold.csv. A replay is a job: the answers of a file
come in a seeded order and are taken while their item is open, by the decision rule and the learning of production
(`core.aggregation.engine`, `core.aggregation.value`). At each cut the job is forecast from what it has seen; the rest
of the replay says how many answers it took in truth, and the gold how many labels were right. Prints a Markdown table,
and with `--plot FILE` draws every cut.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.forecast_plot import draw
from core.aggregation.confusion import rows
from core.aggregation.correctness import Beliefs, accuracy, shared_mistakes
from core.aggregation.engine import Engine, learn, start, take
from core.aggregation.forecasting import Rule, Spread, answers_left, simulate, spread
from core.aggregation.policy import ERROR_COST, information_of
from core.aggregation.value import worth_asking
from core.arrays import Floats, Ints
from core.crowd_table import CrowdTable, read_gold, read_labels

CUTS = (0.2, 0.4, 0.6, 0.8)
ORDERS = ("mixed", "in turn")
"""All items side by side in a random order; or one item after the other, as a queue hands them out."""
LOOKS = 60
"""At so many moments of a replay its state is kept, to be cut at later."""
MAXIMUM, WORKERS = 8, 200
KEEP_SLACK = 2.0
OPEN, AGREED, DISPUTED = range(3)


@dataclass(frozen=True, slots=True)
class Look:
    """A job at one moment. taken: answers so far. open_at, stopped_at: items by their answers."""

    taken: int
    open_at: Ints
    stopped_at: Ints
    sure: Floats
    prior: Floats
    pooled: Floats
    workers: Floats


@dataclass(frozen=True, slots=True)
class Cut:
    """A forecast, and what happened: the answers that were really left, the share of labels that were right."""

    crowd: str
    order: str
    at: float
    left: int
    forecast: Spread
    right: float
    expected: Spread

    @property
    def holds(self) -> bool:
        """Whether the real number of answers lies in the interval."""
        return self.forecast.low <= self.left <= self.forecast.high


class Job:
    """A replayed job: the engine of production with a range of answers per item."""

    def __init__(self, table: CrowdTable, rule: Rule) -> None:
        self.engine: Engine = start(table.shape, rule.information)
        self.rule = rule
        self.answered = np.zeros(table.shape[0], dtype=np.int64)
        self.state = np.full(table.shape[0], OPEN)

    def offer(self, item: int, worker: int, answer: int) -> None:
        """One answer of the file: taken while the item is open."""
        if self.state[item] != OPEN:
            return
        grown = take(self.engine, item, worker, answer)
        self.answered[item] += 1
        self.state[item] = self._decide(item)
        if grown:
            learn(self.engine)
            for one in set(self.engine.items):
                self.state[one] = self._decide(one)

    def _decide(self, item: int) -> int:
        """As `core.consensus.decide`."""
        posterior, engine = self.engine.posteriors[item], self.engine
        if posterior is None or self.answered[item] < self.rule.minimum:
            return OPEN
        slack = KEEP_SLACK if self.state[item] == AGREED else 1.0
        if not worth_asking(posterior, engine.prior, engine.pooled, 1.0 / self.rule.information, slack):
            return AGREED
        return DISPUTED if self.answered[item] >= self.rule.maximum else OPEN

    def look(self) -> Look:
        """The job as a forecast sees it."""
        engine, counted = self.engine, np.minimum(self.answered, self.rule.maximum)
        there = np.bincount(engine.workers, minlength=engine.shape[1])
        drawn = np.random.default_rng(0).choice(engine.shape[1], WORKERS, p=there / there.sum())
        stopped = self.state != OPEN
        return Look(
            taken=len(engine.items),
            open_at=np.bincount(counted[~stopped], minlength=self.rule.maximum + 1),
            stopped_at=np.bincount(counted[stopped], minlength=self.rule.maximum + 1),
            sure=np.array([max(engine.posteriors[item] or [0.0]) for item in np.flatnonzero(stopped)]),
            prior=np.array(engine.prior),
            pooled=np.array(engine.pooled),
            workers=np.array([rows(engine.counts[worker], engine.pooled) for worker in drawn]),
        )


def forecast_at(look: Look, rule: Rule) -> tuple[Spread, Spread]:
    """Answers left and share of right labels, as `core.forecast` says them."""
    played = simulate(look.prior, look.pooled, look.workers, rule)
    left = spread(answers_left(look.open_at, look.stopped_at, played.chances, rule))
    still_open = np.full(len(played.confidences), look.open_at.sum() / len(played.confidences))
    sure = np.concatenate([look.sure, played.confidences])
    right = accuracy(Beliefs(sure, np.concatenate([np.ones(len(look.sure)), still_open])), shared_mistakes())
    assert right is not None
    return left, right


def replayed(crowd: str, table: CrowdTable, gold: Ints, order: str, seed: int) -> list[Cut]:
    """One replay, cut at `CUTS` of the answers that it took."""
    rule = rule_for(table)
    job, looks = Job(table, rule), []
    visits = visits_of(table, order, seed)
    step = max(1, len(visits) // LOOKS)
    for number, row in enumerate(visits, start=1):
        job.offer(int(table.item_index[row]), int(table.worker_index[row]), int(table.answer_index[row]))
        if number % step == 0:
            looks.append(job.look())
    learn(job.engine)
    total, right = len(job.engine.items), _right(job.engine, gold)
    cuts = []
    for at in CUTS:
        look = min(looks, key=lambda one: abs(one.taken - at * total))
        left, expected = forecast_at(look, rule)
        cuts.append(Cut(crowd, order, at, total - look.taken, left, right, expected))
    return cuts


def rule_for(table: CrowdTable) -> Rule:
    """A range that the file has answers for, and the usual aim."""
    usual = int(np.median(np.bincount(table.item_index)))
    maximum = max(1, min(MAXIMUM, usual))
    return Rule(min(3, max(1, maximum - 1)), maximum, information_of(ERROR_COST))


def visits_of(table: CrowdTable, order: str, seed: int) -> Ints:
    """The rows of a table in the order in which they come."""
    rng = np.random.default_rng(seed)
    visits = rng.permutation(len(table.item_index))
    if order == "in turn":
        turns = rng.permutation(table.shape[0])
        visits = visits[np.argsort(turns[table.item_index[visits]], kind="stable")]
    return visits


def _right(engine: Engine, gold: Ints) -> float:
    known = [item for item in np.flatnonzero(gold >= 0) if engine.posteriors[item] is not None]
    return float(np.mean([np.argmax(engine.posteriors[item] or []) == gold[item] for item in known]))


def all_cuts(folders: Sequence[Path], seeds: Sequence[int]) -> Iterator[Cut]:
    """Every crowd in every order with every seed."""
    for folder in folders:
        table = read_labels(folder / "labels.csv")
        gold = read_gold(folder / "gold.csv", table)
        for order in ORDERS:
            for seed in seeds:
                yield from replayed(folder.name, table, gold, order, seed)


def report(cuts: Sequence[Cut]) -> str:
    """A Markdown table by crowd and order, and the sums."""
    lines = [
        "| crowd | order | cuts | in the interval | typical error | right | forecast of it |",
        "|---|---|---|---|---|---|---|",
    ]
    for crowd, order in dict.fromkeys((cut.crowd, cut.order) for cut in cuts):
        some = [cut for cut in cuts if (cut.crowd, cut.order) == (crowd, order)]
        error = np.median([abs(cut.forecast.middle / max(1, cut.left) - 1.0) for cut in some])
        right, said = np.mean([cut.right for cut in some]), some[len(some) // 2].expected
        within = f"{sum(cut.holds for cut in some)} of {len(some)}"
        interval = f"{said.middle:.3f} ({said.low:.3f} to {said.high:.3f})"
        lines.append(f"| {crowd} | {order} | {len(some)} | {within} | {error:.0%} | {right:.3f} | {interval} |")
    held, sure = sum(cut.holds for cut in cuts), sum(cut.expected.low <= cut.right <= cut.expected.high for cut in cuts)
    by_cut = Counter(cut.at for cut in cuts if cut.holds)
    often = ", ".join(f"{at:.0%}: {by_cut[at] * len(CUTS) / len(cuts):.0%}" for at in CUTS)
    lines += ["", f"Answers in the 80 % interval: {held} of {len(cuts)} ({held / len(cuts):.0%}); by cut {often}."]
    return "\n".join(
        [*lines, f"Share of right labels in its interval: {sure} of {len(cuts)} ({sure / len(cuts):.0%})."]
    )


def main() -> None:
    """Replay, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="each with labels.csv and gold.csv")
    parser.add_argument("--seeds", type=int, default=1, help="orders of each kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--plot", type=Path, help="draw every cut into this SVG file")
    chosen = parser.parse_args()
    cuts = list(all_cuts(chosen.folders, range(chosen.first_seed, chosen.first_seed + chosen.seeds)))
    print(report(cuts))
    if chosen.plot is not None:
        bars = [(f"{cut.crowd}, {cut.order}", cut.left, cut.forecast) for cut in cuts]
        chosen.plot.write_text(draw(bars), encoding="utf-8")


if __name__ == "__main__":
    main()
