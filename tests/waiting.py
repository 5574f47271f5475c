"""Waiting for what other processes or other work of the loop do, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine, text

POLL_SECONDS = 0.05
SOON_SECONDS = 0.005
PATIENCE_SECONDS = 30.0
"""For what takes a moment. Only a test that fails waits so long; a busy machine may take its time."""
Found = TypeVar("Found")


def eventually(look: Callable[[], Found], seconds: float = PATIENCE_SECONDS, what: str = "it") -> Found:
    """Look until the answer is true, and return it.

    Raises:
        AssertionError: it was not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(POLL_SECONDS)
    return found


async def until(look: Callable[[], Found], seconds: float = PATIENCE_SECONDS, what: str = "it") -> Found:
    """As `eventually`, while the event loop works on.

    Raises:
        AssertionError: it was not within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        await asyncio.sleep(SOON_SECONDS)
    return found


def wait_for_lock(engine: Engine) -> None:
    """Until some transaction waits for another."""
    with engine.connect() as connection:
        for _ in range(500):
            waiting = text(
                "SELECT count(*), pg_sleep(0.01) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if connection.execute(waiting).one()[0]:
                return
            connection.rollback()
    raise AssertionError("nobody waits")
