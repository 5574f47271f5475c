"""Redis carries the work: queues, dotted names of all jobs, enqueueing. Whatever is in here can be rebuilt from SQL."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from threading import Lock

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError
from redis.retry import Retry as RedisRetry
from rq import Queue, Retry, get_current_job
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.registry import ScheduledJobRegistry
from rq.serializers import JSONSerializer

from core.clock import now
from core.effects import Effect, EnqueueJob, WakeDelivery
from core.executions import LastingJob
from core.log import get_logger

ASSIGNMENTS, DEFAULT, TRAINING = "assignments", "default", "training"
QUEUES = (ASSIGNMENTS, DEFAULT, TRAINING)

EXPIRE = "core.jobs.expire_leases_job"
OFFER = "core.jobs.offer_work"
REESTIMATE = "core.jobs.reestimate"
APPLY_OVERLAP = "core.jobs.apply_overlap"
IMPORT = "core.jobs.import_batch"
EXPORT = "core.jobs.export_project"
RECOLLECT = "core.jobs.recollect"
FORGET_CHAT = "core.jobs.forget_chat"
ACCEPT = "core.jobs.accept_labels"
SWEEP = "core.jobs.sweep"
TICK = "core.jobs.tick"
RETRAIN = "trainer.jobs.retrain"
PRELABEL = "trainer.jobs.prelabel"
DIVERSIFY = "trainer.jobs.diversify"
EXPLAIN = "trainer.explain_jobs.explain"
FIND_LABEL_ERRORS = "trainer.explain_jobs.find_label_errors"
JOB_NAMES = (
    EXPIRE,
    OFFER,
    REESTIMATE,
    APPLY_OVERLAP,
    IMPORT,
    EXPORT,
    RECOLLECT,
    FORGET_CHAT,
    ACCEPT,
    SWEEP,
    TICK,
    RETRAIN,
    PRELABEL,
    DIVERSIFY,
    EXPLAIN,
    FIND_LABEL_ERRORS,
)
FIRST = (EXPLAIN,)
"""Somebody waits for these: they go before all that waits in their queue."""

TIMEOUT_SECONDS = (
    {RETRAIN: 6 * 3600}
    | dict.fromkeys((PRELABEL, DIVERSIFY, FIND_LABEL_ERRORS, IMPORT, EXPORT, RECOLLECT, ACCEPT), 2 * 3600)
    | dict.fromkeys((REESTIMATE, APPLY_OVERLAP, EXPLAIN), 1800)
)
DEFAULT_TIMEOUT_SECONDS = 120
FAILURE_TTL_SECONDS = 24 * 3600
RESULT_TTL_SECONDS = 0
"""A finished job is gone at once, so that its id is free for the next one of the same bucket."""
RETRY_INTERVALS = [5, 30, 120]
CLAIM = "run"
"""Name under which the job of a training notes [id, attempts] of the run that it has claimed."""

log = get_logger(__name__)


def connect(url: str) -> Redis:
    """A connection whose every wait ends: 5 s to connect and to answer, three tries with back-off.

    Raises:
        ValueError: the URL is malformed.
    """
    retry = RedisRetry(ExponentialBackoff(cap=1.0, base=0.05), 3)
    return Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5, retry=retry, health_check_interval=30)


def connect_worker(url: str) -> Redis:
    """A connection for RQ workers, whose blocking reads last longer than 5 s."""
    return Redis.from_url(url, socket_connect_timeout=5, socket_keepalive=True, health_check_interval=30)


def queue(name: str, redis: Redis) -> Queue:
    """The RQ queue `name` with the JSON serializer: jobs take ids only."""
    return Queue(name, connection=redis, serializer=JSONSerializer, job_class=LastingJob)


def fetch(redis: Redis, job_id: str) -> LastingJob:
    """A job by its id.

    Raises:
        NoSuchJobError: there is none.
    """
    job: LastingJob = LastingJob.fetch(job_id, connection=redis, serializer=JSONSerializer)
    return job


def enqueue(redis: Redis, job: EnqueueJob) -> bool:
    """Enqueue `job` unless one of its id is waiting, scheduled or running; false where it was.

    A failed job of the same id gives way. Raises `RedisError` where Redis is away.
    """
    target = queue(job.queue, redis)
    options = {
        "job_id": job.job_id,
        "unique": True,
        "result_ttl": RESULT_TTL_SECONDS,
        "failure_ttl": FAILURE_TTL_SECONDS,
        "retry": Retry(max=len(RETRY_INTERVALS), interval=RETRY_INTERVALS),
    }
    timeout = TIMEOUT_SECONDS.get(job.function, DEFAULT_TIMEOUT_SECONDS)
    for _ in range(2):
        try:
            if job.at is not None:
                target.enqueue_at(job.at, job.function, *job.args, job_timeout=timeout, **options)
            else:
                in_front = job.function in FIRST
                target.enqueue(job.function, *job.args, job_timeout=timeout, at_front=in_front, **options)
            return True
        except DuplicateJobError:
            if not _remove_if_dead(redis, job.job_id):
                return False
    return False


def _remove_if_dead(redis: Redis, job_id: str) -> bool:
    try:
        job = fetch(redis, job_id)
    except NoSuchJobError:
        return True
    if job.get_status() in ("failed", "finished", "stopped", "canceled"):
        job.delete()
        return True
    return False


def note_in_job(name: str, value: object) -> None:
    """Keep something, as JSON, with the job that this process works on, for whoever watches it; nothing without one."""
    job = get_current_job()
    if job is None:
        return
    try:
        job.meta[name] = value
        job.save_meta()
    except RedisError as error:
        log.warning("job_note_lost", job_id=job.id, error=type(error).__name__)


def is_last_attempt() -> bool:
    """Whether the job that this process works on, if any, is not retried where it fails."""
    job = get_current_job()
    return job is None or not job.retries_left


def is_covered(redis: Redis, job_id: str) -> bool:
    """Whether a job of this id is waiting, scheduled, or running."""
    try:
        job = fetch(redis, job_id)
    except NoSuchJobError:
        return False
    return job.get_status() in ("queued", "scheduled", "started", "deferred")


def waiting_counts(redis: Redis) -> dict[str, dict[str, int]]:
    """Per queue: jobs waiting, scheduled, running and failed."""
    counts = {}
    for name in QUEUES:
        one = queue(name, redis)
        counts[name] = {
            "waiting": one.count,
            "scheduled": ScheduledJobRegistry(queue=one).get_job_count(cleanup=False),
            "running": one.started_job_registry.get_job_count(cleanup=False),
            "failed": one.failed_job_registry.get_job_count(cleanup=False),
        }
    return counts


def scheduled_counts(redis: Redis, project_id: int) -> dict[str, int]:
    """How many expiry and offer jobs of one project wait in Redis, by kind."""
    one = queue(ASSIGNMENTS, redis)
    ids = [*ScheduledJobRegistry(queue=one).get_job_ids(cleanup=False), *one.job_ids]
    return {kind: sum(job_id.startswith(f"{kind}-{project_id}-") for job_id in ids) for kind in ("expire", "offer")}


class EffectRunner:
    """Runs the effects of committed events. A Redis that is away is logged and left to the sweep.

    Remembers the last ids it enqueued, so that the thousand taps of one bucket cost one call.
    """

    def __init__(self, redis: Redis, wake_delivery: Callable[[], None] | None = None, remember: int = 4096) -> None:
        self._redis = redis
        self.wake_delivery = wake_delivery
        self._recent: OrderedDict[tuple[str, datetime | None], None] = OrderedDict()
        self._remember = remember
        self._lock = Lock()

    def __call__(self, effects: list[Effect]) -> None:
        """Run `effects`; never raises for a Redis that is away."""
        for effect in effects:
            if isinstance(effect, EnqueueJob):
                self._enqueue(effect)
            elif isinstance(effect, WakeDelivery) and self.wake_delivery is not None:
                self.wake_delivery()

    def _enqueue(self, job: EnqueueJob) -> None:
        key = (job.job_id, job.at)
        # What is due by now may have run before the event was committed: then it has to run once more.
        if job.at is not None and self._seen(key) and not job.doubted and job.at > now():
            return
        try:
            enqueue(self._redis, job)
        except RedisError as error:
            with self._lock:
                self._recent.pop(key, None)
            log.warning("enqueue_failed", job_id=job.job_id, error=type(error).__name__)

    def _seen(self, key: tuple[str, datetime | None]) -> bool:
        with self._lock:
            if key in self._recent:
                return True
            self._recent[key] = None
            while len(self._recent) > self._remember:
                self._recent.popitem(last=False)
            return False
