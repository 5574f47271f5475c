"""The RQ workers as real processes: kill -9, a Redis that goes away, SIGTERM in the middle of a job."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis
from rq.registry import ScheduledJobRegistry

from core.abandoned import retry_expired
from core.cli import horse_care
from core.config import Settings
from core.effects import EnqueueJob
from core.embedded import redis_url as find_redis
from core.queue import ASSIGNMENTS, DEFAULT, TRAINING, connect, enqueue, queue, waiting_counts
from tests.processes import end, is_alive, start, start_python
from tests.waiting import eventually

NOTE = "tests.integration.sample_jobs.note"
WORK = "tests.integration.sample_jobs.work_for"
FAIL = "tests.integration.sample_jobs.fail"
OUTLIVE = "tests.integration.sample_jobs.outlive_execution"
QUICK = """
import sys
from core.cli import workers
from core.cli.workers import work
from core.config import load_settings
from core.embedded import redis_url
workers.ABANDONED_AFTER_SECONDS, workers.HEARTBEAT_SECONDS = 3, 1
work(redis_url(load_settings()), getattr(workers, sys.argv[1]))
"""
"""A worker that counts as dead after 3 s instead of 20."""

Launch = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where the sample jobs write."""
    return tmp_path / "journal"


@pytest.fixture
def launch(settings: Settings, redis_url: str) -> Iterator[Launch]:
    """Starts a quick worker by the name of its maker; whatever still runs at the end is killed."""
    started = []

    def begin(maker: str) -> subprocess.Popen[bytes]:
        started.append(start_python(settings.home, ["-c", QUICK, maker], maker, REDIS_URL=redis_url))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def words(journal: Path) -> list[str]:
    return [line.split()[1] for line in lines(journal)]


