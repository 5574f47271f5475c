"""An empty database, an empty Redis and repeatable chance for each story."""

from __future__ import annotations

import random
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import pytest
from sqlalchemy import event, text

from core import dispute_order, gold_doubts, gold_serving, ids, jobs, pilot
from core.db import is_sqlite, turns
from core.models import Base
from core.queue import EffectRunner
from core.runtime import Runtime
from tests.integration.composition.watch import Watch
from tests.integration.composition.world import World, open_world

SMALL: dict[tuple[ModuleType, str], object] = {
    (dispute_order, "SECOND_BELOW"): "p",
    (gold_doubts, "LEAST_ANSWERS"): 3,
    (pilot, "PILOT_ITEMS"): 3,
    (pilot, "LEAST_BEHIND"): 3,
}
"""Limits that a handful of people with a dozen items would never reach."""


@dataclass(slots=True)
class Stage:
    """Where stories are played, one after the other, and how many events there were in all of them."""

    runtime: Runtime
    patch: pytest.MonkeyPatch
    events: int = 0

    def __post_init__(self) -> None:
        """Without durability, which nothing here is about: SQLite would wait for the disk at every event."""
        if is_sqlite(self.runtime.engine):
            self.runtime.engine.dispose()
            event.listen(
                self.runtime.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF")
            )

    def open(self, seed: int) -> World:
        """A new story; all that the product draws at random follows from `seed`, so that it can be played again."""
        source = random.Random(seed)
        self.patch.setattr(ids, "secrets", SimpleNamespace(token_bytes=source.randbytes))
        self.patch.setattr(gold_serving, "_random", source)
        for (module, name), value in SMALL.items():
            self.patch.setattr(module, name, value)
        self.patch.setattr(turns, "PAUSE_SECONDS", 0.0)
        self._empty()
        redis = self.runtime.redis
        runtime = Runtime(self.runtime.settings, self.runtime.engine, redis, EffectRunner(redis))
        world = open_world(runtime, Watch().look, source)
        self.patch.setattr(jobs, "process_runtime", lambda: runtime)
        self.patch.setattr(jobs, "now", world.clock)
        return world

    def close(self, world: World) -> None:
        """Count what was done."""
        self.events += world.events

    def _empty(self) -> None:
        """No rows, and ids from 1 on."""
        names = [table.name for table in Base.metadata.tables.values()]
        self.runtime.redis.flushdb()
        with self.runtime.engine.begin() as connection:
            if not is_sqlite(self.runtime.engine):
                connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
                return
            connection.execute(text("PRAGMA defer_foreign_keys=ON"))
            for name in names:
                connection.execute(text(f"DELETE FROM {name}"))
