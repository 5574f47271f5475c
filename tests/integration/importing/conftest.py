"""A workspace to import into, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from core.config import Settings
from core.effects import Effect
from tests.integration.importing.house import House


@pytest.fixture
def house(engine: Engine, settings: Settings, effects: list[Effect], tmp_path: Path) -> House:
    """A workspace with a project on either database."""
    return House(engine, settings, effects, tmp_path)
