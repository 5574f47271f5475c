"""One round: a fresh home, everybody at work, and fault upon fault, each followed by a comparison of everything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from core.db import is_sqlite
from tests.acceptance.people import Ledger
from tests.chaos import verdict
from tests.chaos.crowd import Crowd, at_work
from tests.chaos.faults import FAULTS, plan
from tests.chaos.report import Struck
from tests.chaos.scene import LEASE_SECONDS, TEXTS, Scene, last_errors, scene
from tests.chaos.telegram import UnsteadyPlatform
from tests.waiting import eventually

AT_WORK_SECONDS = 120.0
HELD_SECONDS = 120.0
DRAIN_SECONDS = 90.0
EXPORT_SECONDS = 240.0
"""A job that fails while its database is away is tried again after 5, 30 and 120 seconds."""
END_SECONDS = LEASE_SECONDS + 75.0
"""After which all leases must be gone once nobody works any more: a minute late at the latest, and one sweep."""
Told = Callable[[Struck], None]


async def play(path: Path, database: str, seed: int, count: int, told: Told) -> None:
    """Play a round of `count` faults in a fresh directory `path`.

    Args:
        told: called with each fault that was survived.

    Raises:
        AssertionError: something is not as it must be; it names the fault and the seed.
    """
    platform = UnsteadyPlatform(seed)
    struck: list[str] = []
    telegram = dict(await platform.start())
    try:
        with scene(path, database, seed, platform, telegram) as stage:
            code = await asyncio.to_thread(stage.post)
            with closing(Ledger(path.with_name("ledger.jsonl"))) as ledger:  # not on the disk that gets full
                async with at_work(stage.running.url, platform, code, TEXTS, ledger, seed) as crowd:
                    for kind in plan(count, database, seed):
                        struck.append(kind)
                        told(await _survive(stage, crowd, kind, database, seed))
                await asyncio.to_thread(_end, stage)
    except* Exception as errors:
        first = _first(errors)
        wrong = f"{database}, seed {seed}, after {struck}: {type(first).__name__}: {first}"
        raise AssertionError("\n".join([wrong, *last_errors(path.with_name("log"))])) from first
    finally:
        await platform.stop()


async def _survive(stage: Scene, crowd: Crowd, kind: str, database: str, seed: int) -> Struck:
    """Strike once, let everybody get back to work, hold them, and compare."""
    given = crowd.ledger.answers
    await asyncio.sleep(stage.dice.uniform(0.0, 1.0))  # the moment is drawn; nothing is waited for
    assert (await asyncio.to_thread(stage.owner.say, f"/export labels csv {stage.project}")).refused is None
    began = time.monotonic()
    await FAULTS[kind](stage)
    await crowd.have_all_answered(AT_WORK_SECONDS)
    seconds = time.monotonic() - began
    await asyncio.to_thread(stage.owner.hear, "export_ready", EXPORT_SECONDS)
    async with crowd.gate.held(HELD_SECONDS):
        checked = await asyncio.to_thread(_compare, stage, crowd.ledger.path)
    await asyncio.to_thread(_drain, stage)
    return Struck(database, seed, kind, crowd.ledger.answers - given, checked, seconds, stage.disk.way)


def _compare(stage: Scene, ledger: Path) -> int:
    with stage.running.reading() as session:
        # All of one moment: people are held, but the leases of those who dawdle end by themselves between two looks.
        if not is_sqlite(stage.running.engine):
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        return verdict.check(session, ledger, stage.project_id, stage.clock.seen())


def _drain(stage: Scene) -> None:
    eventually(
        lambda: not _counted(stage, lambda session: verdict.owed(session, stage.clock.now())),
        DRAIN_SECONDS,
        "an empty outbox",
    )


def _end(stage: Scene) -> None:
    """Nobody works any more: all leases end by themselves, and nothing is owed."""
    eventually(lambda: not _counted(stage, verdict.leased), END_SECONDS, "an end of all leases")
    _drain(stage)


def _counted(stage: Scene, count: Callable[..., int]) -> int:
    with stage.running.reading() as session:
        return count(session)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
