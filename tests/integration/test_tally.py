"""Counts of jobs in SQL, on both databases and from several writers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from core.db import reading, unit_of_work
from core.effects import Effect
from core.tally import Tally, count_job, tallies

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_runs_and_failures_by_queue_and_name(engine: Engine, effects: list[Effect]) -> None:
    for number, failed in enumerate([False, True, False]):
        with unit_of_work(engine, effects.extend) as session:
            count_job(session, "default", "import_batch", NOON + timedelta(minutes=number), failed=failed)
    with unit_of_work(engine, effects.extend) as session:
        count_job(session, "assignments", "sweep", NOON)
        count_job(session, "assignments", "sweep", NOON)
    with reading(engine) as session:
        assert tallies(session) == [
            Tally("assignments", "sweep", 2, 0, NOON),
            Tally("default", "import_batch", 3, 1, NOON + timedelta(minutes=2)),
        ]
    assert effects == []


def test_no_run_is_lost_between_writers(engine: Engine, effects: list[Effect]) -> None:
    def one(_number: int) -> None:
        with unit_of_work(engine, effects.extend) as session:
            count_job(session, "default", "export_project", NOON)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    with reading(engine) as session:
        assert [(row.runs, row.failures) for row in tallies(session)] == [(40, 0)]


def test_a_rolled_back_run_is_not_counted(engine: Engine, effects: list[Effect]) -> None:
    try:
        with unit_of_work(engine, effects.extend) as session:
            count_job(session, "default", "sweep", NOON)
            raise RuntimeError
    except RuntimeError:
        pass
    with reading(engine) as session:
        assert tallies(session) == []
