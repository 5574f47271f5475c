"""What an annotation costs in statements, rows, bytes, log and jobs: `python -m benchmarks.annotation_cost`.

Counted, not guessed: people answer a job of ten thousand items with five labels, one tap after the other, and what the
database then holds is compared with what it held before. docs/scale.md calculates with these numbers.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session

from benchmarks.crowd import make_job, make_people
from benchmarks.servers import DATABASES, database
from bot.handling import handle
from bot.surface import Person, Tapped
from bot.tokens import make
from core.clock import now
from core.config import Settings
from core.db import is_sqlite, make_engine, unit_of_work
from core.effects import Effect, EnqueueJob
from core.leases import active_lease
from core.models import Identity

ITEMS, PEOPLE, TAPS = 10_000, 50, 3000
GROWING = ("annotation", "assignment")
TABLES = (*GROWING, "item", "skill", "participation", "cursor")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one annotation. statements: without BEGIN and COMMIT. bytes: of tables and indexes; `item_bytes`, of an item.

    log_bytes: of PostgreSQL's write-ahead log; 0 where it is not told. jobs: ids of RQ, which are enqueued once each.
    """

    database: str
    statements: float
    rows: float
    bytes: float
    item_bytes: float
    log_bytes: float
    jobs: float


def main() -> None:
    """Measure, and print a line for each database; with `--json` the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--taps", type=int, default=TAPS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    costs = []
    for name in options.databases:
        with database(name) as settings:
            costs.append(measure(name, settings, options.taps))
            print(costs[-1])
    if options.json:
        print(json.dumps([asdict(cost) for cost in costs]))


def measure(name: str, settings: Settings, taps: int) -> Cost:
    """The cost of an annotation on one database."""
    engine = make_engine(settings)
    empty = sizes(engine)
    project_id = make_job(engine, ITEMS)
    filled = sizes(engine)
    people = list(make_people(engine, project_id, PEOPLE, "telegram"))
    before, rows, log = sizes(engine), counts(engine), log_position(engine)
    statements: list[str] = []
    effects: list[Effect] = []
    for number in range(taps):
        tap(engine, settings, project_id, people[number % PEOPLE], effects, statements)
    made = sum(counts(engine)) - sum(rows)
    jobs = len({one.job_id for one in effects if isinstance(one, EnqueueJob)})
    grown = sum(sizes(engine).values()) - sum(before.values())
    cost = Cost(
        name,
        statements=len(statements) / taps,
        rows=made / taps,
        bytes=grown / taps,
        item_bytes=(filled["item"] - empty["item"]) / ITEMS,
        log_bytes=(log_position(engine) - log) / taps,
        jobs=jobs / taps,
    )
    engine.dispose()
    return cost


def tap(
    engine: Engine,
    settings: Settings,
    project_id: int,
    external_id: str,
    effects: list[Effect],
    statements: list[str],
) -> None:
    """One answer, as dispatch has it done; what it does and asks for is put into the lists."""
    with Session(engine.execution_options(lightwork_read_only=True)) as session:
        worker_id = session.scalars(select(Identity.worker_id).where(Identity.external_id == external_id)).one()
        lease = active_lease(session, worker_id, project_id)
    assert lease is not None, "nothing is open any more"
    payload = make("answer", lease.public_id, random.choice("abcde"), lease.version)
    person = Person("telegram", "", external_id, external_id)
    with _listening(engine, statements), unit_of_work(engine, effects.extend) as session:
        handle(session, Tapped(person, payload), settings, now())


@contextmanager
def _listening(engine: Engine, statements: list[str]) -> Iterator[None]:
    """Put what is executed inside into a list."""

    def listen(_connection: Any, _cursor: Any, said: str, *_rest: Any) -> None:
        statements.append(said)

    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", listen)


def counts(engine: Engine) -> Sequence[int]:
    """Rows of the tables that a tap writes."""
    with engine.connect() as connection:
        return [connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in TABLES]


def sizes(engine: Engine) -> dict[str, int]:
    """Bytes of the tables that a tap writes, with their indexes."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not is_sqlite(engine):
            connection.execute(text("VACUUM ANALYZE"))
            size = text("SELECT pg_total_relation_size(CAST(:name AS regclass))")
        else:
            size = text(
                "SELECT sum(pgsize) FROM dbstat WHERE name IN (SELECT name FROM sqlite_master WHERE tbl_name = :name)"
            )
        return {table: int(connection.execute(size, {"name": table}).scalar_one() or 0) for table in TABLES}


def log_position(engine: Engine) -> int:
    """Bytes that PostgreSQL has ever written to its log."""
    if is_sqlite(engine):
        return 0
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")).scalar_one())


if __name__ == "__main__":
    main()
