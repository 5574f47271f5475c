"""`make chaos`: rounds of ten faults, on each database in turn, until so many have struck; writes the report.

Ctrl-C or SIGTERM ends it; the report then holds what was survived so far. `--seed` and `--database` play one round
again. Two runs at once, each on a database of its own, make one report: `--log` keeps what one survived, and `--join`
takes it in.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from dataclasses import asdict
from pathlib import Path

from tests.chaos import report
from tests.chaos.crowd import PEOPLE
from tests.chaos.playing import play
from tests.chaos.report import Struck

DATABASES = ("sqlite", "postgresql")
ROUND = 10


def main() -> int:
    """The exit status: 0 where everything held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=200, help="of all rounds together")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each further one has the next")
    parser.add_argument("--database", choices=DATABASES, action="append", help="only this one")
    parser.add_argument("--report", type=Path, default=Path("docs/reports/chaos.md"))
    parser.add_argument("--log", type=Path, default=Path(os.devnull), help="where each survived fault is kept as well")
    parser.add_argument("--join", type=Path, action="append", default=[], help="such a file of another run")
    options = parser.parse_args()
    survived = [Struck(**json.loads(line)) for log in options.join for line in log.read_text().splitlines()]
    for stop in (signal.SIGINT, signal.SIGTERM):  # also where a shell has it ignored
        signal.signal(stop, signal.default_int_handler)
    status = 0
    ending = "Everything held."
    try:
        for number in range(-(-options.faults // ROUND)):
            database = (options.database or DATABASES)[number % len(options.database or DATABASES)]
            one_round(database, options.seed + number, survived, options.log)
    except KeyboardInterrupt:
        ending = "Stopped before its end; everything held until then."
    except AssertionError as error:
        ending, status = f"Broken: {error}", 1
        traceback.print_exception(error)
    report.write(options.report, survived, PEOPLE, ending)
    say(f"{len(survived)} faults survived; see {options.report}")
    return status


def one_round(database: str, seed: int, survived: list[Struck], log: Path) -> None:
    """Play a round and tell of each fault."""
    say(f"{database}, seed {seed}:")

    def told(one: Struck) -> None:
        survived.append(one)
        with log.open("a") as file:
            file.write(json.dumps(asdict(one)) + "\n")
        say(f"  {one.kind}: {one.answers} answers, {one.checked} compared, back in {one.seconds:.1f} s")

    directory = Path(tempfile.mkdtemp(prefix="lightwork-chaos-"))
    try:
        asyncio.run(play(directory / "disk", database, seed, ROUND, told))
    except AssertionError:
        say(f"the logs lie in {directory / 'log'}")
        raise
    shutil.rmtree(directory)


def say(line: str) -> None:
    """Tell whoever watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
