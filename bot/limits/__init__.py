"""How often a platform is called, kept by all processes together: a `bot.surface.Limiter` on Redis."""

from __future__ import annotations

from bot.limits.budget import Budget
from bot.limits.shared import SharedBuckets

__all__ = ["Budget", "SharedBuckets"]
