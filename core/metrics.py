"""What this process counts for Prometheus, from its start on. docs/operations.md says what each name means.

What the whole installation owes (queues, outbox, leases, runs) is not counted here but read when it is asked for:
see `core.monitoring.figures`. No label ever holds a person, a job or an item, so the number of series is fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from prometheus_client import Counter, Histogram, disable_created_metrics

SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0)
GROUP_SIZES = (1, 2, 4, 8, 16, 32, 64)

disable_created_metrics()  # type: ignore[no-untyped-call] # when each series began: as many lines again, for nothing that is asked here

EVENTS = Counter(
    "lightwork_events",
    "What people did, by surface, kind (tap, command, text, upload, form, left) and outcome (ok, refused, overloaded, "
    "failed).",
    ("surface", "kind", "outcome"),
)
EVENT_SECONDS = Histogram(
    "lightwork_event_seconds",
    "From an event's arrival at dispatch to its commit and rendered reply, late ones included.",
    ("surface", "kind"),
    buckets=SECONDS,
)
PLATFORM_REFUSALS = Counter(
    "lightwork_platform_refusals", "Calls that a chat platform refused as too many (HTTP 429).", ("surface",)
)
DATABASE_ERRORS = Counter(
    "lightwork_database_errors", "Statements and connections that failed, by the driver's class of error.", ("kind",)
)
COMMIT_EVENTS = Histogram(
    "lightwork_commit_events", "How many pieces of work one commit held (SQLite only).", buckets=GROUP_SIZES
)
LEASES_EXPIRED = Counter("lightwork_leases_expired", "Leases that ran out and gave their place back.")


@cache
def event_counter(surface: str, kind: str, outcome: str) -> Callable[[], None]:
    """Counts one event; looked up once, because the look-up costs more than the count."""
    return EVENTS.labels(surface, kind, outcome).inc


@cache
def event_timer(surface: str, kind: str) -> Callable[[float], None]:
    """Notes how many seconds an event took."""
    return EVENT_SECONDS.labels(surface, kind).observe
