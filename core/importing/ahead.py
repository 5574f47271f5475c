"""Work ahead: what an iterator gives is made in a thread while the consumer waits for the database."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

T = TypeVar("T")
LOOK_SECONDS = 0.1
"""So often a thread whose work is not fetched looks whether anybody still wants it."""
NICENESS = 10
_END = object()


class Ahead(Generic[T]):
    """An iterator over values that are made in another thread."""

    def __init__(self, made: Queue[object], failures: list[BaseException]) -> None:
        self._made, self._failures = made, failures
        self._ended = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        value = self._fetched(None)
        if value is _END:
            raise self._failures[0] if self._failures else StopIteration
        return value  # type: ignore[return-value]  # what was given to be made ahead

    def within(self, seconds: float) -> T | None:
        """The next value, if it is made in so many seconds; None also at the end, where `next` tells how it came."""
        if seconds <= 0:
            return None
        try:
            value = self._fetched(seconds)
        except Empty:
            return None
        return None if value is _END else value  # type: ignore[return-value]

    def _fetched(self, seconds: float | None) -> object:
        if not self._ended:
            value = self._made.get(timeout=seconds)
            self._ended = value is _END
            return value
        return _END


@contextmanager
def made_ahead(values: Generator[T], depth: int = 2) -> Iterator[Ahead[T]]:
    """An iterator over `values`, of which up to `depth` are made before they are asked for.

    What `values` raises is raised where it is consumed. Left early, the thread stops, and `values` is closed.
    """
    made: Queue[object] = Queue(depth)
    unwanted = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            _stand_back()
            for value in values:
                if not _put(made, value, unwanted):
                    break
            values.close()
        except BaseException as error:
            failures.append(error)
        finally:
            _put(made, _END, unwanted)

    thread = threading.Thread(target=work, name="made-ahead", daemon=True)
    thread.start()
    try:
        yield Ahead(made, failures)
    finally:
        unwanted.set()
        thread.join()


def _stand_back() -> None:
    """Let whoever answers people on this machine go first; Linux knows threads that yield."""
    if sys.platform == "linux":
        with suppress(OSError):  # where the process itself yields more already, and may not be raised
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), max(NICENESS, os.nice(0)))


def _put(made: Queue[object], value: object, unwanted: threading.Event) -> bool:
    while not unwanted.is_set():
        try:
            made.put(value, timeout=LOOK_SECONDS)
            return True
        except Full:
            continue
    return False
