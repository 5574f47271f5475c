"""Redis: reachable, keeps what it is given, and forgets nothing to make room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from core.config import Settings
from core.embedded import redis_url
from core.errors import SettingsError
from core.findings import Finding, failure, ok, warning
from core.queue import QUEUES, connect, waiting_counts

MANY_FAILED = 20


def checks(settings: Settings) -> Iterator[Finding]:
    """What is wrong with Redis, if anything."""
    try:
        redis = connect(redis_url(settings))
        info = dict(redis.info())
        yield ok("redis", f"{_name(info)}, {'as set' if settings.redis_url else 'embedded'}")
        yield _eviction(info)
        yield _persistence(info)
        yield _queues(redis)
        redis.close()
    except SettingsError as error:
        yield warning("redis", "The embedded Valkey is not running.", str(error))
    except (RedisError, ValueError) as error:
        says = f"It does not answer at REDIS_URL ({type(error).__name__})."
        yield failure("redis", says, "Start it, and check the host, the port and the password in REDIS_URL.")


def _name(info: dict[str, Any]) -> str:
    if version := info.get("valkey_version"):
        return f"Valkey {version}"
    return f"Redis {info.get('redis_version', '?')}"


def _eviction(info: dict[str, Any]) -> Finding:
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        return ok("redis eviction", "noeviction")
    says = f"The policy is {policy}: Redis may throw jobs away when its memory is full."
    return failure("redis eviction", says, "Set maxmemory-policy noeviction in its configuration.")


def _persistence(info: dict[str, Any]) -> Finding:
    if int(info.get("aof_enabled", 0)):
        return ok("redis persistence", "append-only file")
    says = "There is no append-only file: a restart forgets the queues until the sweep has rebuilt them."
    return warning("redis persistence", says, "Set appendonly yes in its configuration.")


def _queues(redis: Redis) -> Finding:
    counts = waiting_counts(redis)
    failed = sum(counts[name]["failed"] for name in QUEUES)
    waiting = ", ".join(f"{name} {counts[name]['waiting']}" for name in QUEUES)
    if failed > MANY_FAILED:
        return warning(
            "queues", f"{failed} jobs have failed.", "Look for their names in the log of the worker process."
        )
    return ok("queues", f"waiting: {waiting}")
