"""A job with known items, on either database."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from core.effects import Effect
from tests.integration.gold.job import GoldJob


@pytest.fixture
def job(engine: Engine, effects: list[Effect]) -> GoldJob:
    """Eleven items to label, and four that are known."""
    return GoldJob(engine, effects)
