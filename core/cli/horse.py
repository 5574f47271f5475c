"""The process of one training job, started by `core.cli.workers.TrainingWorker`. Reads Redis from the settings."""

from __future__ import annotations

import os
import sys

from rq.executions import Execution
from rq.serializers import JSONSerializer

from core.cli import horse_care
from core.cli.workers import TrainingWorker
from core.config import load_settings
from core.embedded import redis_url
from core.errors import SettingsError
from core.log import log_ids, setup_logging
from core.queue import connect_worker, fetch, queue
from core.supervisor import die_with_parent


def main() -> None:
    """Run the job that the environment names, and end this process with the outcome that RQ expects."""
    die_with_parent(int(os.environ["LIGHTWORK_PARENT"]))
    settings = load_settings()
    setup_logging(settings.log_format, settings.secrets_to_hide())
    redis = connect_worker(redis_url(settings))
    key = TrainingWorker.redis_worker_namespace_prefix + os.environ["RQ_WORKER_ID"]
    worker = TrainingWorker.find_by_key(key, connection=redis, serializer=JSONSerializer)
    if worker is None:
        sys.exit(1)  # Redis was emptied in between; the sweep brings the job back
    job = fetch(redis, os.environ["RQ_JOB_ID"])
    horse_care.bound(job)
    # Not read from Redis: what stands there runs out where our parent was kept from its heartbeats for a while.
    execution = Execution(os.environ["RQ_EXECUTION_ID"], job.id, redis, os.environ["RQ_WORKER_ID"])
    execution._job = job
    worker.execution = execution
    with log_ids(job=job.id, queue=os.environ["RQ_QUEUE"]):
        worker.main_work_horse(job, queue(os.environ["RQ_QUEUE"], redis))


if __name__ == "__main__":
    try:
        main()
    except SettingsError as error:
        sys.exit(str(error))
