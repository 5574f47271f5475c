"""Looking at something that may be slow or away, without ever waiting for it for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from core.log import get_logger

T = TypeVar("T")

log = get_logger(__name__)


class Lookout(Generic[T]):
    """One look at a time, in a thread of its own; what it found is good for a while.

    Args:
        look: may take long and may raise.
        fresh_seconds: a younger look is not repeated.
        patience_seconds: how long somebody who asks waits for a look that is under way.
    """

    def __init__(self, look: Callable[[], T], fresh_seconds: float = 5.0, patience_seconds: float = 2.0) -> None:
        self._look = look
        self._fresh_seconds = fresh_seconds
        self._patience_seconds = patience_seconds
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ended.set()
        self._ended_at = float("-inf")
        self._found: T | None = None

    def found(self) -> T | None:
        """What the last look found; nothing where it failed, or has not come to an end in time."""
        with self._lock:
            if self._ended.is_set() and time.monotonic() - self._ended_at >= self._fresh_seconds:
                self._ended.clear()
                threading.Thread(target=self._run, name="lookout", daemon=True).start()
        return self._found if self._ended.wait(self._patience_seconds) else None

    def _run(self) -> None:
        try:
            self._found = self._look()
        except Exception as error:  # whatever it is, it is missing; the thread must not end without saying so
            self._found = None
            log.warning("look_failed", error=type(error).__name__)
        self._ended_at = time.monotonic()
        self._ended.set()
