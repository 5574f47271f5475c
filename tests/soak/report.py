"""What came of a soak, as a page."""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median

from tests.soak.load import PEOPLE
from tests.soak.retention import RULES
from tests.soak.soaking import SHARE, Soaked

HEAD = """\
# Soak

Written by `make soak`. `lightwork up` on SQLite and the embedded Valkey; {people} people answer in the web chat, first
as fast as they can ({highest:.0f} answers/s, measured together with the people on {cores} cores), then at {share:.0%}
of that for {minutes:.1f} minutes ({rate:.0f} answers/s kept up; from a tap to the next card {wait:.1f} ms in the
median, {worst:.0f} ms for the slowest in a hundred). What follows is from after the warm-up, the first third:
{answers} answers.

Growth compares the medians of the first and the last fifth.

| process | memory after the warm-up (MB) | at the end (MB) | growth |
|---|---:|---:|---:|
"""
TABLES = """
Tables, by what they grow with. A table that is in no row here fails a test.

| table | grows with | rows go | rows at the end | new rows per answer |
|---|---|---|---:|---:|
"""


def write(path: Path, soaked: Soaked) -> None:
    """Write the page."""
    head = HEAD.format(
        people=PEOPLE,
        highest=soaked.highest,
        cores=os.cpu_count(),
        share=SHARE,
        minutes=soaked.seconds / 60.0,
        rate=soaked.rate,
        wait=soaked.median_wait * 1000,
        worst=soaked.waits[int(len(soaked.waits) * 0.99)] * 1000,
        answers=soaked.answers,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(head + _processes(soaked) + TABLES + _tables(soaked), encoding="utf-8")


def _processes(soaked: Soaked) -> str:
    rows = []
    for name, samples in soaked.samples.items():
        size = max(1, len(samples) // 5)
        first, last = median(samples[:size]), median(samples[-size:])
        rows.append(f"| {name} | {first:.1f} | {last:.1f} | {soaked.growth(name):+.1%} |\n")
    return "".join(rows)


def _tables(soaked: Soaked) -> str:
    rows = []
    for table, rule in RULES.items():
        count, growth = soaked.rows[table][1], soaked.rows_per_answer(table)
        rows.append(f"| {table} | {rule.grows_with} | {rule.rule} | {count} | {growth:.3f} |\n")
    return "".join(rows)
