"""What the trainer's worker does for the process of a training: it bounds its time, and gives back its run if it dies.

By itself a run whose process died is noticed once nothing was heard of it for a while. The parent of that process
knows at once.
"""

from __future__ import annotations

import os
from contextlib import suppress

from rq.job import Job

from core.clock import now
from core.config import load_settings
from core.log import get_logger
from core.queue import CLAIM, RETRAIN

LAST_SECONDS = 300
"""A training ends itself when its time is over. A process that does not is killed so much later."""

log = get_logger(__name__)


def bound(job: Job) -> None:
    """Let a training take the time that the settings give it, whatever held when its job was made.

    Raises:
        SettingsError: a setting is malformed.
    """
    if job.func_name == RETRAIN:
        job.timeout = load_settings().train_seconds + LAST_SECONDS


def ending(pid: int) -> tuple[int | None, int | None]:
    """Wait for a process of ours to end, without taking it out of the system's list: whoever is interrupted asks again.

    Returns:
        Its id and its status, as `os.waitpid` has them; None for both where there is no such process.
    """
    with suppress(ChildProcessError):
        if not hasattr(os, "waitid"):  # macOS
            return os.waitpid(pid, 0)
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        if found is not None:
            exited = found.si_code == os.CLD_EXITED
            return pid, found.si_status << 8 if exited else found.si_status
    return None, None


def bury(pid: int) -> None:
    """Take a process that has ended out of the system's list; one that has not, or is out already, stays as it is."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def give_back(job: Job) -> None:
    """Release the run that a dead process had claimed, so that the retry of its job goes on at once. Never raises."""
    from core.runtime import process_runtime  # here: a process that starts a job need not wait for it
    from core.training_runs import release_run

    try:
        claimed = job.get_meta(refresh=True).get(CLAIM)
        if claimed is None:
            return
        run_id, attempt = claimed
        with process_runtime().writing() as session:
            release_run(session, run_id, attempt, now())
        log.warning("training_given_back", run_id=run_id, attempt=attempt)
    except Exception as error:  # whichever of both is away: it is taken over later, as one gone silent
        log.warning("training_not_given_back", job_id=job.id, error=type(error).__name__)
