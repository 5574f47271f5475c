"""A thread that says, while a run trains, that its process is alive."""

from __future__ import annotations

import threading
from types import TracebackType

from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.log import get_logger
from core.runtime import Runtime
from core.training_runs import beat

SECONDS = 10.0

log = get_logger(__name__)


class Heartbeat:
    """Beats for a run every ten seconds, from `with` to its end. A beat that fails is logged; the next one follows."""

    def __init__(self, runtime: Runtime, run_id: int, seconds: float = SECONDS) -> None:
        self._runtime = runtime
        self._run_id = run_id
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"heartbeat-{run_id}", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.wait(self._seconds):
            try:
                with self._runtime.writing() as session:
                    beat(session, self._run_id, now())
            except SQLAlchemyError as error:
                log.warning("heartbeat_failed", run_id=self._run_id, error=type(error).__name__)
