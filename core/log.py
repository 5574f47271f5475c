"""Logging through structlog: readable on a terminal, JSON elsewhere, and never a token.

What a line is about (surface, worker, assignment, RQ job) is bound once, by whoever starts the work, and stands in
every line of it: `log_ids`, `note_ids`, `with_ids`. Ids are public or RQ's own; texts are never bound.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import structlog

TOKEN_SHAPES = re.compile(
    r"((?<!\d)\d{6,12}:[A-Za-z0-9_-]{30,}|\bxox[abeprs]-[A-Za-z0-9-]+|\bxapp-[A-Za-z0-9-]+|://[^/\s:@]*:[^/\s@]+@)"
)
HIDDEN = "***"

P = ParamSpec("P")
T = TypeVar("T")

_ids: ContextVar[dict[str, object] | None] = ContextVar("log_ids", default=None)


def setup_logging(log_format: str = "auto", secrets: Iterable[str] = (), level: int = logging.INFO) -> None:
    """Send structlog and the standard library through one pipeline that hides `secrets` and token-like words.

    Args:
        log_format: "console", "json", or "auto" (console on a terminal).
        secrets: exact values to hide wherever they appear, also inside a URL or an exception.
    """
    readable = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()) if readable else structlog.processors.JSONRenderer()
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _add_ids,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacting(renderer, shared, [secret for secret in secrets if secret]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx", "httpcore", "aiohttp.access", "apscheduler", "rq.worker", "rq.scheduler", "rq.cron"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get_logger(name: str) -> Any:
    """A structlog logger; bind ids to it, never texts of people."""
    return structlog.get_logger(name)


@contextmanager
def log_ids(**ids: object) -> Iterator[None]:
    """All that is logged in the block, also in coroutines that it starts, carries `ids` and no others."""
    token = _ids.set(ids)
    try:
        yield
    finally:
        _ids.reset(token)


def note_ids(**ids: object) -> None:
    """Add to the ids of the block that this is part of, for all of its threads and coroutines; nothing without one."""
    if (noted := _ids.get()) is not None:
        noted.update(ids)


def with_ids(work: Callable[P, T]) -> Callable[P, T]:
    """`work` for another thread, where it logs under the ids that hold here."""
    ids = _ids.get()

    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        token = _ids.set(ids)
        try:
            return work(*args, **kwargs)
        finally:
            _ids.reset(token)

    return carried


def hide(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without secrets and without anything that has the shape of a platform token."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return TOKEN_SHAPES.sub(HIDDEN, text)


class _Redacting(structlog.stdlib.ProcessorFormatter):
    def __init__(self, renderer: Any, shared: list[Any], secrets: list[str]) -> None:
        super().__init__(foreign_pre_chain=shared, processors=[_strip_meta, renderer])
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return hide(super().format(record), self._secrets)


def _add_ids(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in (_ids.get() or {}).items():
        event.setdefault(name, value)
    return event


def _strip_meta(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)
