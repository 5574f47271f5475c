"""A minute of steady work on SQLite and Valkey: no process grows, and no table that has no reason to."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.soak.soaking import soak
from tests.soak.verdict import check

SECONDS = 45.0
pytestmark = pytest.mark.timeout(300)


def test_memory_and_tables_stay_flat(tmp_path: Path) -> None:
    check(asyncio.run(soak(tmp_path / "home", SECONDS, print)))
