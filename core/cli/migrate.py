"""Bring the database to the newest revision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

import migrations
from core.cli.calling import called
from core.config import Settings
from core.db import make_engine, reading, sqlite_file
from core.errors import SettingsError
from core.log import get_logger
from core.schema import is_ahead, newest_revision, stored_revision

if TYPE_CHECKING:
    from alembic.config import Config

log = get_logger(__name__)


def alembic_config(engine: Engine) -> Config:
    """Alembic's configuration for `engine`, wherever the program is installed."""
    from alembic.config import Config

    return Config(Path(migrations.__file__).with_name("alembic.ini"), attributes={"engine": engine})


def migrate(settings: Settings) -> bool:
    """Apply all revisions that are missing, each in a transaction of its own.

    Two processes that migrate at once wait for each other. A database that a newer version has migrated stays as it is.

    Returns:
        whether anything was applied.

    Raises:
        sqlalchemy.exc.OperationalError: the database cannot be reached, or a lock could not be had in time.
    """
    engine = make_engine(settings)
    try:
        if schema_is_current(engine) or is_ahead(engine):
            return False
        from alembic import command  # takes long to import, and most starts need none of it

        command.upgrade(alembic_config(engine), "head")
        return True
    finally:
        engine.dispose()


def schema_is_current(engine: Engine) -> bool:
    """Whether the database stands at the newest revision that this version of the code knows."""
    with reading(engine) as session:
        return stored_revision(session) == newest_revision()


def require_schema(settings: Settings) -> None:
    """Check that the database stands where this version of the code expects it, or ahead of that.

    Ahead is where the code was rolled back: no migration breaks the version before it.

    Raises:
        SettingsError: it does not; the sentence says what to do.
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    engine = make_engine(settings)
    try:
        if schema_is_current(engine):
            return
        if not is_ahead(engine):
            raise SettingsError("The database does not fit this version of Lightwork; run 'lightwork migrate' first.")
        log.warning("database_is_ahead", hint="a newer version has migrated it; this works for one release back")
    finally:
        engine.dispose()


def no_database(settings: Settings) -> str:
    """A sentence that says where there is no database, and what to do; empty where there is one, or a server.

    It names the setting by which the place was chosen: whoever stands in another directory shall not begin anew there.
    """
    file = sqlite_file(settings)
    if file is None or file.exists():
        return ""
    chosen_by = "DATABASE_URL names it" if settings.database_url else "LIGHTWORK_HOME says where the home is"
    if not settings.database_url and settings.home == Path(str(Settings.model_fields["home"].get_default())):
        chosen_by += f", or else it is {settings.home} in the directory that you stand in"
    return (
        f"There is no database at {file.absolute()}: {chosen_by}. "
        f"If Lightwork runs elsewhere, go there or set that; else start everything with: {called('up')}"
    )


def require_database(settings: Settings) -> None:
    """As `require_schema`, for commands that look at what is there: they never make a database.

    Raises:
        SettingsError: there is none, or it is of another version; the sentence says what to do.
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    if problem := no_database(settings):
        raise SettingsError(problem)
    require_schema(settings)
