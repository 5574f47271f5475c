"""Exports that cannot be written come to an end, and whoever asked is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Retry, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select

from core import jobs
from core.db import reading
from core.exporting import export_for_chat, request_export, unfinished_exports
from core.models import ExportRequest, Project
from core.queue import DEFAULT, queue
from tests.integration.finishing.job import NOON, Job


def failing(job: Job, monkeypatch: pytest.MonkeyPatch, *, last: bool) -> int:
    """An export that was asked for, in a home that cannot be written; its id."""
    monkeypatch.setattr(jobs, "process_runtime", lambda: job.runtime)
    monkeypatch.setattr(jobs, "is_last_attempt", lambda: last)
    monkeypatch.setattr(jobs, "now", lambda: NOON)
    (job.settings.home / "exports").write_text("a file where the directory should be")
    with job.writing() as session:
        project = session.get_one(Project, job.project_id)
        return request_export(session, project, job.olga, "labels", "csv", NOON).id


def state_of(job: Job, request_id: int) -> str:
    with reading(job.engine) as session:
        return session.get_one(ExportRequest, request_id).state


def test_an_export_stays_owed_while_it_is_retried(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = failing(job, monkeypatch, last=False)
    with pytest.raises(OSError, match="exports"):
        jobs.export_project(request_id)
    assert (state_of(job, request_id), job.messages()) == ("due", [])


def test_an_export_that_fails_for_good_is_told_and_not_retried(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = failing(job, monkeypatch, last=True)
    with pytest.raises(OSError, match="exports"):
        jobs.export_project(request_id)
    assert (state_of(job, request_id), job.messages()) == ("failed", [("export_failed", job.olga)])
    with reading(job.engine) as session:
        assert unfinished_exports(session) == []
    message = job.shown()
    assert message is not None
    assert "could not be written" in message.text
    jobs.export_project(request_id)
    assert len(job.messages()) == 1


def test_rq_tells_the_last_attempt(redis: Redis, tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    one = queue(DEFAULT, redis)
    one.enqueue("tests.integration.sample_jobs.fail_noting_attempt", str(noted), retry=Retry(max=2))
    worker = SimpleWorker([one], connection=redis, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")
    assert [line.split(" ", 1)[1] for line in noted.read_text().splitlines()] == ["not last", "not last", "last"]


def test_an_export_that_kills_its_worker_ends_after_a_day(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = failing(job, monkeypatch, last=False)
    export_for_chat(job.runtime, request_id, NOON + timedelta(days=1, seconds=1))
    assert (state_of(job, request_id), job.messages()) == ("failed", [("export_failed", job.olga)])


def test_the_end_is_told_even_where_its_labels_cannot_be_written(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(job, monkeypatch, last=True)
    job.turn("agreed", "agreed", "agreed")
    assert job.ends()
    with reading(job.engine) as session:
        result = session.scalars(select(ExportRequest.id).where(ExportRequest.kind == "result")).one()
    with pytest.raises(OSError, match="exports"):
        jobs.export_project(result)
    message = job.shown()
    assert message is not None
    assert message.attachment is None
    assert "/export tries again" in message.text