def lines(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


def test_light_jobs_run_in_order_of_their_queues(redis: Redis, journal: Path, launch: Launch) -> None:
    enqueue(redis, EnqueueJob(DEFAULT, NOTE, (str(journal), "import"), "b"))
    enqueue(redis, EnqueueJob(ASSIGNMENTS, NOTE, (str(journal), "lease"), "a"))
    worker = launch("light_worker")
    eventually(lambda: len(words(journal)) == 2)
    assert words(journal) == ["lease", "import"]
    assert {line.split()[0] for line in lines(journal)} == {str(worker.pid)}
    assert end(worker) == 0


def test_a_failed_job_is_retried_and_the_worker_lives(redis: Redis, journal: Path, launch: Launch) -> None:
    worker = launch("light_worker")
    enqueue(redis, EnqueueJob(DEFAULT, FAIL, (str(journal),), "bad"))
    enqueue(redis, EnqueueJob(DEFAULT, NOTE, (str(journal), "next"), "good"))
    eventually(lambda: words(journal) == ["failing", "next"])
    assert waiting_counts(redis)[DEFAULT]["scheduled"] == 1
    assert worker.poll() is None


def test_a_long_job_is_not_taken_for_abandoned(redis: Redis, journal: Path, launch: Launch) -> None:
    launch("light_worker")
    enqueue(redis, EnqueueJob(DEFAULT, WORK, (str(journal), 5), "long"))
    eventually(lambda: words(journal) == ["begin"])

    def over() -> bool:
        retry_expired(redis)
        return "end" in words(journal)

    eventually(over, 15)
    assert words(journal) == ["begin", "end"]
    assert waiting_counts(redis)[DEFAULT]["scheduled"] == 0


@pytest.mark.parametrize(("maker", "name"), [("light_worker", DEFAULT), ("training_worker", TRAINING)])
def test_a_job_of_a_killed_worker_is_given_back(
    redis: Redis, journal: Path, launch: Launch, maker: str, name: str
) -> None:
    worker = launch(maker)
    enqueue(redis, EnqueueJob(name, WORK, (str(journal), 60), "long"))
    eventually(lambda: words(journal) == ["begin"], 20)
    runs_in = int(lines(journal)[0].split()[0])
    end(worker, signal.SIGKILL)

    def given_back() -> bool:
        retry_expired(redis)
        return bool(ScheduledJobRegistry(queue=queue(name, redis)).get_job_ids() == ["long"])

    eventually(given_back, 20)
    eventually(lambda: not is_alive(runs_in))


@pytest.mark.parametrize("half_written", [False, True])
@pytest.mark.parametrize(("maker", "name"), [("light_worker", DEFAULT), ("training_worker", TRAINING)])
def test_a_job_that_is_done_is_no_failure_though_its_execution_has_run_out(
    redis: Redis, journal: Path, launch: Launch, settings: Settings, maker: str, name: str, half_written: bool
) -> None:
    enqueue(redis, EnqueueJob(name, OUTLIVE, (str(journal), half_written), "done"))
    enqueue(redis, EnqueueJob(name, NOTE, (str(journal), "next"), "next"))
    launch(maker)
    eventually(lambda: "next" in words(journal), 20)
    eventually(lambda: redis.exists("rq:job:next") == 0)
    assert words(journal) == ["done", "next"]
    counts = waiting_counts(redis)[name]
    assert counts == {"waiting": 0, "scheduled": 0, "running": 0, "failed": 0}
    assert redis.exists("rq:job:done") == 0
    log = (settings.home / f"test-{maker}.log").read_text()
    assert "exception raised" not in log
    assert "terminated unexpectedly" not in log


def test_a_retry_that_succeeds_soon_after_its_process_died_is_no_failure(
    redis: Redis, journal: Path, launch: Launch
) -> None:
    """The id of the first execution is still there, its hash is not any more."""
    enqueue(redis, EnqueueJob(DEFAULT, NOTE, (str(journal), "done"), "twice"))
    redis.zadd("rq:executions:twice", {"of-a-dead-process": time.time() + 60})
    launch("light_worker")
    eventually(lambda: redis.exists("rq:job:twice") == 0)
    assert words(journal) == ["done"]
    assert waiting_counts(redis)[DEFAULT]["scheduled"] == 0
    assert redis.exists("rq:executions:twice") == 0


def test_how_a_process_ended_is_known_however_often_one_asks() -> None:
    for command, status in (("exit 3", 3 << 8), ("kill -9 $$", 9), ("exit 0", 0)):
        pid = os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ)
        assert horse_care.ending(pid) == horse_care.ending(pid) == (pid, status)
        horse_care.bury(pid)
        horse_care.bury(pid)
        assert horse_care.ending(pid) == (None, None)


def test_the_worker_finishes_its_job_before_it_stops(redis: Redis, journal: Path, launch: Launch) -> None:
    worker = launch("light_worker")
    enqueue(redis, EnqueueJob(DEFAULT, WORK, (str(journal), 2), "long"))
    eventually(lambda: words(journal) == ["begin"])
    assert end(worker) == 0
    assert words(journal) == ["begin", "end"]


def test_a_training_has_a_process_of_its_own_without_secrets(settings: Settings, journal: Path, tmp_path: Path) -> None:
    server = start(settings.home, "valkey")
    eventually(lambda: (settings.home / "valkey" / "url").exists())
    eventually(lambda: _answers(settings))
    worker = start_python(settings.home, ["-c", QUICK, "training_worker"], "trainer")
    try:
        redis = connect(find_redis(settings))
        enqueue(redis, EnqueueJob(TRAINING, WORK, (str(journal), 3), "train"))
        eventually(lambda: words(journal) == ["begin"], 20)
        pid = int(lines(journal)[0].split()[0])
        assert pid != worker.pid
        password = find_redis(settings).split(":")[2].split("@")[0]
        assert password not in Path(f"/proc/{pid}/cmdline").read_text()
        eventually(lambda: words(journal) == ["begin", "end"], 20)
        eventually(lambda: not is_alive(pid))
        eventually(lambda: redis.exists("rq:job:train") == 0)
        redis.close()
    finally:
        assert end(worker) == 0
        end(server)


