"""What stands around every RQ job, whoever carries it out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.clock import now
from core.runtime import Runtime
from core.tally import count_job


@contextmanager
def counted_job(runtime: Runtime, queue: str, name: str) -> Iterator[None]:
    """Count one job in SQL, at its end: as run, or as failed where anything is raised."""
    failed = True
    try:
        yield
        failed = False
    finally:
        with runtime.writing() as session:
            count_job(session, queue, name, now(), failed=failed)
