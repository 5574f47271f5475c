"""Effects in a thread of their own, so that no answer ever waits for Redis."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from core.effects import Effect
from core.log import get_logger

QUEUE_LIMIT = 10_000

log = get_logger(__name__)


class BackgroundEffects:
    """Hands effects on in order. Beyond `QUEUE_LIMIT` they are dropped: the sweep finds them in SQL."""

    def __init__(self, run_effects: Callable[[list[Effect]], None]) -> None:
        self._run_effects = run_effects
        self._queue: queue.Queue[list[Effect] | None] = queue.Queue(QUEUE_LIMIT)
        self._thread = threading.Thread(target=self._run, name="effects", daemon=True)
        self._thread.start()

    def __call__(self, effects: list[Effect]) -> None:
        """Queue `effects`; never waits."""
        if not effects:
            return
        try:
            self._queue.put_nowait(effects)
        except queue.Full:
            log.warning("effects_dropped", count=len(effects))

    def close(self) -> None:
        """Run what was accepted, for at most 10 s, and stop."""
        self._queue.put(None, timeout=10)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while (effects := self._queue.get()) is not None:
            try:
                self._run_effects(effects)
            except Exception:
                log.exception("effects_failed", count=len(effects))
