"""What came of the rounds, as a page."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault that was survived.

    answers: accepted since the fault before; checked: compared with the ledger after it; seconds: from its beginning
    until everybody had an answer saved again; disk: in words, how it gets full.
    """

    database: str
    seed: int
    kind: str
    answers: int
    checked: int
    seconds: float
    disk: str


HEAD = """\
# Chaos

Written by `make chaos`. Real processes ({databases}) work for {people} people in the web chat and on
Telegram, while one fault after another strikes. After each of them everybody is held between two cards, and these are
compared:

- every acknowledged answer is there exactly once, with its label, by the ledger that the people keep; nothing else is;
- no item has more answers than its maximum, unless marked as surplus; slots and counts equal what the rows say;
- no lease has outlived its time by more than a minute;
- the money owed is the price of each accepted answer;
- the outbox drains, and the file that the coordinator asked for comes.

{faults} faults, {answers} answers given, {checked} comparisons of an answer with its row. Seeds {seeds}; {cores} cores.
The disk is {disk}. The clock is that of Lightwork's processes (`core.clock`); RQ and Redis keep
the machine's, so that after a jump the clocks disagree.

| fault | {columns} | answers given | answers compared | all at work again, median (s) | longest (s) |
|---|{rules}|---:|---:|---:|---:|
"""
TAIL = "\n{ending}\n"


def write(path: Path, rounds: Sequence[Struck], people: int, ending: str) -> None:
    """Write the page for what was survived so far.

    Args:
        ending: how the run ended, in a sentence.
    """
    databases = sorted({one.database for one in rounds})
    by_kind: dict[str, list[Struck]] = defaultdict(list)
    for one in rounds:
        by_kind[one.kind].append(one)
    head = HEAD.format(
        databases=" and ".join(databases),
        people=people,
        faults=len(rounds),
        answers=sum(one.answers for one in rounds),
        checked=sum(one.checked for one in rounds),
        seeds=", ".join(str(seed) for seed in sorted({one.seed for one in rounds})),
        cores=os.cpu_count(),
        disk=" or ".join(sorted({one.disk for one in rounds})),
        columns=" | ".join(databases),
        rules="|".join("---:" for _ in databases),
    )
    rows = [_row(kind, of_kind, databases) for kind, of_kind in sorted(by_kind.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + "\n".join(rows) + "\n" + TAIL.format(ending=ending), encoding="utf-8")


def _row(kind: str, struck: Sequence[Struck], databases: Sequence[str]) -> str:
    counts = " | ".join(str(sum(one.database == database for one in struck)) for database in databases)
    seconds = [one.seconds for one in struck]
    given, checked = sum(one.answers for one in struck), sum(one.checked for one in struck)
    return f"| {kind} | {counts} | {given} | {checked} | {median(seconds):.1f} | {max(seconds):.1f} |"
