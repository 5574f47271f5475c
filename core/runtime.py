"""What a process needs to work: settings, engine, Redis, and the runner of effects. Made once per process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache

from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.config import Settings, load_settings
from core.db import make_engine, unit_of_work
from core.db import reading as read
from core.effects import Effect
from core.embedded import redis_url
from core.queue import EffectRunner, connect


@dataclass(frozen=True)
class Runtime:
    """A process's connections."""

    settings: Settings
    engine: Engine
    redis: Redis
    run_effects: Callable[[list[Effect]], None]

    def writing(self) -> AbstractContextManager[Session]:
        """One unit of work: committed at the end, effects after the commit."""
        return unit_of_work(self.engine, self.run_effects)

    def reading(self) -> AbstractContextManager[Session]:
        """A session that only reads."""
        return read(self.engine)


def make_runtime(settings: Settings) -> Runtime:
    """Connect to what the settings name.

    Raises:
        SettingsError: no Redis is set and no embedded Valkey runs.
    """
    redis = connect(redis_url(settings))
    return Runtime(settings, make_engine(settings), redis, EffectRunner(redis))


@cache
def process_runtime() -> Runtime:
    """The runtime of this process, from its environment."""
    return make_runtime(load_settings())
