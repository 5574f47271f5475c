"""Migrations on both databases: nothing differs from the models, up and down, two at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from core.cli.migrate import alembic_config, migrate, schema_is_current
from core.config import Settings
from core.db import make_engine
from core.models import Base

ROOT = Path(__file__).parents[2]
OBJECTS = {
    "sqlite": "SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name != 'alembic_version'",
    "postgresql": """
        SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename != 'alembic_version'
        UNION ALL
        SELECT conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text != 'alembic_version'
        UNION ALL
        SELECT table_name::text, column_name || ' ' || data_type || ' ' || is_nullable || ' '
            || coalesce(character_maximum_length::text, '') || ' ' || coalesce(generation_expression, '') || ' '
            || coalesce(column_default, '')
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name != 'alembic_version'
    """,
}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Engine]:
    """An empty database on each system; `settings` points to it."""
    if request.param == "postgresql":
        create: Callable[[str | None], str] = request.getfixturevalue("new_postgresql")
        settings.database_url = create(None)
    engine = make_engine(settings)
    yield engine
    engine.dispose()


def test_alembic_finds_no_difference(engine: Engine) -> None:
    command.check(alembic_config(engine))


def test_migrated_schema_is_that_of_the_models_to_the_letter(empty: Engine, settings: Settings) -> None:
    # Alembic compares neither the conditions of partial indexes nor computed expressions on every database.
    Base.metadata.create_all(empty)
    expected = _objects(empty)
    Base.metadata.drop_all(empty)
    assert _objects(empty) == []
    migrate(settings)
    assert _objects(empty) == expected


def test_up_down_up(empty: Engine, settings: Settings) -> None:
    assert not schema_is_current(empty)
    assert migrate(settings)
    assert schema_is_current(empty)
    assert not migrate(settings)
    command.downgrade(alembic_config(empty), "base")
    assert inspect(empty).get_table_names() == ["alembic_version"]
    assert migrate(settings)
    assert schema_is_current(empty)


def test_three_that_migrate_at_once_wait_for_each_other(empty: Engine, settings: Settings) -> None:
    environment = {**os.environ, "LIGHTWORK_HOME": str(settings.home), "DATABASE_URL": settings.database_url}
    source = (
        "from core.cli.migrate import migrate; from core.config import load_settings; print(migrate(load_settings()))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", source], env=environment, cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert schema_is_current(empty)


def test_a_database_of_a_newer_version_is_not_current(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'future'"))
    assert not schema_is_current(engine)


def test_revisions_are_one_line_and_state_the_deploy_rule(sqlite_engine: Engine) -> None:
    script = ScriptDirectory.from_config(alembic_config(sqlite_engine))
    assert len(script.get_heads()) == 1
    revisions = [revision.revision for revision in script.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
    template = Path(script.dir, "script.py.mako").read_text()
    assert "must not break the previous version of the code" in template


def _objects(engine: Engine) -> list[tuple[str, list[str]]]:
    """Per object of the schema its definition, cut at commas and sorted: the order of constraints means nothing."""
    with engine.connect() as connection:
        rows = connection.execute(text(OBJECTS[engine.dialect.name])).all()
    return sorted((str(table), sorted(_words(piece) for piece in str(sql).split(","))) for table, sql in rows)


def _words(sql: str) -> str:
    return re.sub(r"[\s\"()]+", " ", sql).strip()
