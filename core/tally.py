"""How many RQ jobs of each kind have run, kept in SQL so that an emptied Redis forgets nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.upsert import insert_statement
from core.models import JobTally


@dataclass(frozen=True, slots=True)
class Tally:
    """Runs of one kind of job. `failures` are among the `runs`."""

    queue: str
    name: str
    runs: int
    failures: int
    last_run_at: datetime


def count_job(session: Session, queue: str, name: str, now: datetime, failed: bool = False) -> None:
    """Count one run of the job `name` of `queue`; exact under concurrency, on both databases.

    Args:
        name: dotted name of the job's function, at most 60 characters.
        failed: whether it raised.
    """
    statement = insert_statement(session, JobTally).values(
        queue=queue, name=name, runs=1, failures=int(failed), last_run_at=now
    )
    changes = {
        "runs": JobTally.runs + 1,
        "failures": JobTally.failures + int(failed),
        "last_run_at": statement.excluded.last_run_at,
    }
    session.execute(statement.on_conflict_do_update(index_elements=["queue", "name"], set_=changes))


def tallies(session: Session) -> list[Tally]:
    """All kinds of jobs that have ever run, by queue and name."""
    rows = session.scalars(
        select(JobTally).order_by(JobTally.queue, JobTally.name).execution_options(populate_existing=True)
    )
    return [Tally(row.queue, row.name, row.runs, row.failures, row.last_run_at) for row in rows]
