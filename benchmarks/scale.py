"""The next item, and a whole tap, with ever more open items: `python -m benchmarks.scale`.

A thousand people share a job; one of them, the veteran, has answered the first 10,000 items of the queue, which are
still open for the others. All sizes in turns, so that a busy machine is as busy for each. What counts are ratios
between sizes. `--full` adds a million items; `--draw` writes the plot of docs/scale.md.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from sqlalchemy import Engine, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from benchmarks.crowd import make_job, make_people
from benchmarks.scale_plot import draw
from benchmarks.servers import DATABASES, database
from bot.handling import handle
from bot.surface import Person, Tapped
from bot.tokens import make
from core.clock import now
from core.config import Settings
from core.db import make_engine, unit_of_work
from core.db.tables import table_of
from core.db.writer import Writer, make_writer
from core.leases import active_lease
from core.models import Assignment, Cursor, Item, Project, Worker
from core.search import Seeker, search

SIZES = (10_000, 100_000, 1_000_000)
PEOPLE = 1000
AT_THE_HEAD = 10_000
MOST_SECONDS = 60
ROUNDS = 200
"""Of each kind, for each size."""
WARM_UP = 20
REGULARS = 10
"""So many of the people answer while it is measured: a first answer is a rare one."""

ASSIGNMENT, ITEM = table_of(Assignment), table_of(Item)


@dataclass(frozen=True, slots=True)
class Size:
    """What was measured with so many open items; medians in milliseconds.

    pick, veteran_pick: the next item, of anybody and of who has answered the head of the queue. tap, veteran_tap:
    guard, annotation, consensus, next lease, what the card shows, commit.
    """

    database: str
    items: int
    pick: float
    veteran_pick: float
    tap: float
    veteran_tap: float


@dataclass(slots=True)
class Job:
    """A job of one size, and the milliseconds that were measured, by the names of `Size`."""

    engine: Engine
    writer: Writer
    settings: Settings
    project_id: int
    items: int
    people: Sequence[str]
    spent: dict[str, list[float]] = field(
        default_factory=lambda: {"pick": [], "veteran_pick": [], "tap": [], "veteran_tap": []}
    )

    @property
    def veteran(self) -> str:
        """Who has answered the head of the queue."""
        return self.people[0]


def main() -> None:
    """Measure, and print a table; with `--json` the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="a million items, too")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--draw", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sizes = [
        row for name in options.databases for row in measure(name, SIZES[: 3 if options.full else 2], options.rounds)
    ]
    for row in sizes:
        print(
            f"{row.database:<10} {row.items:>9,} items   pick {row.pick:6.3f} ms, veteran {row.veteran_pick:6.3f} ms"
            f"   tap {row.tap:6.2f} ms, veteran {row.veteran_tap:6.2f} ms"
        )
    found = ratios(sizes)
    print("\n".join(f"{name:<40} {ratio:6.2f}" for name, ratio in found.items()))
    if options.draw:
        options.draw.write_text(draw([asdict(row) for row in sizes]))
    if options.json:
        print(json.dumps({"sizes": [asdict(row) for row in sizes], "ratios": found}))


def measure(name: str, sizes: Sequence[int], rounds: int) -> list[Size]:
    """All sizes on one database, in turns."""
    with ExitStack() as stack:
        jobs = [_job(stack.enter_context(database(name)), items) for items in sizes]
        for number in range(WARM_UP + rounds):
            if number == WARM_UP:
                for job in jobs:
                    job.spent = {kind: [] for kind in job.spent}
            for job in jobs:
                _round(job)
        for job in jobs:
            job.writer.close()
            job.engine.dispose()
        return [Size(name, job.items, **{kind: median(all_) for kind, all_ in job.spent.items()}) for job in jobs]


def ratios(rows: Sequence[Size]) -> dict[str, float]:
    """Of the slowest size and the fastest one."""
    found = {}
    for name in dict.fromkeys(row.database for row in rows):
        for kind in ("pick", "veteran_pick", "tap", "veteran_tap"):
            values = [float(getattr(row, kind)) for row in rows if row.database == name]
            found[f"{kind}, {name}"] = max(values) / min(values)
    return found


def _job(settings: Settings, items: int) -> Job:
    engine = make_engine(settings)
    project_id = make_job(engine, items + AT_THE_HEAD)
    people = list(make_people(engine, project_id, PEOPLE, "telegram"))
    with unit_of_work(engine, lambda effects: None) as session:
        _answer_the_head(session, project_id, _worker_of(session, people[0]))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    writer = make_writer(engine, lambda effects: None)
    return Job(engine, writer, settings, project_id, items, people)


def _answer_the_head(session: Session, project_id: int, worker_id: int) -> None:
    """The traces of a worker's answers to the first items: their assignments, and the cursor behind them."""
    head = select(ITEM.c.id, ITEM.c.rank).where(ITEM.c.project_id == project_id).order_by(ITEM.c.rank)
    rows = session.execute(head.limit(AT_THE_HEAD)).all()
    held = set(session.scalars(select(ASSIGNMENT.c.item_id).where(ASSIGNMENT.c.worker_id == worker_id)))
    one = {"project_id": project_id, "worker_id": worker_id, "state": "submitted", "version": 1}
    one |= {"guidelines_version": 1, "surface": "telegram", "leased_at": now(), "expires_at": now(), "ended_at": now()}
    session.execute(insert(Assignment), [one | {"item_id": row.id} for row in rows if row.id not in held])
    session.execute(delete(Cursor).where(Cursor.worker_id == worker_id))
    session.add(Cursor(worker_id=worker_id, project_id=project_id, band=rows[-1].rank >> 56, rank=rows[-1].rank))


def _round(job: Job) -> None:
    """One of each kind, by the veteran and by anybody else."""
    other = random.choice(job.people[1 : 1 + REGULARS])
    for person, pick, tap in ((other, "pick", "tap"), (job.veteran, "veteran_pick", "veteran_tap")):
        job.spent[pick].append(_picked(job, person))
        job.spent[tap].append(_tapped(job, person))


def _picked(job: Job, external_id: str) -> float:
    """Find the next item and take it, with empty hands, in a transaction that is rolled back."""
    with Session(job.engine) as session, session.begin() as transaction:
        project = session.get_one(Project, job.project_id)
        seeker = Seeker(_worker_of(session, external_id), now())
        in_hand = update(Assignment).where(Assignment.worker_id == seeker.worker_id, Assignment.state == "active")
        session.execute(in_hand.values(state="released"))
        spent = _milliseconds(lambda: search(session, project, seeker, lease=True))
        transaction.rollback()
    return spent


def _tapped(job: Job, external_id: str) -> float:
    with Session(job.engine) as session:
        lease = active_lease(session, _worker_of(session, external_id), job.project_id)
    assert lease is not None, "nothing is open any more"
    label = random.choice("abcde")
    event = Tapped(
        Person("telegram", "", external_id, external_id), make("answer", lease.public_id, label, lease.version)
    )

    def tap() -> None:
        job.writer.submit(lambda session: handle(session, event, job.settings, now()), short=True).result(MOST_SECONDS)

    return _milliseconds(tap)


def _worker_of(session: Session, external_id: str) -> int:
    return session.scalars(select(Worker.id).where(Worker.name == literal(f"User {external_id}"))).one()


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
