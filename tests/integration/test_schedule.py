"""The scheduler: due jobs move, the clock asks once, abandoned jobs come back, and nothing depends on one process."""

from __future__ import annotations

import re
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq.registry import ScheduledJobRegistry, StartedJobRegistry
from rq.scheduler import RQScheduler

from core.abandoned import requeue_lost, retry_expired
from core.clock import now
from core.config import Settings
from core.effects import EnqueueJob
from core.embedded import redis_url as find_redis
from core.queue import ASSIGNMENTS, DEFAULT, QUEUES, SWEEP, TICK, TRAINING, connect, enqueue, fetch, queue
from core.schedule import LOCK_SECONDS, BucketJob, Schedule, timed_jobs
from tests.processes import end, start
from tests.waiting import eventually

NOTE = "tests.integration.sample_jobs.note"


def due(redis: Redis, job_id: str, name: str = ASSIGNMENTS, seconds: float = -1.0) -> None:
    """A job that was scheduled for a moment `seconds` from now."""
    assert enqueue(redis, EnqueueJob(name, NOTE, ("/dev/null", job_id), job_id, now() + timedelta(seconds=seconds)))


def waiting(redis: Redis, name: str = ASSIGNMENTS) -> list[str]:
    return [str(job_id) for job_id in queue(name, redis).job_ids]


def never() -> list[BucketJob]:
    """No cron job disturbs."""
    return []


@pytest.mark.parametrize("name", QUEUES)
def test_a_due_job_moves_to_its_queue_and_a_later_one_waits(redis: Redis, name: str) -> None:
    due(redis, "overdue", name)
    due(redis, "tomorrow", name, seconds=86_400)
    Schedule(redis, never()).step()
    assert waiting(redis, name) == ["overdue"]
    assert ScheduledJobRegistry(queue=queue(name, redis)).get_job_ids() == ["tomorrow"]


def test_moved_jobs_stay_json(redis: Redis) -> None:
    due(redis, "one")
    Schedule(redis, never()).step()
    job = fetch(redis, "one")
    assert job.args == ("/dev/null", "one") or job.args == ["/dev/null", "one"]


def test_the_sweep_runs_four_times_a_minute_and_the_tick_once() -> None:
    sweep, tick = timed_jobs()
    assert (sweep.func_name, tick.func_name) == (SWEEP, TICK)
    moments = []
    sweep.set_enqueue_time(datetime(2026, 1, 1, 12, 0, 14, tzinfo=UTC))
    for _ in range(3):
        moments.append(sweep.next_enqueue_time)
        sweep.set_enqueue_time(sweep.next_enqueue_time)
    assert [moment.second for moment in moments] == [15, 30, 45]
    tick.set_enqueue_time(datetime(2026, 1, 1, 12, 0, 14, tzinfo=UTC))
    assert tick.next_enqueue_time == datetime(2026, 1, 1, 12, 1, tzinfo=UTC)


def test_two_schedulers_enqueue_a_moment_once(redis: Redis) -> None:
    jobs = [timed_jobs(), timed_jobs()]
    for pair in jobs:
        for job in pair:
            job.next_enqueue_time = now() - timedelta(seconds=1)
    first, second = Schedule(redis, jobs[0]), Schedule(redis, jobs[1])
    first.step()
    for name in QUEUES:
        redis.delete(RQScheduler.get_locking_key(name))  # as if the first had slept too long
    second.step()
    assert first.is_leader
    assert second.is_leader
    ids = sorted(waiting(redis))
    assert len(ids) == 2
    assert re.fullmatch(r"sweep-\d+", ids[0])
    assert re.fullmatch(r"tick-\d+", ids[1])


def test_only_the_holder_of_the_locks_works(redis: Redis) -> None:
    first, second = Schedule(redis, never()), Schedule(redis, never())
    first.step()
    second.step()
    assert (first.is_leader, second.is_leader) == (True, False)
    lives = [redis.ttl(RQScheduler.get_locking_key(name)) for name in QUEUES]
    assert all(0 < life <= LOCK_SECONDS for life in lives)
    first.release()
    second.step()
    assert second.is_leader


def test_one_that_is_stopped_before_it_was_registered_leaves_without_complaint(redis: Redis) -> None:
    schedule, other = Schedule(redis, never()), Schedule(redis, never())
    schedule.release()
    schedule._hold_locks()  # its clock is registered later in the step
    schedule.release()
    other.step()
    assert other.is_leader


def test_an_emptied_redis_is_taken_again(redis: Redis) -> None:
    schedule = Schedule(redis, never())
    schedule.step()
    redis.flushall()
    due(redis, "after")
    schedule.step()
    assert schedule.is_leader
    assert waiting(redis) == ["after"]


