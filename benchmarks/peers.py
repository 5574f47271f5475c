"""Answers over HTTP next to Label Studio and doccano: `python -m benchmarks.peers ENVIRONMENTS`.

Each server runs on SQLite, one after the other on the same machine, with the same items and the same number of people
who answer as soon as they see the next item. An answer is "next" and "annotation" through the server's own HTTP
interface: two or three requests for the peers, one for Lightwork, whose answer to a tap brings the next card. CPU is
that of all processes of a server. ENVIRONMENTS holds the peers' own virtual environments, `label-studio` and `doccano`;
`--install` makes them first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import aiohttp

from benchmarks.peer_servers import PEERS, Failed, Server, Session, cpu_seconds

WARM_UP_SECONDS = 3.0
GRACE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One server with one number of items. cpu_ms: of an answer; p50_ms, p99_ms: until the next item was seen."""

    server: str
    items: int
    people: int
    answers: int
    failed: int
    per_second: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float


def main() -> None:
    """Measure, and print a table; with `--json` the last line is JSON."""
    options = parsed()
    if options.install:
        install(options.environments)
    rows = []
    for items in options.items:
        for name in options.servers:
            with tempfile.TemporaryDirectory() as home:
                server = PEERS[name](Path(home), options.environments)
                rows.append(asyncio.run(measure(name, server, items, options.people, options.seconds)))
            print(line(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))


def parsed() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environments", type=Path)
    parser.add_argument("--install", action="store_true", help="make the peers' environments first")
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--servers", nargs="+", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def install(directory: Path) -> None:
    """Each peer into an environment of its own."""
    for name in ("label-studio", "doccano"):
        subprocess.run((sys.executable, "-m", "venv", directory / name), check=True)
        subprocess.run((directory / name / "bin" / "pip", "install", "--quiet", *PEERS[name].packages), check=True)


async def measure(name: str, server: Server, items: int, people: int, seconds: float) -> Measured:
    """Closed loop: after a warm-up, `people` answer for `seconds`."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(120)) as outside:
        try:
            await server.start(outside, items, people)
            sessions = [await server.join(number) for number in range(people)]
            try:
                await answer_for(sessions, WARM_UP_SECONDS)
                cpu, began = cpu_seconds(server.pid), time.monotonic()
                waits, failed = await answer_for(sessions, seconds)
                spent, took = cpu_seconds(server.pid) - cpu, time.monotonic() - began
            finally:
                await asyncio.gather(*(session.close() for session in sessions))
        finally:
            server.stop()
    if not waits:
        raise SystemExit(f"{name} gave no answer within {seconds:.0f} seconds; {failed} failed.")
    ordered = sorted(waits)
    slowest = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    figures = (len(waits) / took, 1e3 * spent / len(waits), 1e3 * median(ordered), 1e3 * slowest)
    return Measured(name, items, people, len(waits), failed, *(round(figure, 2) for figure in figures))


async def answer_for(sessions: Sequence[Session], seconds: float) -> tuple[list[float], int]:
    """All people answer until the time is over; how long each answer took, and how many were refused."""
    waits: list[float] = []
    failures: list[str] = []
    end = time.monotonic() + seconds

    async def work(session: Session) -> None:
        while (began := time.monotonic()) < end:
            try:
                await session.answer()
            except Failed as failure:
                failures.append(str(failure))
                await asyncio.sleep(0.05)
            else:
                waits.append(time.monotonic() - began)

    async with asyncio.timeout(seconds + GRACE_SECONDS):
        await asyncio.gather(*(work(session) for session in sessions))
    if failures:
        print(f"{len(failures)} failed, the first: {failures[0]}", file=sys.stderr)
    return waits, len(failures)


def table(rows: Sequence[Measured]) -> str:
    """Markdown; ratios are against Lightwork with as many items."""
    ours = {row.items: row for row in rows if row.server == "lightwork"}
    lines = [
        "| server | items | answers/s | CPU ms per answer | p50 ms | p99 ms | Lightwork is faster | and needs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        mine = ours.get(row.items)
        faster = f"{mine.per_second / row.per_second:.0f} x" if mine and mine is not row else ""
        needs = f"1/{row.cpu_ms / mine.cpu_ms:.0f} of the CPU" if mine and mine is not row else ""
        lines.append(
            f"| {row.server} | {row.items:,} | {row.per_second:,.1f} | {row.cpu_ms:.2f} | {row.p50_ms:.1f} "
            f"| {row.p99_ms:.1f} | {faster} | {needs} |"
        )
    return "\n".join(lines)


def line(row: Measured) -> str:
    """One measurement, for those who wait."""
    return f"{row.server}, {row.items:,} items: {row.per_second:.1f} answers/s at {row.cpu_ms:.2f} ms CPU"


if __name__ == "__main__":
    main()
