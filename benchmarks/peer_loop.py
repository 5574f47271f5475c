"""People who answer one server as fast as they see items, and what that cost it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import aiohttp

from benchmarks.peer_people import REQUEST_SECONDS, Failed, Session
from benchmarks.peer_servers import Server

WARM_UP_SECONDS = 5.0
WARM_UP_SHARE = 0.1
SHARE = 0.5
"""Of the items, how much is answered at most: nobody must be slowed down, or sped up, by a queue that runs dry."""
GRACE_SECONDS = REQUEST_SECONDS + 30.0
"""For answers that are on their way when the time is over: longer than a request that fails for taking too long."""
REST_SECONDS = 0.05
"""After a refusal."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One server with one number of items.

    answers, failed: while it was measured. cpu_ms: of all of its processes, for an answer. p50_ms, p99_ms: from an
    answer until the next item was seen. stored: annotations in its database at the end, warm-up included; lost: at
    least so many of those that it had accepted, because an answer that failed after it was stored makes up for one;
    doubled: annotations of items that had one.
    """

    server: str
    items: int
    people: int
    answers: int
    failed: int
    per_second: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    stored: int
    lost: int
    doubled: int


@dataclass(slots=True)
class Run:
    """What came of a while of answering. waits: seconds that each answer took. took: seconds, all together."""

    waits: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    took: float = 0.0
    cpu: float = 0.0


async def measure(name: str, server: Server, items: int, people: int, seconds: float) -> Measured:
    """Closed loop: after a warm-up, `people` answer for `seconds`, or half of the items.

    Raises:
        SystemExit: the server did not start, let nobody join, took no answer, or never said what became of one.
    """
    try:
        warm, run = await runs(server, items, people, seconds)
    except (Failed, aiohttp.ClientError, TimeoutError) as error:
        raise SystemExit(f"{name} stopped answering: {error!r}") from error
    if not run.waits:
        raise SystemExit(f"{name} took no answer within {seconds:.0f} seconds: {run.failures[:1]}")
    if run.failures:
        print(f"{name}: {len(run.failures)} failed, the first: {run.failures[0][:200]!r}", file=sys.stderr)
    return measured(name, server, items, people, warm, run)


async def runs(server: Server, items: int, people: int, seconds: float) -> tuple[Run, Run]:
    """The warm-up and what was measured after it, of a server that is started for them and stopped.

    Raises:
        SystemExit: it did not start.
        Failed, aiohttp.ClientError: it let nobody join.
        TimeoutError: answers were still on their way `GRACE_SECONDS` after the end.
    """
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(120)) as outside:
        try:
            await server.start(outside, items, people)
            sessions = [await server.join(number) for number in range(people)]
            try:
                warm = await answer_for(server, sessions, WARM_UP_SECONDS, int(items * WARM_UP_SHARE))
                run = await answer_for(server, sessions, seconds, int(items * SHARE))
            finally:
                await asyncio.gather(*(session.close() for session in sessions))
        finally:
            await asyncio.to_thread(server.stop)
    return warm, run


async def answer_for(server: Server, sessions: Sequence[Session], seconds: float, most: int) -> Run:
    """All people answer until the time is over, or about `most` answers are given.

    Raises:
        TimeoutError: answers were still on their way `GRACE_SECONDS` later.
    """
    run = Run()
    cpu, began = server.cpu_seconds(), time.monotonic()
    end = began + seconds

    async def work(session: Session) -> None:
        while (asked := time.monotonic()) < end and len(run.waits) < most:
            try:
                await session.answer()
            except Failed as failure:
                run.failures.append(str(failure))
                await asyncio.sleep(REST_SECONDS)
            else:
                run.waits.append(time.monotonic() - asked)

    async with asyncio.timeout(seconds + GRACE_SECONDS):
        await asyncio.gather(*(work(session) for session in sessions))
    run.took, run.cpu = time.monotonic() - began, server.cpu_seconds() - cpu
    return run


def measured(name: str, server: Server, items: int, people: int, warm: Run, run: Run) -> Measured:
    """The row of a run, after the server has stopped."""
    stored = server.stored()
    answers = len(run.waits)
    ordered = sorted(run.waits)
    return Measured(
        name,
        items,
        people,
        answers,
        len(run.failures),
        per_second=round(answers / run.took, 2),
        cpu_ms=round(1e3 * run.cpu / answers, 3),
        p50_ms=round(1e3 * median(ordered), 2),
        p99_ms=round(1e3 * ordered[int(0.99 * (answers - 1))], 2),
        stored=stored.annotations,
        lost=max(0, len(warm.waits) + answers - stored.annotations),
        doubled=stored.annotations - stored.items,
    )
