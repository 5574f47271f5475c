"""Ending in time. Whoever sends SIGTERM waits for ten seconds, as most runners of processes do, and then kills."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import NoReturn

from core.log import get_logger

FINISH_SECONDS = 5.0
"""How long what runs may go on after SIGTERM. What is not done then is given back, and done again elsewhere."""
LEAVE_SECONDS = 8.0
"""When the process ends at the latest, whatever hangs: nothing that was acknowledged is in its memory alone."""

log = get_logger(__name__)


def leave_in_time(seconds: float = LEAVE_SECONDS) -> None:
    """End this process after so many seconds, if it is still there. Call it when the signal has arrived."""
    timer = threading.Timer(seconds, _leave, (seconds,))
    timer.daemon = True
    timer.start()


def leave_now() -> NoReturn:
    """End this process, with success: for the end of a `main` that has closed all it had.

    Python would first free every object one by one, which on a busy machine takes seconds and helps nobody.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _leave(seconds: float) -> None:
    log.error("stopped_hard", after_seconds=seconds)
    os._exit(1)
