"""Whether a process has all that it needs to work, one probe for each need."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from core.db import reading
from core.embedded import answers
from core.monitoring.lookout import Lookout
from core.schema import newest_revision, stored_revision

Probe = Callable[[], str]
"""Looks, and returns a sentence on what is missing; empty where nothing is. May be slow, may raise."""

FRESH_SECONDS = 2.0
NO_ANSWER = "does not answer"


class Readiness:
    """The needs of one process.

    Args:
        probes: by the name of what is needed.
    """

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._lookouts = {name: Lookout(probe, FRESH_SECONDS) for name, probe in probes.items()}
        self._stopping = False

    def missing(self) -> dict[str, str]:
        """What is missing, by name; empty where the process can work."""
        found = {name: lookout.found() for name, lookout in self._lookouts.items()}
        missing = {name: NO_ANSWER if says is None else says for name, says in found.items() if says != ""}
        return missing | ({"process": "is stopping"} if self._stopping else {})

    def stopping(self) -> None:
        """From here on the process takes no new work."""
        self._stopping = True


def needs(engine: Engine, redis_url: str) -> dict[str, Probe]:
    """What every process needs: the database, migrated, and Redis."""
    return {
        "database": lambda: _database(engine),
        "migrations": lambda: _migrations(engine),
        "redis": lambda: "" if answers(redis_url) else NO_ANSWER,
    }


def _database(engine: Engine) -> str:
    try:
        with reading(engine) as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return f"{NO_ANSWER} ({type(error).__name__})"
    return ""


def _migrations(engine: Engine) -> str:
    with reading(engine) as session:
        found, wanted = stored_revision(session), newest_revision()
    if found >= wanted:  # ahead by a release is what a rollback of the code looks like
        return ""
    return f"the database stands at {found or 'nothing'}, this version needs {wanted}: run lightwork migrate"
