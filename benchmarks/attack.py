"""Spammers join a replayed crowd: `python -m benchmarks.attack FOLDER` prints what they cost, as a table in Markdown.

FOLDER has labels.csv (task, worker, label) and gold.csv (task, label). Three in ten workers, and of visits, are
spammers, as many of each kind. A twentieth of the items is known, and asked blind of everybody who comes by. The engine
of production decides what is asked; at each re-estimation the filters look at everybody, and whom a default rule
pauses is asked no more; what they alone decided is asked again. The same crowd without spammers is replayed beside.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.aggregation.answer_log import AnswerLog, Skills
from core.aggregation.confusion import rows
from core.aggregation.engine import Engine, discard, learn, start, take, taken, wants
from core.aggregation.filters import find
from core.aggregation.policy import ERROR_COST, information_of
from core.aggregation.result import Result, accuracy
from core.arrays import Ints
from core.crowd_table import CrowdTable, read_gold, read_labels
from core.quality import RULES

SPAM_SHARE = 0.3
KNOWN_SHARE = 0.05
PAUSING = [kind for kind, action in RULES.items() if action in ("pause", "ban")]


@dataclass(slots=True)
class Attack:
    """A crowd under attack. Workers from `honest` on are spammers.

    known: labels of known items. given: answers so far of each item, by worker. right: gold of every item.
    """

    table: CrowdTable
    gold: Ints
    known: dict[int, int]
    honest: int
    random: np.random.Generator
    given: list[dict[int, int]]
    paused: set[int] = field(default_factory=set)

    @property
    def labels(self) -> int:
        """How many labels there are to choose from."""
        return len(self.table.labels)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one replay: share of right labels among items not known, answers per item, who was paused."""

    accuracy: float
    per_item: float
    honest_paused: int
    spammers_paused: int


def at_random(attack: Attack, item: int, worker: int) -> int:
    """Any label."""
    return int(attack.random.integers(attack.labels))


def constant(attack: Attack, item: int, worker: int) -> int:
    """One label always, not the same for all."""
    return worker % attack.labels


def copying(attack: Attack, item: int, worker: int) -> int:
    """What the ring agreed on for this item, which is any label."""
    return int(np.random.default_rng((item, attack.honest)).integers(attack.labels))


def primed(attack: Attack, item: int, worker: int) -> int:
    """What most have said so far; any label where nobody has."""
    votes = np.bincount(list(attack.given[item].values()), minlength=attack.labels)
    return int(votes.argmax()) if votes.any() else at_random(attack, item, worker)


def gold_spotting(attack: Attack, item: int, worker: int) -> int:
    """Right on known items, any label elsewhere."""
    return attack.known.get(item, at_random(attack, item, worker))


KINDS: tuple[Callable[[Attack, int, int], int], ...] = (at_random, constant, copying, primed, gold_spotting)


def play(table: CrowdTable, gold: Ints, seed: int, spam_share: float = SPAM_SHARE) -> Outcome:
    """Replay a crowd with a share of spammers among workers and visits; 0: without any."""
    random = np.random.default_rng(seed)
    honest = len(table.workers)
    known_items = random.random(len(table.items)) < KNOWN_SHARE
    known = {int(item): int(gold[item]) for item in np.flatnonzero(known_items & (gold >= 0))}
    spammers = round(honest * spam_share / (1.0 - spam_share))
    attack = Attack(table, gold, known, honest, random, [{} for _ in table.items])
    visits = random.permutation(np.concatenate([_honest_visits(table), _spam_visits(attack, spammers)]))
    shape = (len(table.items), honest + spammers, max(2, attack.labels))
    engine = start(shape, information_of(ERROR_COST), known)
    for item, worker, answer in visits.tolist():
        if worker in attack.paused or not (item in known or wants(engine, item, worker)):
            continue
        if worker >= honest:
            answer = KINDS[worker % len(KINDS)](attack, item, worker)
        attack.given[item][worker] = answer
        if take(engine, item, worker, answer):
            _look(attack, engine)
    return _outcome(attack, engine)


def _honest_visits(table: CrowdTable) -> Ints:
    return np.stack([table.item_index, table.worker_index, table.answer_index], axis=1)


def _spam_visits(attack: Attack, spammers: int) -> Ints:
    """As busy as the honest: each spammer comes as often as some honest worker."""
    busy = np.bincount(attack.table.worker_index, minlength=attack.honest)
    visits = []
    for spammer in range(spammers):
        items = attack.random.permutation(len(attack.table.items))[: attack.random.choice(busy)]
        visits.append(np.stack([items, np.full_like(items, attack.honest + spammer), np.zeros_like(items)], axis=1))
    return np.concatenate([np.zeros((0, 3), dtype=np.int64), *visits])


def _look(attack: Attack, engine: Engine) -> None:
    """Re-estimate, and pause whom the rules pause; without their answers everything is estimated once more."""
    learn(engine)
    known = np.full(engine.shape[0], -1)
    known[list(attack.known)] = list(attack.known.values())
    answers = taken(engine)
    log = AnswerLog(answers.items, answers.workers, answers.answers, engine.shape, known)
    confusion = np.array([rows(counts, engine.pooled) for counts in engine.counts])
    found = find(log, Skills(np.array(engine.prior), confusion))
    paused = {one.worker for one in found if one.kind in PAUSING}
    if paused:
        attack.paused |= paused
        discard(engine, paused)
        learn(engine)


def _outcome(attack: Attack, engine: Engine) -> Outcome:
    asked = sum(map(len, attack.given))
    posteriors = learn(engine).posteriors
    judged = attack.gold.copy()
    judged[list(attack.known)] = -1
    everybody = np.ones(len(judged), dtype=np.int64)
    right = accuracy(Result(posteriors, np.zeros(engine.shape[1]), None), judged, everybody)
    honest = sum(worker < attack.honest for worker in attack.paused)
    return Outcome(right or 0.0, asked / len(judged), honest, len(attack.paused) - honest)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=8)
    options = parser.parse_args()
    table = read_labels(options.folder / "labels.csv")
    gold = read_gold(options.folder / "gold.csv", table)
    print("| crowd | accuracy | answers per item | honest paused | spammers paused |\n|---|---|---|---|---|")
    for name, share in (("without spammers", 0.0), (f"{SPAM_SHARE:.0%} spammers", SPAM_SHARE)):
        runs = [play(table, gold, seed, share) for seed in range(options.seeds)]
        honest = np.mean([run.honest_paused for run in runs]) / len(table.workers)
        spammers = round(len(table.workers) * share / (1.0 - share))
        stopped = np.mean([run.spammers_paused for run in runs]) / max(1, spammers)
        right, spread = np.mean([run.accuracy for run in runs]), np.std([run.accuracy for run in runs])
        per_item = np.mean([run.per_item for run in runs])
        print(f"| {name} | {right:.4f} (sd {spread:.4f}) | {per_item:.2f} | {honest:.1%} | {stopped:.0%} |")


if __name__ == "__main__":
    main()
