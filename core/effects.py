"""Effects of an event: collected in its session, dropped with its savepoint, run after the outer commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KEY = "lightwork_effects"


@dataclass(frozen=True, slots=True)
class EnqueueJob:
    """An RQ job to enqueue, now or `at` a moment. Enqueued twice under one id, it runs once."""

    queue: str
    function: str
    """Dotted name, resolved by the worker."""
    args: tuple[int | str, ...]
    job_id: str
    at: datetime | None = None
    doubted: bool = False
    """Redis may have forgotten it: ask there, whatever this process remembers."""


@dataclass(frozen=True, slots=True)
class WakeDelivery:
    """Something was put into the outbox."""


Effect = EnqueueJob | WakeDelivery


def add_effect(session: Session, effect: Effect) -> None:
    """Remember `effect` until the transaction of `session` has committed."""
    session.info.setdefault(KEY, []).append(effect)


def mark(session: Session) -> int:
    """How many effects there are: taken before a savepoint, to go back to with `drop_after`."""
    return len(session.info.get(KEY, ()))


def drop_after(session: Session, position: int) -> None:
    """Forget the effects of a savepoint that was rolled back."""
    del session.info.get(KEY, [])[position:]


def take_effects(session: Session) -> list[Effect]:
    """The effects to run now, each once; the session forgets them."""
    effects: list[Effect] = session.info.pop(KEY, [])
    return list(dict.fromkeys(effects))
