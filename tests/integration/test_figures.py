"""What the installation owes, as Prometheus reads it: on both databases, bounded, and honest about what is away."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from redis import Redis
from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.exc import OperationalError

from core.clock import now
from core.config import Settings
from core.db import make_engine, unit_of_work
from core.effects import EnqueueJob
from core.metrics import DATABASE_ERRORS
from core.models import Assignment, Item, OutboxMessage, Project, TrainingRun, Worker
from core.monitoring import figures
from core.monitoring.figures import Installation
from core.monitoring.readiness import Readiness, needs
from core.queue import DEFAULT, TRAINING, connect, enqueue
from core.tally import count_job
from tests.factories import make_member, make_project

NOTE = "tests.integration.sample_jobs.note"
MOMENT = now().replace(microsecond=0)


@pytest.fixture
def registry(engine: Engine, redis: Redis, tmp_path: Path) -> CollectorRegistry:
    """A registry with the figures of an installation at `MOMENT`."""
    made = CollectorRegistry()
    made.register(Installation(engine, redis, tmp_path, clock=lambda: MOMENT))
    return made


def test_an_empty_installation_owes_nothing(registry: CollectorRegistry) -> None:
    for name in ("leases_open", "leases_overdue", "outbox_messages", "outbox_oldest_seconds"):
        assert registry.get_sample_value(f"lightwork_{name}") == 0
    assert registry.get_sample_value("lightwork_queue_jobs", {"queue": DEFAULT, "state": "waiting"}) == 0
    assert registry.get_sample_value("lightwork_queue_oldest_seconds", {"queue": DEFAULT}) == 0
    for source in ("database", "redis"):
        assert registry.get_sample_value("lightwork_figures_up", {"source": source}) == 1
    assert (registry.get_sample_value("lightwork_home_free_bytes") or 0) > 0


def test_leases_outbox_runs_and_jobs_are_counted(engine: Engine, registry: CollectorRegistry) -> None:
    with unit_of_work(engine, lambda _effects: None) as session:
        project = make_project(session)
        for item, late in zip(session.scalars(select(Item)).all(), (-600, 30, 90), strict=True):
            session.add(lease(item, make_member(session), late))
        for seconds in (-5, 40, 700):
            session.add(owed(project, seconds))
        for state, ended in (("done", 300), ("failed", 100), ("due", None)):
            session.add(run(project, state, ended))
        for failed in (False, True):
            count_job(session, DEFAULT, "import_batch", MOMENT, failed=failed)
    sample = registry.get_sample_value
    assert (sample("lightwork_leases_open"), sample("lightwork_leases_overdue")) == (3, 1)
    assert (sample("lightwork_outbox_messages"), sample("lightwork_outbox_oldest_seconds")) == (2, 700)
    assert [sample("lightwork_training_runs", {"state": state}) for state in ("done", "failed", "due")] == [1, 1, 1]
    assert sample("lightwork_training_last_timestamp_seconds", {"state": "done"}) == MOMENT.timestamp() - 300
    labels = {"queue": DEFAULT, "name": "import_batch"}
    assert (sample("lightwork_jobs_run_total", labels), sample("lightwork_jobs_failed_total", labels)) == (2, 1)
    assert sample("lightwork_job_last_timestamp_seconds", labels) == MOMENT.timestamp()


def lease(item: Item, worker: Worker, late_seconds: int) -> Assignment:
    return Assignment(
        project_id=item.project_id,
        item_id=item.id,
        worker_id=worker.id,
        state="active",
        guidelines_version=1,
        surface="web",
        leased_at=MOMENT - timedelta(hours=1),
        expires_at=MOMENT - timedelta(seconds=late_seconds),
    )


def owed(project: Project, due_for_seconds: int) -> OutboxMessage:
    return OutboxMessage(
        worker_id=project.created_by_id,
        workspace_id=project.workspace_id,
        kind="import_done",
        params={},
        lane=2,
        dedupe_key=f"owed-{due_for_seconds}",
        not_before=MOMENT - timedelta(seconds=due_for_seconds),
        expires_at=MOMENT + timedelta(hours=1),
        created_at=MOMENT,
    )


def run(project: Project, state: str, ended_before_seconds: int | None) -> TrainingRun:
    ended = None if ended_before_seconds is None else MOMENT - timedelta(seconds=ended_before_seconds)
    made = TrainingRun(project_id=project.id, trigger="button", state=state, created_at=MOMENT)
    made.finished_at = ended
    return made


def test_what_is_open_is_found_by_its_index(sqlite_engine: Engine) -> None:
    statements: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement != "BEGIN":
            statements.append((statement, parameters))

    event.listen(sqlite_engine, "before_cursor_execute", note)
    figures.of_database(sqlite_engine, MOMENT)
    event.remove(sqlite_engine, "before_cursor_execute", note)
    with sqlite_engine.connect() as connection:
        plans = [
            str(row[3])
            for statement, parameters in statements
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        ]
    assert len(statements) == 4
    for table in ("assignment", "outbox_message"):
        looks = [plan for plan in plans if table in plan.split()]
        assert looks, plans
        assert all("INDEX" in plan for plan in looks), looks


def test_the_age_of_a_queue_is_that_of_its_head(registry: CollectorRegistry, redis: Redis, tmp_path: Path) -> None:
    for number in range(2):
        enqueue(redis, EnqueueJob(TRAINING, NOTE, (str(tmp_path), "x"), f"job-{number}"))
    redis.hset("rq:job:job-0", "enqueued_at", (MOMENT - timedelta(minutes=7)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    assert registry.get_sample_value("lightwork_queue_jobs", {"queue": TRAINING, "state": "waiting"}) == 2
    assert registry.get_sample_value("lightwork_queue_oldest_seconds", {"queue": TRAINING}) == 420


def test_what_is_away_is_told_and_does_not_hide_the_rest(engine: Engine, tmp_path: Path) -> None:
    registry = CollectorRegistry()
    registry.register(Installation(engine, connect("redis://127.0.0.1:1/0"), tmp_path))
    sample = registry.get_sample_value
    assert sample("lightwork_figures_up", {"source": "redis"}) == 0
    assert sample("lightwork_figures_up", {"source": "database"}) == 1
    assert sample("lightwork_leases_open") == 0


def test_errors_of_the_database_are_counted(settings: Settings) -> None:
    kind = {"kind": "OperationalError"}
    engine = make_engine(settings)
    before = DATABASE_ERRORS.labels(**kind)._value.get()
    with pytest.raises(OperationalError), engine.connect() as connection:
        connection.exec_driver_sql("SELECT nothing FROM nowhere")
    engine.dispose()
    assert DATABASE_ERRORS.labels(**kind)._value.get() == before + 1


def test_ready_where_all_is_there(engine: Engine, redis_url: str) -> None:
    assert Readiness(needs(engine, redis_url)).missing() == {}


def test_not_ready_without_redis_or_migrations(settings: Settings) -> None:
    engine = make_engine(settings)
    missing = Readiness(needs(engine, "redis://127.0.0.1:1/0")).missing()
    engine.dispose()
    assert missing["redis"] == "does not answer"
    assert "run lightwork migrate" in missing["migrations"]
    assert "database" not in missing


def test_not_ready_without_a_database() -> None:
    engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none", connect_args={"connect_timeout": 1})
    missing = Readiness(needs(engine, "redis://127.0.0.1:1/0")).missing()
    engine.dispose()
    assert missing["database"] == "does not answer (OperationalError)"
    assert "nobody" not in str(missing)
