"""Taps through dispatch on SQLite, next to the floor of one fdatasync each; ratios, because machines differ."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from sqlalchemy import Engine

from bot.dispatch import Dispatcher
from bot.surface import Command, Edit, Message, Outcome, Person, Send, Tapped
from bot.tokens import make
from core.clock import now
from core.config import load_settings
from core.db import make_engine, unit_of_work
from core.db.writer import make_writer
from core.enrolment import create_invite, ensure_workspace
from core.models import Base
from core.queue import connect
from tests.factories import make_project

ITEMS = 5000


def floor(directory: Path, rounds: int) -> float:
    """Seconds of one 4 KiB write with fdatasync, the least that a durable commit can cost."""
    spent = []
    with (directory / "floor").open("wb") as file:
        for _ in range(rounds):
            start = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - start)
    return median(spent)


async def measure(directory: Path, people: int, taps: int) -> dict[str, float]:
    """Closed loop: `people` tap as soon as they see the next card."""
    settings = load_settings(LIGHTWORK_HOME=directory, _env_file=None)
    engine = make_engine(settings)
    Base.metadata.create_all(engine)
    code = prepare(engine, people)
    writer = make_writer(engine, lambda effects: None)
    dispatch = Dispatcher(settings, writer, connect("redis://127.0.0.1:1"), engine)
    waits: list[float] = []

    async def work(number: int) -> None:
        person = Person("web", "", f"p{number}", f"p{number}", locale="en")
        await dispatch(Command(person, "start", code))
        await dispatch(Tapped(person, make("agree")))
        card = shown(await dispatch(Command(person, "next")))
        for _ in range(taps // people):
            start = time.perf_counter()
            card = shown(await dispatch(Tapped(person, card.buttons[0][0].payload)))
            waits.append(time.perf_counter() - start)

    started, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work(number) for number in range(people)))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    await asyncio.to_thread(writer.close)
    engine.dispose()
    waits.sort()
    return {
        "people": people,
        "taps_per_second": len(waits) / wall,
        "cpu_ms_per_tap": cpu / len(waits) * 1000,
        "p50_ms": waits[len(waits) // 2] * 1000,
        "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
    }


def shown(outcome: Outcome) -> Message:
    """The card in an outcome."""
    return next(reply.message for reply in outcome.replies if isinstance(reply, (Edit, Send)))


def prepare(engine: Engine, people: int) -> str:
    """A project with open items, and an invite for everybody."""
    with unit_of_work(engine, lambda effects: None) as session:
        workspace = ensure_workspace(session, now())
        code = create_invite(session, workspace.id, "worker", people, now())
        make_project(session, [f"item {number}" for number in range(ITEMS)], ("Yes", "No", "Unsure"), now())
    return code


def main() -> None:
    """Print the table, or JSON with `--json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--taps", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        least = floor(Path(directory), 200)
        rows = []
        for people in (1, 8, 64):
            home = Path(directory) / str(people)
            home.mkdir()
            rows.append(asyncio.run(measure(home, people, options.taps)))
    if options.json:
        print(json.dumps({"fdatasync_ms": least * 1000, "runs": rows}))
        return
    print(f"one fdatasync: {least * 1000:.2f} ms, at most {1 / least:.0f} commits/s one by one")
    for row in rows:
        ratio = row["taps_per_second"] * least
        print(
            f"{row['people']:3.0f} people: {row['taps_per_second']:6.0f} taps/s ({ratio:.2f} of the floor), "
            f"{row['cpu_ms_per_tap']:.2f} ms CPU, p50 {row['p50_ms']:.1f} ms, p99 {row['p99_ms']:.1f} ms"
        )


if __name__ == "__main__":
    main()
