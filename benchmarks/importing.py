"""Import and export of many items next to a floor: reading the same file and writing it into a table without an index.

The file has texts, ids and, for one row in a hundred, a known one of five labels. The import runs in a process of its
own, as in production; with `--taps` people answer meanwhile, in the same project and through dispatch. All commits are
durable. Times depend on the machine: the ratios count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from benchmarks.importing_crowd import Crowd
from benchmarks.importing_floor import reading_floor, writing_floor
from benchmarks.postgresql import postgresql
from core.cli.migrate import migrate
from core.clock import now
from core.config import Settings, load_settings
from core.db import make_engine, unit_of_work
from core.importing import create_batch, receive, store
from core.models import Project
from tests.factories import make_member, make_project

LABELS = ("Sunny", "Rain", "Snow", "Storm", "Other")
COLUMNS = {"text": "text", "id": "id", "gold": "label"}
KNOWN_EVERY = 100
OPEN_ITEMS = 5_000
"""Items that people answer while the others are loaded."""
FORMATS = ("csv", "jsonl", "xlsx")


@dataclass(frozen=True, slots=True)
class House:
    """A database with a project, and the home beside it."""

    settings: Settings
    engine: Engine
    project_id: int
    worker_id: int


def write_file(path: Path, rows: int) -> None:
    """A CSV of so many different texts of about 100 characters, some of them quoted."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("id,text,label\r\n")
        for number in range(rows):
            words = f"Sunny all weekend here in Portland {number * 7919 % rows}! I could get used to this"
            sentence = f'"{words}, really: ""{number}"""' if number % 10 == 0 else f"{words} {number}"
            label = LABELS[number // KNOWN_EVERY % len(LABELS)] if number % KNOWN_EVERY == 0 else ""
            file.write(f"tweet-{number},{sentence},{label}\r\n")


def make_house(settings: Settings) -> House:
    """A migrated database with one project that has open items."""
    migrate(settings)
    engine = make_engine(settings)
    with unit_of_work(engine, lambda effects: None) as session:
        worker = make_member(session, "poster", "coordinator")
        project = make_project(session, [f"open {number}" for number in range(OPEN_ITEMS)], LABELS, now())
        return House(settings, engine, project.id, worker.id)


def post(house: House, path: Path) -> tuple[int, float]:
    """Receive and keep the file as the chat does; the batch, and seconds of the first look."""
    started = time.perf_counter()
    received = receive(path, path.name)
    looked = time.perf_counter() - started
    with unit_of_work(house.engine, lambda effects: None) as session:
        project = session.get_one(Project, house.project_id)
        upload = store(session, house.settings, project.workspace_id, house.worker_id, path, received, now())
        return create_batch(session, project, upload, COLUMNS, house.worker_id, now()).id, looked


async def apart(house: House, *arguments: str) -> dict[str, float]:
    """Run one step in a process of its own: what it says, with its peak memory."""
    command = [sys.executable, "-m", "benchmarks.importing_step", str(house.settings.home)]
    command += [str(house.settings.database_url), *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}")
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


def decide_all(house: House, batch_id: int) -> None:
    """Give every item of a batch a label, as if people had."""
    decided = "UPDATE item SET state = 'agreed', label_id = 'a', confidence = 0.9 WHERE batch_id = :id"
    with house.engine.begin() as connection:
        connection.execute(text(decided), {"id": batch_id})


async def measure(house: House, file: Path, rows: int, people: int) -> dict[str, Any]:
    """Import and then export everything; with `people` above 0 while they answer."""
    batch_id, looked = post(house, file)
    floor = writing_floor(house.engine, file)
    imported, taps = await under_taps(house, people, "import", str(batch_id))
    result: dict[str, Any] = {"database": house.engine.dialect.name, "rows": rows, "receive_s": looked}
    result["import"] = compared(imported, floor) | {"taps": taps}
    decide_all(house, batch_id)
    floor = reading_floor(house.engine, house.project_id)
    for name in FORMATS:
        written, taps = await under_taps(house, people, "export", str(house.project_id), name)
        result[name] = compared(written, floor) | {"taps": taps}
    return result


async def under_taps(house: House, people: int, *step: str) -> tuple[dict[str, float], dict[str, float]]:
    """Run a step while people answer; what it says, and what they waited."""
    crowd = Crowd(house.settings, house.engine, people)
    async with crowd:
        found = await apart(house, *step)
    return found, crowd.waits()


def compared(step: dict[str, float], floor: float) -> dict[str, Any]:
    """A step with its rate and its ratio to the floor, which took so many seconds for the same rows."""
    return step | {"per_second": step["rows"] / step["seconds"], "of_floor": step["seconds"] / floor}


def show(result: dict[str, Any]) -> None:
    """One line for each step."""
    print(f"{result['database']}, {result['rows']:,} rows; first look at the file {result['receive_s']:.2f} s")
    for name in ("import", *FORMATS):
        step = result[name]
        print(
            f"  {name:7} {step['seconds']:7.1f} s {step['per_second']:9,.0f}/s {step['of_floor']:6.1f} x floor"
            f" {step['cpu_s']:6.1f} s CPU {step['peak_mb']:6.0f} MB",
            end="",
        )
        if taps := step["taps"]:
            print(f"   {taps['taps']:6,.0f} taps, p50 {taps['p50_ms']:.0f}, p99 {taps['p99_ms']:.0f} ms", end="")
        print()


def main() -> None:
    """Print the table, or JSON with `--json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="the full form: 1000000")
    parser.add_argument("--taps", type=int, default=0, metavar="N", help="people who answer meanwhile, twice a second")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "items.csv"
        write_file(file, options.rows)
        for name in ("sqlite", "postgresql") if options.database == "both" else (options.database,):
            home = Path(directory) / name
            home.mkdir()
            with postgresql() if name == "postgresql" else nullcontext(f"sqlite:///{home}/lightwork.sqlite") as url:
                settings = load_settings(LIGHTWORK_HOME=home, DATABASE_URL=url, _env_file=None)
                house = make_house(settings)
                results.append(asyncio.run(measure(house, file, options.rows, options.taps)))
                house.engine.dispose()
            if not options.json:
                show(results[-1])
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
