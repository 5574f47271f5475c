"""What a process loads before it is ready: somebody waits for it, and it keeps it in memory as long as it runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT

DATABASE = ["alembic", "psycopg", "sqlalchemy"]
PLATFORMS = ["aiohttp", "slack_bolt", "slack_sdk", "telegram"]
LEARNING = ["sklearn", "torch", "transformers"]


@pytest.mark.parametrize(
    ("module", "without"),
    [
        ("core.cli", [*DATABASE, *PLATFORMS, *LEARNING, "numpy", "pydantic", "redis", "rq"]),
        ("core.cli.up", [*DATABASE, *PLATFORMS, *LEARNING, "numpy", "redis", "rq"]),
        ("core.cli.migrate", [*PLATFORMS, *LEARNING, "alembic", "numpy", "psycopg", "redis", "rq"]),
        ("core.embedded", [*DATABASE, *PLATFORMS, *LEARNING, "numpy", "redis", "rq"]),
        ("core.schedule", [*DATABASE, *PLATFORMS, *LEARNING, "numpy"]),
        ("core.cli.workers", [*DATABASE, *PLATFORMS, *LEARNING, "numpy"]),
        ("core.jobs", ["alembic", "openpyxl", "psycopg", *PLATFORMS, *LEARNING]),
        ("bot.__main__", ["alembic", "openpyxl", "psycopg", "scipy", *PLATFORMS, *LEARNING]),
    ],
)
def test_a_process_starts_without_what_it_may_never_need(module: str, without: list[str]) -> None:
    source = f"import sys, {module}; print(*sorted(set({without}) & sys.modules.keys()))"
    ended = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
