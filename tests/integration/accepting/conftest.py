"""A job whose model may label by itself, on both databases."""

from __future__ import annotations

import pytest
from redis import Redis
from sqlalchemy import Engine

from core.config import Settings
from tests.integration.accepting.job import Accepting


@pytest.fixture
def job(engine: Engine, settings: Settings, redis: Redis) -> Accepting:
    """With a holdout of which its champion got a fifth wrong."""
    return Accepting(engine, settings, redis)
