"""What is timed: one process that runs RQ's scheduler, RQ's cron, and the search for abandoned jobs.

RQ's own loops are not used: they end with the first lost connection, hold their locks for a minute after kill -9,
and try to get them again only every two minutes. Two of these processes may be alive; the locks let one of them work.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import time
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError
from rq.cron import CronJob, CronScheduler
from rq.exceptions import SchedulerNotFound, StopRequested
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer

from core.abandoned import requeue_lost, retry_expired
from core.clock import bucket
from core.effects import EnqueueJob
from core.log import get_logger
from core.pulse import beat
from core.queue import ASSIGNMENTS, QUEUES, SWEEP, TICK, enqueue
from core.stopping import leave_in_time

SWEEP_SECONDS = 15
TICK_SECONDS = 60
STEP_SECONDS = 0.5
LOCK_SECONDS = 6
"""How long a killed scheduler keeps the others out."""
ABANDONED_SECONDS = 5.0
CRON_HEARTBEAT_SECONDS = 30.0
MAX_BACKOFF_SECONDS = 5.0

log = get_logger(__name__)


class BucketJob(CronJob):  # type: ignore[misc] # rq is read without types
    """A cron job under an id made of its moment, so that two schedulers enqueue it once."""

    def __init__(self, queue_name: str, function: str, cron: str, prefix: str, seconds: int) -> None:
        super().__init__(queue_name, func_name=function, cron=cron, name=prefix)
        self._prefix, self._seconds = prefix, seconds

    def enqueue(self, connection: Redis) -> None:
        """Enqueue through `core.queue`: JSON, our timeouts and lifetimes."""
        number = bucket(self.next_enqueue_time, self._seconds)
        enqueue(connection, EnqueueJob(self.queue_name, self.func_name, (), f"{self._prefix}-{number}"))


def timed_jobs() -> list[BucketJob]:
    """What runs by the clock: the sweep, which rebuilds from SQL what Redis lost, and the tick of each minute."""
    return [
        BucketJob(ASSIGNMENTS, SWEEP, f"* * * * * */{SWEEP_SECONDS}", "sweep", SWEEP_SECONDS),
        BucketJob(ASSIGNMENTS, TICK, "* * * * *", "tick", TICK_SECONDS),
    ]


class Schedule:
    """One scheduler. `step` does what is due and never waits; `run` steps until SIGTERM."""

    def __init__(self, redis: Redis, jobs: list[BucketJob] | None = None) -> None:
        name = f"schedule-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._redis = redis
        self._scheduler = RQScheduler(
            QUEUES, redis, interval=1, logging_level=logging.WARNING, serializer=JSONSerializer, name=name
        )
        self._cron = CronScheduler(redis, logging_level=logging.WARNING, name=name)
        self._cron._cron_jobs = timed_jobs() if jobs is None else jobs  # `register` wants functions, we have names
        self._suspects: frozenset[str] = frozenset()
        self._stopping = False
        self._abandoned_at = self._heartbeat_at = float("-inf")

    @property
    def is_leader(self) -> bool:
        """Whether this scheduler does what only one should: it holds the lock of the first queue."""
        return ASSIGNMENTS in self._scheduler.acquired_locks

    def step(self) -> None:
        """Move due jobs to their queues, enqueue what the clock asks for, put back what was abandoned.

        Raises:
            RedisError: Redis is away; call again later.
        """
        self._hold_locks()
        self._scheduler.enqueue_scheduled_jobs()
        if not self.is_leader:
            return
        self._cron.enqueue_jobs()
        present = time.monotonic()
        if present - self._abandoned_at >= ABANDONED_SECONDS:
            self._abandoned_at = present
            retry_expired(self._redis)
            self._suspects = requeue_lost(self._redis, self._suspects)
        if present - self._heartbeat_at >= CRON_HEARTBEAT_SECONDS:
            self._heartbeat_at = present
            self._cron.register_birth()

    def _hold_locks(self) -> None:
        """Take or refresh the locks, and shorten their life from RQ's minute."""
        if self._scheduler.acquired_locks == set(QUEUES):
            self._scheduler.heartbeat()
        else:
            self._scheduler.acquire_locks()
            self._scheduler.register_birth()
        with self._redis.pipeline() as pipeline:
            for name in self._scheduler.acquired_locks:
                pipeline.expire(RQScheduler.get_locking_key(name), LOCK_SECONDS)
            pipeline.execute()

    def release(self) -> None:
        """Let another scheduler take over at once, also where a signal came before all was registered."""
        for leave in (self._scheduler.stop, self._cron.register_death):
            try:
                leave()
            except SchedulerNotFound:
                continue
            except RedisError as error:
                log.warning("schedule_not_released", error=type(error).__name__)

    def run(self) -> None:
        """Step until SIGTERM or SIGINT, through losses of the connection. For the main thread of a process."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        wait = STEP_SECONDS
        try:
            while not self._stopping:
                beat()
                try:
                    self.step()
                    wait = STEP_SECONDS
                except RedisError as error:
                    wait = min(wait * 2, MAX_BACKOFF_SECONDS)
                    log.warning("redis_away", error=type(error).__name__, retry_in_seconds=wait)
                time.sleep(wait)
        except StopRequested:
            log.debug("schedule_interrupted")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.release()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        # An exception ends every wait at once, that for a Redis which does not answer too. Python drops one that is
        # raised while it frees an object: then the loop ends after this step.
        self._stopping = True
        leave_in_time()
        raise StopRequested
