"""What the whole installation owes, read from SQL and Redis when Prometheus asks. One process tells it: `schedule`.

Every statement is bounded and goes by an index of what is open, so that a database of any size is asked the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from rq.job import Job
from rq.utils import utcparse
from sqlalchemy import Engine, Row, func, select, text
from sqlalchemy.orm import Session

from core.clock import now
from core.db import reading
from core.db.tables import table_of
from core.models import Assignment, JobTally, OutboxMessage, TrainingRun
from core.models.labeling import ACTIVE
from core.models.messages import PENDING
from core.monitoring.lookout import Lookout
from core.queue import QUEUES, queue, waiting_counts

MOST_ROWS = 100_000
"""What is open is counted up to here; more of it is an alarm whatever the number."""
MOST_RUNS = 10_000
OVERDUE = timedelta(seconds=60)
"""A lease that lives longer than this beyond its time is one that nobody ended."""

Clock = Callable[[], datetime]
Figures = list[Metric]


class Installation(Collector):
    """A collector for the registry of Prometheus."""

    def __init__(self, engine: Engine, redis: Redis, home: Path, clock: Clock = now) -> None:
        self._home = home
        self._sources: dict[str, Lookout[Figures]] = {
            "database": Lookout(lambda: of_database(engine, clock())),
            "redis": Lookout(lambda: of_redis(redis, clock())),
        }

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not look at anything."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All figures that can be had in time, and which sources gave theirs."""
        up = GaugeMetricFamily("lightwork_figures_up", "Whether a source answered in time.", labels=["source"])
        for name, lookout in self._sources.items():
            figures = lookout.found()
            up.add_metric([name], float(figures is not None))
            yield from figures or []
        yield up
        yield _gauge("lightwork_home_free_bytes", "Room left where uploads, models and SQLite lie.", self._free_bytes())

    def _free_bytes(self) -> float:
        return float(shutil.disk_usage(self._home).free)


def of_database(engine: Engine, now: datetime) -> Figures:
    """Leases, outbox, training runs and job counts.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database is away, or not migrated.
    """
    with reading(engine) as session:
        return [*_leases(session, now), *_outbox(session, now), *_runs(session), *_jobs_run(session)]


def of_redis(redis: Redis, now: datetime) -> Figures:
    """What waits in the queues, and for how long.

    Raises:
        redis.exceptions.RedisError: Redis is away.
    """
    jobs = GaugeMetricFamily("lightwork_queue_jobs", "RQ jobs by queue and state.", labels=["queue", "state"])
    oldest = GaugeMetricFamily(
        "lightwork_queue_oldest_seconds", "How long the job at the head of a queue has waited.", labels=["queue"]
    )
    for name, counts in waiting_counts(redis).items():
        for state, count in counts.items():
            jobs.add_metric([name, state], count)
    for name in QUEUES:
        oldest.add_metric([name], _waited_seconds(redis, name, now))
    return [jobs, oldest]


def _waited_seconds(redis: Redis, name: str, now: datetime) -> float:
    head = queue(name, redis).get_job_ids(0, 1)
    enqueued_at: Any = redis.hget(Job.key_for(head[0]), "enqueued_at") if head else None
    return max(0.0, (now - utcparse(enqueued_at.decode())).total_seconds()) if enqueued_at else 0.0


def _leases(session: Session, now: datetime) -> Figures:
    assignment = table_of(Assignment)
    # The condition is written out: SQLite takes a partial index only where it stands in the statement to the letter.
    some = select(assignment.c.expires_at).where(text(ACTIVE)).limit(MOST_ROWS).subquery()
    overdue = func.count().filter(some.c.expires_at < now - OVERDUE)
    row = session.execute(select(func.count(), overdue).select_from(some)).one()
    return [
        _gauge("lightwork_leases_open", "Items that are in somebody's hands.", row[0]),
        _gauge("lightwork_leases_overdue", "Leases that should have been ended a minute ago.", row[1]),
    ]


def _outbox(session: Session, now: datetime) -> Figures:
    message = table_of(OutboxMessage)
    due = (message.c.not_before <= now, message.c.expires_at > now)
    some = select(message.c.not_before).where(text(PENDING), *due).limit(MOST_ROWS).subquery()
    count, oldest = session.execute(select(func.count(), func.min(some.c.not_before)).select_from(some)).one()
    age = max(0.0, (now - oldest).total_seconds()) if oldest is not None else 0.0
    return [
        _gauge("lightwork_outbox_messages", "Messages that could be sent now and are not.", count),
        _gauge("lightwork_outbox_oldest_seconds", "How long the oldest of them has been due.", age),
    ]


def _runs(session: Session) -> Figures:
    run = table_of(TrainingRun)
    some = select(run.c.state, run.c.finished_at).order_by(run.c.id.desc()).limit(MOST_RUNS).subquery()
    rows = session.execute(select(some.c.state, func.count(), func.max(some.c.finished_at)).group_by(some.c.state))
    runs = GaugeMetricFamily("lightwork_training_runs", "Training runs by state, the newest 10,000.", labels=["state"])
    last = GaugeMetricFamily(
        "lightwork_training_last_timestamp_seconds", "When the last run ended, by how it ended.", labels=["state"]
    )
    for state, count, finished_at in rows:
        runs.add_metric([state], count)
        if finished_at is not None:
            last.add_metric([state], finished_at.timestamp())
    return [runs, last]


def _jobs_run(session: Session) -> Figures:
    tally = table_of(JobTally)
    labels = ["queue", "name"]
    run = CounterMetricFamily("lightwork_jobs_run", "RQ jobs that have ended, ever, by queue and name.", labels=labels)
    failed = CounterMetricFamily("lightwork_jobs_failed", "Those of them that failed.", labels=labels)
    last = GaugeMetricFamily(
        "lightwork_job_last_timestamp_seconds", "When a job of this name last ended.", labels=labels
    )
    row: Row[Any]
    for row in session.execute(select(tally)):
        names = [row.queue, row.name]
        run.add_metric(names, row.runs)
        failed.add_metric(names, row.failures)
        last.add_metric(names, row.last_run_at.timestamp())
    return [run, failed, last]


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=float(value))
