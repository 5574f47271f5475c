"""Work that is done again and again beside other work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Self


class Repeating:
    """Calls `work` every few seconds in a thread of its own, from `with` to its end; first after one pause.

    An error of `work` ends the thread: what may fail and follow again is caught by `work` itself.

    Args:
        work: what is done; after the end of the `with` block it is not running any more.
        seconds: the pause before each call.
        name: of the thread.
    """

    def __init__(self, work: Callable[[], object], seconds: float, name: str) -> None:
        self._work = work
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            self._work()
