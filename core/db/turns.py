"""Turns at the database: background work that writes piece by piece lets taps through between two pieces."""

from __future__ import annotations

import time

from sqlalchemy import Engine

from core.db.engine import is_sqlite

PAUSE_SECONDS = 0.01


def let_others_write(engine: Engine) -> None:
    """Pause where there is one writer at a time, which is asked for again and again otherwise."""
    if is_sqlite(engine):
        time.sleep(PAUSE_SECONDS)
