"""The processes of this command, each with the port on which it tells about itself; nothing of it where none is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.config import Settings


@contextmanager
def watched(settings: Settings, process: str, redis_url: str) -> Iterator[None]:
    """Tell how `process` is while the block lasts.

    Args:
        process: worker, schedule or trainer.
        redis_url: where Redis is.
    """
    if not settings.metrics_port:
        yield
        return
    from core.db import make_engine
    from core.monitoring import monitored
    from core.monitoring.readiness import needs

    engine = make_engine(settings)
    try:
        with monitored(settings, process, needs(engine, redis_url)):
            yield
    finally:
        engine.dispose()


@contextmanager
def watched_schedule(settings: Settings, redis_url: str) -> Iterator[None]:
    """As `watched`, for the one process that tells beside itself what the whole installation owes."""
    if not settings.metrics_port:
        yield
        return
    from prometheus_client import REGISTRY

    from core.db import make_engine
    from core.monitoring.figures import Installation
    from core.queue import connect

    engine, redis = make_engine(settings), connect(redis_url)
    installation = Installation(engine, redis, settings.home)
    REGISTRY.register(installation)
    try:
        with watched(settings, "schedule", redis_url):
            yield
    finally:
        REGISTRY.unregister(installation)
        engine.dispose()
        redis.close()
