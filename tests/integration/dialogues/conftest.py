"""A chat for each dialogue, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis import Redis
from sqlalchemy import Engine

from core import dispute_order
from core.config import Settings
from tests.fakes.chat import Chat


@pytest.fixture
async def chat(settings: Settings, engine: Engine, redis: Redis) -> AsyncIterator[Chat]:
    """A bot with its own database and Valkey."""
    made = Chat(settings, engine, redis)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_second_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which verdicts are looked at again follows from random ids; tests of that choose for themselves."""
    monkeypatch.setattr(dispute_order, "SECOND_BELOW", "")
