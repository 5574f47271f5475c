"""Jobs whose process died under them: found in Redis and put back, so that kill -9 loses no job.

RQ notices by itself, but only when a worker happens to do its maintenance (every 10 minutes, behind a lock that a
killed worker holds for 15), and never notices a job that was popped from its queue and not yet marked as started.
Executed twice is fine, jobs are idempotent; not at all is not.
"""

from __future__ import annotations

from redis import Redis
from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.registry import DeferredJobRegistry, ScheduledJobRegistry

from core.log import get_logger
from core.queue import QUEUES, fetch, queue

FINAL = ("failed", "finished", "stopped", "canceled")
JOB_PREFIX = "rq:job:"
SCAN_COUNT = 500

log = get_logger(__name__)


def retry_expired(redis: Redis) -> None:
    """Give back the jobs whose worker has stopped sending heartbeats; RQ counts it as one of their retries.

    Raises:
        RedisError: Redis is away.
    """
    for name in QUEUES:
        queue(name, redis).started_job_registry.cleanup()


def requeue_lost(redis: Redis, suspects: frozenset[str]) -> frozenset[str]:
    """Put back the jobs that stand in no list and have not since the last call.

    A job is between two lists for a moment whenever it is moved, hence the second look.

    Args:
        suspects: what the last call returned; calls lie some seconds apart.

    Returns:
        ids of jobs that stand in no list now, for the next call.

    Raises:
        RedisError: Redis is away.
    """
    queues = {name: queue(name, redis) for name in QUEUES}
    held: set[str] = set()
    # Read before the lists: a job that is made afterwards cannot be taken for a lost one.
    ids = [
        key.decode().removeprefix(JOB_PREFIX)
        for key in redis.scan_iter(f"{JOB_PREFIX}*", count=SCAN_COUNT)
        if b":" not in key[len(JOB_PREFIX) :]
    ]
    for one in queues.values():
        held.update(_held(one))
    missing = frozenset(ids) - held
    for job_id in missing & suspects:
        _put_back(redis, queues, job_id)
    return missing - suspects


def _held(one: Queue) -> set[str]:
    started = one.started_job_registry.get_job_ids(cleanup=False)
    scheduled = ScheduledJobRegistry(queue=one).get_job_ids(cleanup=False)
    deferred = DeferredJobRegistry(queue=one).get_job_ids(cleanup=False)
    return {*one.job_ids, *started, *scheduled, *deferred}


def _put_back(redis: Redis, queues: dict[str, Queue], job_id: str) -> None:
    try:
        job = fetch(redis, job_id)
        status = job.get_status()
    except NoSuchJobError:
        # A heartbeat after the end of a job leaves a hash with nothing but a date, which blocks its id for good.
        redis.delete(f"{JOB_PREFIX}{job_id}")
        return
    home = queues.get(str(job.origin))
    if home is None or status in FINAL:
        return
    log.warning("job_put_back", job_id=job_id, status=status.value, queue=home.name)
    home.intermediate_queue.remove(job_id)
    home.enqueue_job(job)
