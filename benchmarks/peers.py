"""Answers over HTTP next to Label Studio and doccano: `python -m benchmarks.peers ENVIRONMENTS`.

Each server runs on SQLite, one after the other on the same machine, with the same items and the same number of people,
each with an account, who answer as soon as they see the next item. An answer is "next" and "annotation" through the
server's own HTTP interface: two requests for Label Studio, three for doccano, one for Lightwork, whose reply to a tap
brings the next card. CPU is that of all processes of a server. At the end the annotations in its database are counted.
ENVIRONMENTS is a folder with the peers' own virtual environments, `label-studio` and `doccano`; `--install` makes what
is not there. docs/peers.md tells more.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.peer_doccano import Doccano
from benchmarks.peer_label_studio import LabelStudio
from benchmarks.peer_lightwork import Lightwork
from benchmarks.peer_loop import Measured, measure
from benchmarks.peer_servers import Server

OURS = "lightwork"
SERVERS: Mapping[str, type[Server]] = {OURS: Lightwork, "label-studio": LabelStudio, "doccano": Doccano}


def main() -> None:
    """Measure, and print a table; with `--json` the last line is JSON."""
    options = parsed()
    if options.install:
        install(options.environments, [name for name in options.servers if name != OURS])
    rows = []
    for items in options.items:
        for name in options.servers:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
                server = SERVERS[name](Path(home), options.environments)
                rows.append(asyncio.run(measure(name, server, items, options.people, options.seconds)))
            print(line(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if options.json:
        print(json.dumps({"runs": [asdict(row) for row in rows], "ratios": ratios(rows)}))


def parsed() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environments", type=Path)
    parser.add_argument("--install", action="store_true", help="make the peers' environments where they are missing")
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--servers", nargs="+", choices=list(SERVERS), default=list(SERVERS))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def install(directory: Path, names: Sequence[str]) -> None:
    """Each of these peers into an environment of its own, unless it has one."""
    for name in names:
        home = directory.resolve() / name
        if (home / "bin" / name).exists():
            continue
        print(f"Installing {name} into {home} (some minutes) ...", file=sys.stderr, flush=True)
        subprocess.run((sys.executable, "-m", "venv", home), check=True)
        subprocess.run((home / "bin" / "pip", "install", "--quiet", *SERVERS[name].packages), check=True)


def ratios(rows: Sequence[Measured]) -> dict[str, dict[str, float]]:
    """Of each peer with each number of items: how many times our rate is, and how many times its CPU, to two digits."""
    ours = {row.items: row for row in rows if row.server == OURS}
    return {
        f"{row.server}, {row.items}": {
            "rate": round(mine.per_second / row.per_second, 2),
            "cpu": round(row.cpu_ms / mine.cpu_ms, 2),
        }
        for row in rows
        if row.server != OURS and (mine := ours.get(row.items)) is not None
    }


def table(rows: Sequence[Measured]) -> str:
    """Markdown; ratios are those between Lightwork and the peer with as many items."""
    lines = [
        "| server | items | answers/s | CPU per answer | p50 | p99 | failed | stored | lost | doubled "
        "| Lightwork's rate | its CPU |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    known = ratios(rows)
    for row in rows:
        than = known.get(f"{row.server}, {row.items}")
        beside = f"{than['rate']:.0f} times | 1/{than['cpu']:.0f}" if than else " | "
        lines.append(
            f"| {row.server} | {row.items:,} | {row.per_second:,.1f} | {row.cpu_ms:.2f} ms | {row.p50_ms:,.0f} ms "
            f"| {row.p99_ms:,.0f} ms | {row.failed} | {row.stored:,} | {row.lost} | {row.doubled} | {beside} |"
        )
    return "\n".join(lines)


def line(row: Measured) -> str:
    """One measurement, for those who wait."""
    return f"{row.server}, {row.items:,} items: {row.per_second:.1f} answers/s at {row.cpu_ms:.2f} ms CPU"


if __name__ == "__main__":
    main()
