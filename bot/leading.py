"""Doing what one process alone may, for as long as this one is it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bot.surface import Leadership
from core.log import get_logger

RETRY_SECONDS = 1.0
"""How often a process that is not it asks again."""
SURE_FOR = 2.5
"""Renewals that may fail before the right counts as lost; a holder that is silent for three is replaced."""
GIVE_BACK_SECONDS = 2.0

log = get_logger(__name__)


async def lead(
    leadership: Leadership, work: Callable[[int], Coroutine[Any, Any, None]], retry_seconds: float = RETRY_SECONDS
) -> None:
    """Run `work` whenever this process has the right, until cancelled or until `work` raises.

    The right is renewed beside `work`. When it is lost, or cannot be renewed in time, `work` is cancelled at once.

    Args:
        work: gets the fence; where it returns by itself, the right is asked for again.
        retry_seconds: how long to wait while another process has it.
    """
    try:
        while True:
            fence = await _taken(leadership)
            if fence is not None:
                await _work(leadership, fence, work)
            await asyncio.sleep(retry_seconds)
    finally:
        await _give_back(leadership)


async def _taken(leadership: Leadership) -> int | None:
    try:
        return await leadership.take()
    except Exception as error:  # a database that is away for a moment
        log.warning("leadership.not_taken", error=type(error).__name__)
        return None


async def _work(leadership: Leadership, fence: int, work: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    working = asyncio.create_task(work(fence))
    renewing = asyncio.create_task(_renew(leadership, fence))
    try:
        await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for part in (working, renewing):
            part.cancel()
        await asyncio.gather(working, renewing, return_exceptions=True)
    if not working.cancelled():
        working.result()


async def _renew(leadership: Leadership, fence: int) -> None:
    """Returns when the right is lost."""
    clock = asyncio.get_running_loop()
    sure_until = clock.time() + SURE_FOR * leadership.renew_seconds
    while clock.time() < sure_until:
        await asyncio.sleep(min(leadership.renew_seconds, sure_until - clock.time()))
        begun = clock.time()
        try:
            async with asyncio.timeout_at(sure_until):
                kept = await leadership.take()
        except Exception as error:
            log.warning("leadership.not_renewed", error=type(error).__name__)
            continue
        if kept != fence:
            break
        sure_until = begun + SURE_FOR * leadership.renew_seconds
    log.warning("leadership.lost")


async def _give_back(leadership: Leadership) -> None:
    try:
        async with asyncio.timeout(GIVE_BACK_SECONDS):
            await leadership.give_back()
    except Exception as error:  # it runs out by itself
        log.warning("leadership.not_given_back", error=type(error).__name__)
