"""Work ahead: what an iterator gives is made in a thread while the consumer waits for the database."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from queue import Full, Queue
from typing import TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.1
"""So often a thread whose work is not fetched looks whether anybody still wants it."""
NICENESS = 10
_END = object()


@contextmanager
def made_ahead(values: Generator[T], depth: int = 2) -> Iterator[Iterator[T]]:
    """An iterator over `values`, of which up to `depth` are made before they are asked for.

    What `values` raises is raised where it is consumed. Left early, the thread stops, and `values` is closed.
    """
    made: Queue[object] = Queue(depth)
    unwanted = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        _stand_back()
        try:
            for value in values:
                if not _put(made, value, unwanted):
                    return
        except BaseException as error:
            failures.append(error)
        finally:
            values.close()
            _put(made, _END, unwanted)

    thread = threading.Thread(target=work, name="made-ahead", daemon=True)
    thread.start()
    try:
        yield _fetched(made, failures)
    finally:
        unwanted.set()
        thread.join()


def _stand_back() -> None:
    """Let whoever answers people on this machine go first; Linux knows threads that yield."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _put(made: Queue[object], value: object, unwanted: threading.Event) -> bool:
    while not unwanted.is_set():
        try:
            made.put(value, timeout=LOOK_SECONDS)
            return True
        except Full:
            continue
    return False


def _fetched(made: Queue[object], failures: list[BaseException]) -> Iterator[T]:
    while (value := made.get()) is not _END:
        yield value  # type: ignore[misc]  # what `values` gave
    if failures:
        raise failures[0]
