"""Taps, which go past Bolt: they are what people do a thousand times, and each would be held against all listeners."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Take = Callable[[dict[str, Any]], Awaitable[None]]
"""Gets a tap as Slack tells it; when it returns, the tap is acknowledged."""


def is_tap(payload: object) -> bool:
    """Whether an interaction is a tap on a button."""
    return isinstance(payload, Mapping) and payload.get("type") == "block_actions"
