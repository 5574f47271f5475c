"""A worker that is told to stop: a job that takes too long is interrupted and given back; what hangs leaves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq.registry import ScheduledJobRegistry

from core.config import Settings
from core.effects import EnqueueJob
from core.queue import DEFAULT, enqueue, queue
from tests.processes import ROOT, end, start_python
from tests.waiting import eventually

WORK = "tests.integration.sample_jobs.work_for"
IMPATIENT = """
from core.cli import workers
from core.config import load_settings
from core.embedded import redis_url
workers.FINISH_SECONDS = 0.5
workers.work(redis_url(load_settings()), workers.light_worker)
"""
STUCK = """
import signal, sys, time
from core.stopping import leave_in_time
signal.signal(signal.SIGTERM, lambda *_: leave_in_time(0.2))
print("ready", flush=True)
while True:
    time.sleep(600)
"""


@pytest.fixture
def worker(settings: Settings, redis_url: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a worker that gives a job half a second to end; killed after the test."""
    started = []

    def begin() -> subprocess.Popen[bytes]:
        started.append(start_python(settings.home, ["-c", IMPATIENT], "worker", REDIS_URL=redis_url))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def words(journal: Path) -> list[str]:
    return [line.split()[1] for line in journal.read_text().splitlines()] if journal.exists() else []


def test_a_long_job_is_interrupted_and_given_back(
    redis: Redis, tmp_path: Path, settings: Settings, worker: Callable[[], subprocess.Popen[bytes]]
) -> None:
    journal = tmp_path / "journal"
    enqueue(redis, EnqueueJob(DEFAULT, WORK, (str(journal), 60), "long"))
    enqueue(redis, EnqueueJob(DEFAULT, WORK, (str(journal), 0), "next"))
    running = worker()
    eventually(lambda: words(journal) == ["begin"], 30)
    assert end(running, seconds=8) == 0
    assert words(journal) == ["begin"], "it did not end, and no other was begun"
    assert ScheduledJobRegistry(queue=queue(DEFAULT, redis)).get_job_ids() == ["long"]
    assert queue(DEFAULT, redis).job_ids == ["next"]
    log = (settings.home / "test-worker.log").read_text()
    assert "job_interrupted" in log
    assert "stopped_hard" not in log


def test_a_short_job_is_finished(
    redis: Redis, tmp_path: Path, worker: Callable[[], subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.IMPATIENT", IMPATIENT.replace("0.5", "30"))
    journal = tmp_path / "journal"
    enqueue(redis, EnqueueJob(DEFAULT, WORK, (str(journal), 1), "short"))
    running = worker()
    eventually(lambda: words(journal) == ["begin"], 30)
    assert end(running) == 0
    assert words(journal) == ["begin", "end"]


def test_a_process_that_hangs_leaves_by_itself() -> None:
    process = subprocess.Popen([sys.executable, "-c", STUCK], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert end(process, seconds=10) == 1
    process.stdout.close()
