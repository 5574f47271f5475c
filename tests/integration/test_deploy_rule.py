"""No revision breaks the version of the code before it, on either database; and a rolled-back version starts again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from core.cli.checks.database import checks
from core.cli.migrate import alembic_config, migrate, require_schema, schema_is_current
from core.config import Settings
from core.db import make_engine
from core.errors import SettingsError
from core.schema import is_ahead, newest_revision
from tests.deploy_rule import breaks, schema_of

ALLOWED = {
    "0008": {
        "annotation: new rule unique item_id worker_id where control counted surplus may refuse what old code writes": (
            "it replaces the same rule without 'control', a state that the code before never writes"
        ),
    },
}
"""Breaks that are none, by revision: each with the reason why the code before it is not hurt."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Engine]:
    """An empty database on each system; `settings` points to it."""
    if request.param == "postgresql":
        create: Callable[[str | None], str] = request.getfixturevalue("new_postgresql")
        settings.database_url = create(None)
    engine = make_engine(settings)
    yield engine
    engine.dispose()


def test_no_revision_breaks_the_version_before_it(empty: Engine) -> None:
    script = ScriptDirectory.from_config(alembic_config(empty))
    before = schema_of(empty)
    found = {}
    for revision in reversed([one.revision for one in script.walk_revisions()]):
        command.upgrade(alembic_config(empty), revision)
        after = schema_of(empty)
        if broken := [problem for problem in breaks(before, after) if problem not in ALLOWED.get(revision, {})]:
            found[revision] = broken
        before = after
    assert found == {}


BREAKING = {
    "DROP TABLE gold": "table gold is gone",
    "ALTER TABLE gold RENAME TO golden": "table gold is gone",
    "ALTER TABLE worker DROP COLUMN time_zone": "worker: column time_zone is gone",
    "ALTER TABLE worker RENAME COLUMN daily_goal TO goal": "worker: column daily_goal is gone",
    "CREATE UNIQUE INDEX one ON worker (locale)": "worker: new rule unique locale may refuse what old code writes",
}
HARMLESS = (
    "ALTER TABLE worker ADD COLUMN nickname VARCHAR(20)",
    "ALTER TABLE worker ADD COLUMN stars INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX more ON worker (locale)",
    "CREATE TABLE star (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(5) NOT NULL)",
)
BREAKING_POSTGRESQL = {
    "ALTER TABLE worker ADD COLUMN stars INTEGER NOT NULL": (
        "worker: new column stars has neither null nor a default, so old code cannot insert"
    ),
    "ALTER TABLE worker ALTER COLUMN quiet_from SET NOT NULL": "worker: column quiet_from may not be null any more",
    "ALTER TABLE worker ALTER COLUMN daily_goal DROP DEFAULT": "worker: column daily_goal has lost its default",
    "ALTER TABLE worker ALTER COLUMN locale TYPE TEXT": "worker: column locale was VARCHAR(40) and is TEXT",
    "ALTER TABLE worker ADD CONSTRAINT named CHECK (length(name) > 0)": (
        "worker: new rule check length(name::text) > 0 may refuse what old code writes"
    ),
    "ALTER TABLE attempt ADD CONSTRAINT someone FOREIGN KEY (hour) REFERENCES worker (id)": (
        "attempt: new rule foreign key hour to worker may refuse what old code writes"
    ),
}


@pytest.mark.parametrize("statement", BREAKING)
def test_what_breaks_old_code_is_seen(statement: str, engine: Engine) -> None:
    assert broken_by(engine, statement) == [BREAKING[statement]]


@pytest.mark.parametrize("statement", BREAKING_POSTGRESQL)
def test_what_breaks_old_code_on_postgresql_is_seen(statement: str, postgresql_engine: Engine) -> None:
    assert broken_by(postgresql_engine, statement) == [BREAKING_POSTGRESQL[statement]]


@pytest.mark.parametrize("statement", HARMLESS)
def test_what_only_adds_is_allowed(statement: str, engine: Engine) -> None:
    assert broken_by(engine, statement) == []


def broken_by(engine: Engine, statement: str) -> list[str]:
    before = schema_of(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS star"))
        connection.execute(text(statement))
    return breaks(before, schema_of(engine))


def test_every_exception_has_a_revision_and_a_reason(sqlite_engine: Engine) -> None:
    script = ScriptDirectory.from_config(alembic_config(sqlite_engine))
    assert ALLOWED.keys() <= {one.revision for one in script.walk_revisions()}
    assert all(reason for problems in ALLOWED.values() for reason in problems.values())


def test_the_newest_revision_is_known_without_alembic(sqlite_engine: Engine) -> None:
    assert [newest_revision()] == ScriptDirectory.from_config(alembic_config(sqlite_engine)).get_heads()


def test_code_that_was_rolled_back_starts_on_the_newer_database(engine: Engine, settings: Settings) -> None:
    stand_at(engine, f"{int(newest_revision()) + 1:04}")
    assert is_ahead(engine)
    require_schema(settings)
    assert not migrate(settings), "there is nothing that this version could do to it"
    (finding,) = (one for one in checks(settings) if one.subject == "migrations")
    assert finding.health == "warning"
    assert not schema_is_current(engine)


def test_code_does_not_start_on_an_older_database(engine: Engine, settings: Settings) -> None:
    stand_at(engine, "0001")
    assert not is_ahead(engine)
    with pytest.raises(SettingsError, match="lightwork migrate"):
        require_schema(settings)


def stand_at(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
