"""What tests of several themes stand on: a runtime on either database, with a Valkey."""

from __future__ import annotations

import pytest
from redis import Redis
from sqlalchemy import Engine

from core.config import Settings
from core.runtime import Runtime
from tests.factories import make_runtime
from tests.integration.trainer_fixtures import Base


@pytest.fixture
def runtime(settings: Settings, engine: Engine, redis: Redis) -> Runtime:
    """A runtime of the test's own."""
    return make_runtime(settings, engine, redis)


@pytest.fixture
def base(engine: Engine) -> Base:
    """A project on both databases."""
    return Base(engine)
