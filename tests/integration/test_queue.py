"""RQ as we use it: every job name resolves, ids are unique, a Redis that is away stops nobody."""

from __future__ import annotations

import inspect
from datetime import timedelta

import pytest
from redis import Redis
from rq.utils import import_attribute

from core import queue
from core.clock import now
from core.effects import EnqueueJob, WakeDelivery
from core.executions import LastingJob
from core.queue import EffectRunner, connect, enqueue, fetch, is_covered, scheduled_counts, waiting_counts


@pytest.mark.parametrize("name", queue.JOB_NAMES)
def test_every_job_name_resolves(name: str) -> None:
    function = import_attribute(name)
    assert callable(function)
    assert function.__doc__
    kinds = {parameter.annotation for parameter in inspect.signature(function).parameters.values()}
    assert kinds <= {"int", "str"}, "jobs take ids only"


def test_a_job_is_enqueued_once_with_explicit_limits(redis: Redis) -> None:
    job = EnqueueJob(queue.DEFAULT, queue.IMPORT, (7,), "import-7")
    assert enqueue(redis, job)
    assert not enqueue(redis, job)
    stored = fetch(redis, "import-7")
    assert list(stored.args) == [7]
    assert stored.timeout == 2 * 3600
    assert stored.result_ttl == 0
    assert stored.failure_ttl == 24 * 3600
    assert stored.retries_left == 3
    assert is_covered(redis, "import-7")
    assert not is_covered(redis, "import-8")


def test_every_way_to_a_job_finds_one_that_outlasts_its_executions(redis: Redis) -> None:
    enqueue(redis, EnqueueJob(queue.DEFAULT, queue.IMPORT, (7,), "import-7"))
    one = queue.queue(queue.DEFAULT, redis)
    assert isinstance(fetch(redis, "import-7"), LastingJob)
    assert isinstance(one.fetch_job("import-7"), LastingJob)
    assert one.started_job_registry.job_class is LastingJob


def test_a_failed_job_gives_way_to_the_next_of_its_id(redis: Redis) -> None:
    job = EnqueueJob(queue.DEFAULT, queue.IMPORT, (7,), "import-7")
    enqueue(redis, job)
    stored = fetch(redis, "import-7")
    queue.queue(queue.DEFAULT, redis).remove(stored)
    stored.set_status("failed")
    assert not is_covered(redis, "import-7")
    assert enqueue(redis, job)
    assert is_covered(redis, "import-7")


def test_a_bucket_costs_one_call_until_it_is_doubted(redis: Redis) -> None:
    runner = EffectRunner(redis)
    job = EnqueueJob(queue.ASSIGNMENTS, queue.EXPIRE, (3,), "expire-3-1", now() + timedelta(minutes=5))
    runner([job, job])
    assert scheduled_counts(redis, 3) == {"expire": 1, "offer": 0}
    redis.flushall()
    runner([job])
    assert scheduled_counts(redis, 3) == {"expire": 0, "offer": 0}, "remembered, so not asked"
    runner([EnqueueJob(job.queue, job.function, job.args, job.job_id, job.at, doubted=True)])
    assert scheduled_counts(redis, 3) == {"expire": 1, "offer": 0}
    assert waiting_counts(redis)["assignments"]["scheduled"] == 1


def test_counts_tell_projects_apart(redis: Redis) -> None:
    for project in (1, 11):
        enqueue(redis, EnqueueJob(queue.ASSIGNMENTS, queue.OFFER, (project,), f"offer-{project}-5", now()))
    assert scheduled_counts(redis, 1) == {"expire": 0, "offer": 1}


def test_a_redis_that_is_away_is_left_to_the_sweep() -> None:
    woken: list[int] = []
    runner = EffectRunner(connect("redis://127.0.0.1:1/0"), lambda: woken.append(1))
    runner([EnqueueJob(queue.DEFAULT, queue.IMPORT, (7,), "import-7"), WakeDelivery()])
    assert woken == [1]
