"""Between the steps of a training run: how far it is, and whether it is to go on."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from core.log import get_logger
from core.runtime import Runtime
from core.training_runs import is_wanted
from core.under_way import note_done

SECONDS = 1.0
"""At most so often the database is asked, and so long a cancelled run goes on, plus one step."""
NOTE_SECONDS = 5.0
"""So often it is noted how far a run is, for people who wait."""

log = get_logger(__name__)


class RunStopped(Exception):
    """The run was cancelled, or another process has taken it over."""


class Watch:
    """Called after every step with (step, steps). Logs ten times a run.

    Args:
        attempt: the `attempts` that the claim of the run got.
        clock: seconds that only grow.
        place, ways: which of how many fits of the run this is, counted from 0.
    """

    def __init__(
        self,
        runtime: Runtime,
        run_id: int,
        attempt: int,
        clock: Callable[[], float] = time.monotonic,
        place: int = 0,
        ways: int = 1,
    ) -> None:
        self._runtime, self._run_id, self._attempt, self._clock = runtime, run_id, attempt, clock
        self._place, self._ways = place, ways
        self._asked_at, self._noted_at = float("-inf"), clock()

    def __call__(self, step: int, steps: int) -> None:
        """Look.

        Raises:
            RunStopped: the run is not to go on here.
        """
        if step % max(1, steps // 10) == 0:
            log.info("training_progress", run_id=self._run_id, step=step, steps=steps)
        if self._clock() - self._asked_at < SECONDS:
            return
        self._asked_at = self._clock()
        with self._runtime.reading() as session:
            wanted = is_wanted(session, self._run_id, self._attempt)
        if not wanted:
            raise RunStopped(f"run {self._run_id} at step {step} of {steps}")
        if self._clock() - self._noted_at >= NOTE_SECONDS:
            self._noted_at = self._clock()
            self._note((self._place + step / max(1, steps)) / self._ways)

    def _note(self, done: float) -> None:
        try:
            with self._runtime.writing() as session:
                note_done(session, self._run_id, self._attempt, done)
        except SQLAlchemyError as error:
            log.warning("progress_not_noted", run_id=self._run_id, error=type(error).__name__)
