"""A job with three open items."""

from __future__ import annotations

import pytest
from redis import Redis
from sqlalchemy import Engine

from core.config import Settings
from tests.integration.finishing.job import Job


@pytest.fixture
def job(settings: Settings, engine: Engine, redis: Redis) -> Job:
    """On both databases."""
    return Job(settings, engine, redis)
