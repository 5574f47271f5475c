"""A thread that says, while a run trains, that its process is alive."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from core.clock import now
from core.log import get_logger
from core.repeating import Repeating
from core.runtime import Runtime
from core.training_runs import beat

SECONDS = 10.0

log = get_logger(__name__)


class Heartbeat(Repeating):
    """Beats for a run every ten seconds, from `with` to its end. A beat that fails is logged; the next one follows."""

    def __init__(self, runtime: Runtime, run_id: int, seconds: float = SECONDS) -> None:
        super().__init__(self._beat, seconds, f"heartbeat-{run_id}")
        self._runtime = runtime
        self._run_id = run_id

    def _beat(self) -> None:
        try:
            with self._runtime.writing() as session:
                beat(session, self._run_id, now())
        except SQLAlchemyError as error:
            log.warning("heartbeat_failed", run_id=self._run_id, error=type(error).__name__)
