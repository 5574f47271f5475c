"""From the event loop into the database and back."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from core.db.writer import Work, Writer

T = TypeVar("T")


async def committed(writer: Writer, work: Work[T], *, short: bool = False) -> T:
    """The result of `work` after its commit. As `asyncio.wrap_future`, but a whole group wakes the loop once.

    Args:
        short: as of `Writer.submit`.

    Raises:
        Overloaded: too much is waiting. Else whatever `work` or its commit raises.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Future[T] = loop.create_future()
    done = writer.submit(work, loop.call_soon_threadsafe, short=short)
    done.add_done_callback(partial(_pass_on, waiting))
    try:
        return await waiting
    finally:
        done.cancel()  # which does nothing to what is running or done


def _pass_on(waiting: asyncio.Future[T], done: Future[T]) -> None:
    if waiting.done():
        return
    if (failure := done.exception()) is not None:
        waiting.set_exception(failure)
    else:
        waiting.set_result(done.result())
