"""Taps through the whole product, next to the least and to the usual that they can cost: `python -m benchmarks.taps`.

The bot runs in this process, with its real clients, against a platform in another one; commits are durable. In the same
run: the floor (one fdatasync, one HTTP round trip over a plain socket, JSON), the library's two calls alone, and a
bot as a tutorial would have it. What counts are ratios of CPU, for the machine may have other things to do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks import floor, library
from benchmarks.crowd import make_job, make_people
from benchmarks.measured import HEADING, Taps
from benchmarks.naive import naive, payloads
from benchmarks.product import product
from benchmarks.servers import DATABASES, database, platform
from benchmarks.slack_server import TEAM
from benchmarks.tapping import RESTING_PEOPLE, Load, measure
from core.config import Settings

ITEMS = 10_000
RATE = 100.0
CROWDS = (8, 64)


def main() -> None:
    """Measure, and print a table and the ratios; with `--json` the last line is JSON."""
    options = parsed()
    rows: list[Taps] = []
    print(HEADING)
    with platform("telegram_server") as telegram, platform("slack_server") as slack:
        for name in options.databases:
            with database(name) as settings:
                # Those that are compared follow each other: the machine may be slower a minute later.
                rows += said(alone(name, telegram, options.taps))
                rows += said(of_product(settings, name, "telegram", "", telegram, options.taps))
                if not options.quick:
                    rows += said(of_naive(settings, name, telegram, min(options.taps, 1000)))
                rows += said(of_product(settings, name, "slack", TEAM, slack, options.taps))
    print()
    print("\n".join(f"{name:<64} {ratio:6.2f}" for name, ratio in ratios(rows).items()))
    if options.json:
        print(json.dumps({"runs": [asdict(row) for row in rows], "ratios": ratios(rows)}))


def parsed() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--taps", type=int, default=3000, help="of each run")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--quick", action="store_true", help="without the usual way")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def said(rows: Iterator[Taps]) -> list[Taps]:
    """Print each row as soon as it is measured."""
    measured = []
    for row in rows:
        print(row.line(), flush=True)
        measured.append(row)
    return measured


def alone(name: str, url: str, taps: int) -> Iterator[Taps]:
    """The floor, and the library without a bot behind it: to be compared with what follows on the database `name`."""
    with tempfile.TemporaryDirectory() as home:
        for people in CROWDS:
            yield replace(floor.measure(url, Path(home), people, taps), database=name)
        yield replace(floor.measure(url, Path(home), 1, taps, RATE), database=name)
    for people in CROWDS:
        for what, request in library.requests(people).items():
            yield replace(asyncio.run(library.measure(what, url, request, people, taps)), database=name)


def of_product(settings: Settings, name: str, surface: str, tenant: str, url: str, taps: int) -> Iterator[Taps]:
    """Closed loops and the open one."""
    with product(settings) as bot:
        start = {"telegram": bot.telegram, "slack": bot.slack}[surface]
        for load in loads(taps):
            project_id = make_job(bot.engine, ITEMS)
            cards = make_people(bot.engine, project_id, load.people, surface, tenant)
            yield asyncio.run(measure(surface, name, url, start, cards, load))


def of_naive(settings: Settings, name: str, url: str, taps: int) -> Iterator[Taps]:
    """The usual way, in closed loops."""
    with naive(settings, ITEMS) as bot:
        for people in CROWDS:
            load = Load(people, taps)
            yield asyncio.run(measure("naive", name, url, bot.telegram, payloads(people), load))


def loads(taps: int) -> Sequence[Load]:
    """How people tap."""
    return [*(Load(people, taps) for people in CROWDS), Load(RESTING_PEOPLE, taps, RATE)]


def ratios(rows: Sequence[Taps]) -> dict[str, float]:
    """What the product costs, next to the others of the same run."""
    known = {(row.what, row.database, row.people): row for row in rows}
    found = {}
    for row in rows:
        if row.what == "telegram":
            for peer in library.requests(1):
                found[f"CPU, {row.database}, {row.people} people / {peer}"] = (
                    row.cpu_ms / known[peer, row.database, row.people].cpu_ms
                )
            if usual := known.get(("naive", row.database, row.people)):
                found[f"CPU, {row.database}, {row.people} people / naive"] = row.cpu_ms / usual.cpu_ms
                found[f"p99, {row.database}, {row.people} people / naive"] = row.p99_ms / usual.p99_ms
        elif row.what.startswith("telegram,"):
            least = known["floor, open loop", row.database, 1].p99_ms
            found[f"p99, {row.database}, open loop / floor"] = row.p99_ms / least
    return found


if __name__ == "__main__":
    main()