def test_a_training_is_interrupted_by_sigterm_and_comes_back(redis: Redis, journal: Path, launch: Launch) -> None:
    worker = launch("training_worker")
    enqueue(redis, EnqueueJob(TRAINING, WORK, (str(journal), 60), "train"))
    eventually(lambda: words(journal) == ["begin"], 20)
    pid = int(lines(journal)[0].split()[0])
    assert end(worker, seconds=8) == 0
    assert not is_alive(pid)
    assert ScheduledJobRegistry(queue=queue(TRAINING, redis)).get_job_ids() == ["train"]


def test_an_emptied_redis_does_not_stop_the_workers(redis: Redis, journal: Path, launch: Launch) -> None:
    light, training = launch("light_worker"), launch("training_worker")
    enqueue(redis, EnqueueJob(DEFAULT, WORK, (str(journal), 2), "long"))
    enqueue(redis, EnqueueJob(TRAINING, WORK, (str(journal), 2), "train"))
    eventually(lambda: words(journal) == ["begin", "begin"], 20)
    redis.flushall()
    eventually(lambda: words(journal).count("end") == 2)
    enqueue(redis, EnqueueJob(DEFAULT, NOTE, (str(journal), "light"), "again"))
    enqueue(redis, EnqueueJob(TRAINING, NOTE, (str(journal), "training"), "again-too"))
    eventually(lambda: {"light", "training"} <= set(words(journal)), 20)
    assert (light.poll(), training.poll()) == (None, None)


def test_the_worker_comes_back_when_redis_does(settings: Settings, journal: Path) -> None:
    server = start(settings.home, "valkey")
    eventually(lambda: _answers(settings))
    worker = start_python(settings.home, ["-c", QUICK, "light_worker"], "worker")
    try:
        redis = connect(find_redis(settings))
        enqueue(redis, EnqueueJob(DEFAULT, NOTE, (str(journal), "before"), "1"))
        eventually(lambda: words(journal) == ["before"])
        end(server, signal.SIGKILL)
        server = start(settings.home, "valkey")
        eventually(lambda: _answers(settings))
        redis.close()
        redis = connect(find_redis(settings))
        enqueue(redis, EnqueueJob(DEFAULT, NOTE, (str(journal), "after"), "2"))
        eventually(lambda: words(journal) == ["before", "after"], 20)
        redis.close()
    finally:
        assert end(worker) == 0
        end(server)


def test_a_training_outlives_a_redis_that_is_away(settings: Settings, journal: Path) -> None:
    server = start(settings.home, "valkey")
    eventually(lambda: _answers(settings))
    worker = start_python(settings.home, ["-c", QUICK, "training_worker"], "trainer")
    try:
        with connect(find_redis(settings)) as redis:
            enqueue(redis, EnqueueJob(TRAINING, WORK, (str(journal), 4), "train"))
        eventually(lambda: words(journal) == ["begin"], 20)
        end(server, signal.SIGKILL)
        log = settings.home / "test-trainer.log"
        eventually(lambda: "heartbeat_failed" in log.read_text())
        server = start(settings.home, "valkey")
        eventually(lambda: _answers(settings))
        with connect(find_redis(settings)) as redis:
            enqueue(redis, EnqueueJob(TRAINING, NOTE, (str(journal), "next"), "next"))
        eventually(lambda: words(journal) == ["begin", "end", "next"], 20)
    finally:
        assert end(worker) == 0
        end(server)


def test_stops_at_once_while_redis_is_away(settings: Settings) -> None:
    server = start(settings.home, "valkey")
    eventually(lambda: _answers(settings))
    worker = start_python(settings.home, ["-c", QUICK, "light_worker"], "worker")
    with connect(find_redis(settings)) as redis:
        eventually(lambda: redis.exists("rq:workers"))
    end(server, signal.SIGKILL)
    log = settings.home / "test-worker.log"
    eventually(lambda: "could not connect" in log.read_text() or "redis_away" in log.read_text())
    assert end(worker, seconds=5) == 0


def _answers(settings: Settings) -> bool:
    from core.embedded import answers

    path = settings.home / "valkey" / "url"
    return path.exists() and answers(path.read_text().strip())
