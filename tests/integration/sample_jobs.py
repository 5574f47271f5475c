"""Jobs for the tests of workers. Each writes into a file what it did, so that runs can be counted."""

from __future__ import annotations

import os
import time

from rq import get_current_job

from core.queue import is_last_attempt


def note(path: str, word: str) -> None:
    """Append a line with the pid and a word."""
    with open(path, "a") as file:
        file.write(f"{os.getpid()} {word}\n")


def work_for(path: str, seconds: int) -> None:
    """Note the begin, take a while, note the end."""
    note(path, "begin")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.05)
    note(path, "end")


def outlive_execution(path: str, half_written: bool) -> None:
    """Lose what Redis keeps of this execution, as if no heartbeat had come in time; perhaps one comes too late."""
    job = get_current_job()
    assert job is not None
    for execution in job.get_executions():
        job.connection.delete(execution.key)
        if half_written:
            job.connection.hset(execution.key, "last_heartbeat", time.time())
    note(path, "done")


def fail(path: str) -> None:
    """Note it and fail."""
    note(path, "failing")
    raise RuntimeError("as asked")


def fail_noting_attempt(path: str) -> None:
    """Note whether this is the last attempt, and fail."""
    note(path, "last" if is_last_attempt() else "not last")
    raise RuntimeError("as asked")
