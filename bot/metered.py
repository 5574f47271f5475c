"""Dispatch, counted and timed; and what is logged on the way says on which surface."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from bot.surface import Command, Dispatch, Event, Filled, Left, Outcome, Said, Tapped, Uploaded
from bot.texts import FALLBACK
from core.log import log_ids
from core.metrics import event_counter, event_timer

KINDS: dict[type, str] = {
    Tapped: "tap",
    Command: "command",
    Said: "text",
    Uploaded: "upload",
    Filled: "form",
    Left: "left",
}
OUTCOMES = {None: "ok", "overloaded": "overloaded", FALLBACK: "failed"}
"""By the code of the refusal; all others are a person's mistake or a state of things, and count as refused."""


class Metered:
    """A `bot.surface.Dispatch` around another one."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch

    async def __call__(self, event: Event) -> Outcome:
        """Hand `event` on. One whose commit is late is counted when that has come, whoever waits for it."""
        started = time.perf_counter()
        surface, kind = event.person.surface, KINDS[type(event)]
        with log_ids(surface=surface):
            outcome = await self._dispatch(event)
        late = outcome.follow_up
        if isinstance(late, asyncio.Future):
            late.add_done_callback(partial(_count_late, surface, kind, started))
        else:
            _count(surface, kind, started, outcome)
        return outcome


def _count(surface: str, kind: str, started: float, outcome: Outcome) -> None:
    event_counter(surface, kind, OUTCOMES.get(outcome.refused, "refused"))()
    event_timer(surface, kind)(time.perf_counter() - started)


def _count_late(surface: str, kind: str, started: float, late: asyncio.Future[Outcome]) -> None:
    if not late.cancelled() and late.exception() is None:
        _count(surface, kind, started, late.result())
