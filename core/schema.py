"""Where the database stands, told without the library that migrates it: what every process can afford to ask.

Revisions are numbered; a greater number is newer. Code works with a database that is one release ahead of it, because a
migration never breaks the version before: that is what lets a release be rolled back by starting the old code again.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session

import migrations
from core.db import reading


@cache
def newest_revision() -> str:
    """The revision that this version of the code was written for, for example "0009"."""
    return max(path.name.partition("_")[0] for path in Path(migrations.__file__).parent.glob("versions/[0-9]*.py"))


def stored_revision(session: Session) -> str:
    """The revision at which the database stands; empty where it was never migrated.

    Raises:
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    if not inspect(session.connection()).has_table("alembic_version"):
        return ""
    return str(session.scalar(text("SELECT version_num FROM alembic_version")) or "")


def is_ahead(engine: Engine) -> bool:
    """Whether a newer version of the code has migrated the database.

    Raises:
        sqlalchemy.exc.OperationalError: the database cannot be reached.
    """
    with reading(engine) as session:
        return is_newer(stored_revision(session))


def is_newer(revision: str) -> bool:
    """Whether `revision` is of a later version of the code than this one."""
    return revision.isdigit() and revision > newest_revision()
