"""The database: reachable, at this version, and with a clock like ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.cli.calling import called
from core.cli.migrate import schema_is_current
from core.clock import now
from core.config import Settings
from core.db import make_engine, reading, sqlite_file
from core.findings import Finding, failure, ok, warning
from core.schema import is_ahead

OLDEST_POSTGRESQL = 13
MOST_SKEW_SECONDS = 2.0
"""Leases and deadlines are written by several machines; their clocks have to agree."""


def checks(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the database, if anything. One that is not there is not made by looking for it."""
    file = sqlite_file(settings)
    if file is not None and not file.exists():
        yield failure("database", f"There is none yet at {file}.", f"Run: {called('up')} (or: {called('migrate')})")
        return
    engine = make_engine(settings)
    address = make_url(settings.sqlalchemy_url).render_as_string(hide_password=True)
    try:
        with reading(engine) as session:
            yield _server(engine, session, address)
            yield from _clock(engine, session)
        yield _schema(engine)
    except SQLAlchemyError as error:
        says = f"It does not answer at {address} ({type(error).__name__})."
        yield failure("database", says, "Start it, and check DATABASE_URL: host, name, user and password.")
    finally:
        engine.dispose()


def _server(engine: Engine, session: Session, address: str) -> Finding:
    if engine.dialect.name == "sqlite":
        mode = str(session.execute(text("PRAGMA journal_mode")).scalar_one())
        if mode != "wal":
            return failure("database", f"{address} is in journal mode {mode}.", "Put LIGHTWORK_HOME on a local disk.")
        return ok("database", f"{address} (one machine; set DATABASE_URL to a PostgreSQL for several)")
    version = int(session.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    if version < OLDEST_POSTGRESQL:
        return failure("database", f"{address} is PostgreSQL {version}.", f"Use version {OLDEST_POSTGRESQL} or later.")
    return ok("database", f"{address}, PostgreSQL {version}")


def _clock(engine: Engine, session: Session) -> Iterator[Finding]:
    if engine.dialect.name != "postgresql":
        return
    theirs: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    skew = abs((theirs.astimezone(UTC) - now()).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        says = f"This machine and the database differ by {skew:.0f} s."
        yield warning("clock", says, "Keep the clocks of all machines together with NTP (chrony or systemd-timesyncd).")
    else:
        yield ok("clock", f"{skew * 1000:.0f} ms from that of the database")


def _schema(engine: Engine) -> Finding:
    if schema_is_current(engine):
        return ok("migrations", "the database is at this version")
    if is_ahead(engine):
        says = "The database was migrated by a newer version of Lightwork."
        return warning("migrations", says, "This works for one release back; install the newer version soon.")
    return failure("migrations", "The database is not at this version.", "Run: lightwork migrate")
