"""The RQ workers: a quick one for light jobs, and one that gives each training a process of its own.

RQ's own loops quit when Redis goes away and notice a dead worker late; these reconnect, and prove that they live.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import SimpleWorker, SpawnWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from core.cli import horse_care
from core.executions import LastingJob
from core.log import get_logger, log_ids
from core.pulse import beat
from core.queue import ASSIGNMENTS, DEFAULT, TRAINING, connect_worker, queue
from core.repeating import Repeating
from core.stopping import FINISH_SECONDS, leave_in_time

HEARTBEAT_SECONDS = 5
ABANDONED_AFTER_SECONDS = 20
"""A job whose worker has been silent for so long is given to another one."""
WORKER_TTL_SECONDS = 40
"""RQ waits for jobs for 15 s less than this, then shows that the worker is alive."""
MAX_BACKOFF_SECONDS = 5.0

log = get_logger(__name__)


class JobInterrupted(BaseException):
    """A job that could not be finished in time before this process ends. It counts as failed, and is retried."""


class LightWorker(SimpleWorker):  # type: ignore[misc] # rq is read without types
    """Runs jobs in its own process, 250 to 500 a second, and sends heartbeats while one runs.

    After SIGTERM it finishes its job, if that is soon; a longer one is interrupted, and run again by another worker.
    """

    max_connection_wait_time = MAX_BACKOFF_SECONDS
    job_class = LastingJob
    log_job_description = False
    _performing = False

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:  # noqa: ARG002 (RQ's signature)
        """Seconds after which a silent job counts as abandoned; RQ would wait for the job's whole timeout."""
        return ABANDONED_AFTER_SECONDS

    def perform_job(self, job: Job, queue: Any, execution: Any) -> bool:
        """Run a job with heartbeats beside it."""

        def keep() -> None:
            try:
                self.maintain_heartbeats(job, execution)
            except RedisError as error:
                log.warning("heartbeat_failed", error=type(error).__name__)

        with log_ids(job=job.id, queue=queue.name), Repeating(keep, HEARTBEAT_SECONDS, "heartbeats"):
            self._performing = True
            try:
                return bool(super().perform_job(job, queue, execution))
            finally:
                self._performing = False

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Tell Redis, and whoever watches this process, that it lives."""
        beat()
        super().heartbeat(timeout, pipeline)

    def handle_warm_shutdown_request(self) -> None:
        """Whoever stops us waits for seconds, an import may take minutes."""
        leave_in_time()
        signal.signal(signal.SIGUSR1, self._interrupt)
        timer = threading.Timer(FINISH_SECONDS, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.daemon = True
        timer.start()

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._performing:
            log.warning("job_interrupted")
            raise JobInterrupted


class TrainingWorker(SpawnWorker):  # type: ignore[misc] # rq is read without types
    """Runs each job in a fresh process, as CUDA wants it. SIGTERM ends a running job, which is retried later."""

    max_connection_wait_time = MAX_BACKOFF_SECONDS
    job_class = LastingJob

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:  # noqa: ARG002 (RQ's signature)
        """Seconds after which a silent job counts as abandoned."""
        return ABANDONED_AFTER_SECONDS

    def fork_work_horse(self, job: Job, queue: Any) -> None:
        """Start `core.cli.horse`. RQ's own way shows the password of Redis to everybody who lists processes."""
        horse_care.bound(job)
        os.environ["RQ_WORKER_ID"], os.environ["RQ_JOB_ID"] = self.name, job.id
        os.environ["RQ_EXECUTION_ID"], os.environ["RQ_QUEUE"] = self.execution.id, queue.name
        os.environ["LIGHTWORK_PARENT"] = str(os.getpid())
        argv = [sys.executable, "-m", "core.cli.horse"]
        self._horse_pid = os.posix_spawn(sys.executable, argv, os.environ, setpgroup=0)

    def wait_for_horse(self) -> tuple[int | None, int | None, Any]:
        """RQ's own way forgets how the process ended where its alarm rings in that moment, and takes it for a fault."""
        return (*horse_care.ending(self.horse_pid), None)

    def monitor_work_horse(self, job: Job, queue: Any, execution: Any) -> None:
        """Watch the process of a job to its end."""
        pid = self.horse_pid
        try:
            super().monitor_work_horse(job, queue, execution)
        finally:
            horse_care.bury(pid)

    def maintain_heartbeats(self, job: Job, execution: Any) -> None:
        """A training outlives a Redis that is away for a while; RQ would quit and leave it running alone."""
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:
            log.warning("heartbeat_failed", error=type(error).__name__)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Tell Redis, and whoever watches this process, that it lives."""
        beat()
        super().heartbeat(timeout, pipeline)

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: Any) -> None:  # noqa: ARG002 (RQ's)
        """The run of a process that died is there to be claimed again when its job is retried."""
        horse_care.give_back(job)

    def handle_warm_shutdown_request(self) -> None:
        """A training may last for hours, whoever stops us waits for seconds."""
        leave_in_time()
        if self.horse_pid:
            log.warning("training_interrupted", pid=self.horse_pid)
            self.kill_horse()


def light_worker(redis: Redis) -> LightWorker:
    """A worker for what must be quick: leases, offers and consensus first, then imports and exports."""
    queues = [queue(ASSIGNMENTS, redis), queue(DEFAULT, redis)]
    return LightWorker(queues, name=_unique("worker"), connection=redis, **_options())


def training_worker(redis: Redis) -> TrainingWorker:
    """A worker for training and prediction. Knows no deep learning itself."""
    options = {**_options(), "job_monitoring_interval": HEARTBEAT_SECONDS}
    return TrainingWorker([queue(TRAINING, redis)], name=_unique("trainer"), connection=redis, **options)


def _options() -> dict[str, Any]:
    return {"serializer": JSONSerializer, "worker_ttl": WORKER_TTL_SECONDS, "log_job_description": False}


def _unique(kind: str) -> str:
    return f"{kind}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def work(url: str, make_worker: Callable[[Redis], Any], burst: bool = False) -> None:
    """Work until SIGTERM or SIGINT, through losses of the connection to Redis.

    Args:
        url: where Redis is.
        make_worker: `light_worker` or `training_worker`; called again after each loss of the connection.
        burst: return once the queues are empty.
    """
    wait = 0.5
    while True:
        beat()
        _default_signals()
        worker = None
        began = time.monotonic()
        try:
            redis = connect_worker(url)
            worker = make_worker(redis)
            worker.work(burst=burst, logging_level=None)
        except (RedisError, OSError) as error:
            log.warning("redis_away", error=type(error).__name__, retry_in_seconds=wait)
        if worker is not None:
            _leave_nothing_behind(worker)
        if burst or _was_stopped(worker):
            return
        wait = 0.5 if time.monotonic() - began > MAX_BACKOFF_SECONDS else min(wait * 2, MAX_BACKOFF_SECONDS)
        _default_signals()
        time.sleep(wait)


def _leave_nothing_behind(worker: Any) -> None:
    """RQ's loop quits on any surprise, and does not look back."""
    if worker.horse_pid:
        worker.kill_horse()
        worker.wait_for_horse()
        horse_care.bury(worker.horse_pid)
    if worker.pubsub_thread is not None:
        worker.pubsub_thread.stop()


def _was_stopped(worker: Any) -> bool:
    return worker is not None and worker._shutdown_requested_date is not None


def _default_signals() -> None:
    # Those of a worker that is gone would raise an exception of RQ's in the middle of nowhere.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