def test_a_job_whose_worker_fell_silent_is_retried(redis: Redis) -> None:
    enqueue(redis, EnqueueJob(DEFAULT, NOTE, ("/dev/null", "x"), "silent"))
    one = queue(DEFAULT, redis)
    redis.lpop(one.key)
    job = fetch(redis, "silent")
    job.set_status("started")
    redis.zadd(StartedJobRegistry(queue=one).key, {"silent:execution": time.time() - 1})
    retry_expired(redis)
    assert ScheduledJobRegistry(queue=one).get_job_ids() == ["silent"]
    assert StartedJobRegistry(queue=one).get_job_ids() == []


@pytest.mark.parametrize("name", QUEUES)
def test_a_job_that_was_popped_and_never_begun_comes_back_at_the_second_look(redis: Redis, name: str) -> None:
    enqueue(redis, EnqueueJob(name, NOTE, ("/dev/null", "x"), "popped"))
    redis.lpop(queue(name, redis).key)
    suspects = requeue_lost(redis, frozenset())
    assert suspects == {"popped"}
    assert waiting(redis, name) == []
    assert requeue_lost(redis, suspects) == frozenset()
    assert waiting(redis, name) == ["popped"]
    assert requeue_lost(redis, frozenset()) == frozenset()


def test_a_job_stuck_on_its_way_to_a_trainer_comes_back_once(redis: Redis) -> None:
    enqueue(redis, EnqueueJob(TRAINING, NOTE, ("/dev/null", "x"), "stuck"))
    one = queue(TRAINING, redis)
    redis.lmove(one.key, one.intermediate_queue_key, "LEFT", "RIGHT")
    requeue_lost(redis, requeue_lost(redis, frozenset()))
    assert waiting(redis, TRAINING) == ["stuck"]
    assert redis.llen(one.intermediate_queue_key) == 0


def test_jobs_that_stand_somewhere_are_left_alone(redis: Redis) -> None:
    due(redis, "scheduled", seconds=60)
    enqueue(redis, EnqueueJob(DEFAULT, NOTE, ("/dev/null", "x"), "waiting"))
    assert requeue_lost(redis, frozenset({"scheduled", "waiting"})) == frozenset()
    assert waiting(redis, DEFAULT) == ["waiting"]


def test_a_fragment_of_a_job_stops_blocking_its_id(redis: Redis) -> None:
    redis.hset("rq:job:expire-1-7", "last_heartbeat", "2026-01-01T00:00:00Z")
    assert not enqueue(redis, EnqueueJob(DEFAULT, NOTE, ("/dev/null", "x"), "expire-1-7"))
    requeue_lost(redis, requeue_lost(redis, frozenset()))
    assert enqueue(redis, EnqueueJob(DEFAULT, NOTE, ("/dev/null", "x"), "expire-1-7"))


def test_a_finished_or_failed_job_is_not_lost(redis: Redis) -> None:
    enqueue(redis, EnqueueJob(DEFAULT, NOTE, ("/dev/null", "x"), "failed"))
    redis.lpop(queue(DEFAULT, redis).key)
    fetch(redis, "failed").set_status("failed")
    requeue_lost(redis, requeue_lost(redis, frozenset()))
    assert waiting(redis, DEFAULT) == []


def test_killed_and_followed_by_another_within_ten_seconds(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    first = start(tmp_path, "schedule", REDIS_URL=redis_url)
    second = None
    try:
        due(redis, "first")
        eventually(lambda: "first" in waiting(redis))
        end(first, signal.SIGKILL)
        second = start(tmp_path, "schedule", REDIS_URL=redis_url)
        due(redis, "second")
        eventually(lambda: "second" in waiting(redis), 10)
        began = time.monotonic()
        assert end(second, signal.SIGTERM) == 0
        assert time.monotonic() - began < 2
        assert redis.get(RQScheduler.get_locking_key(ASSIGNMENTS)) is None
    finally:
        for process in (first, second):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def test_goes_on_when_redis_comes_back(settings: Settings) -> None:
    server = start(settings.home, "valkey")
    eventually(lambda: _found(settings))
    url = find_redis(settings)
    process = start(settings.home, "schedule")
    try:
        redis = connect(url)
        eventually(lambda: redis.get(RQScheduler.get_locking_key(ASSIGNMENTS)))
        end(server, signal.SIGKILL)
        assert process.poll() is None
        server = start(settings.home, "valkey")
        eventually(lambda: _found(settings))
        redis = connect(url)
        due(redis, "later")
        eventually(lambda: "later" in waiting(redis), 15)
        redis.close()
    finally:
        assert end(process) == 0
        end(server)


def _found(settings: Settings) -> bool:
    from core.embedded import answers

    path = settings.home / "valkey" / "url"
    return path.exists() and answers(path.read_text().strip())
