"""Under honcho: it starts all programs of the Procfile at once, and ends all as soon as one of them ends."""

from __future__ import annotations

import os
import signal
import time

from core.cli.migrate import require_schema
from core.config import Settings
from core.errors import SettingsError

RUNNER = "HONCHO_PROCESS_NAME"
"""Set by `honcho start` for each program, and by nothing else."""
RELEASE_SECONDS = 60.0
STEP_SECONDS = 0.2


def stay_beside_the_others() -> None:
    """Where a runner would end everything with a release that is done, wait for SIGTERM or SIGINT instead."""
    if RUNNER in os.environ:
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


def await_release(settings: Settings) -> None:
    """Check the schema; beside a release that was started at the same moment, give it time.

    Raises:
        SettingsError: the schema does not fit this version of the code.
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    deadline = time.monotonic() + (RELEASE_SECONDS if RUNNER in os.environ else 0.0)
    while True:
        try:
            require_schema(settings)
            return
        except SettingsError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(STEP_SECONDS)
