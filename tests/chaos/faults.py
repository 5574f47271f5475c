"""Everything that goes wrong, by name. Each fault is over when its function returns; what it broke may take longer."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from core.embedded import answers
from core.queue import waiting_counts
from tests.acceptance.running import BACK_SECONDS
from tests.chaos import telegram
from tests.chaos.scene import Scene
from tests.waiting import eventually

Fault = Callable[[Scene], Awaitable[None]]
SPELL_SECONDS = 3.0
FULL_SECONDS = 2.0
JUMPS = (90.0, 25.0, -25.0)
"""Seconds; after the last one leases seem to last longer, by less than the minute that they may."""


async def kill(name: str, scene: Scene) -> None:
    """A process is killed with -9; another one takes its place."""
    await asyncio.to_thread(scene.running.kill, name)


async def kill_database(scene: Scene) -> None:
    """PostgreSQL is killed with -9 and started again."""
    assert scene.server is not None
    scene.server.kill()
    await asyncio.to_thread(scene.server.start)


async def flush(scene: Scene) -> None:
    """All that Redis knows is gone."""
    await asyncio.to_thread(_redis_is_up, scene)
    with scene.running.redis() as redis:
        await asyncio.to_thread(redis.flushall)


def _redis_is_up(scene: Scene) -> None:
    """The fault before may have been its end, of which nobody who answers takes notice."""
    url = scene.running.home / "valkey" / "url"
    eventually(lambda: answers(url.read_text().strip()), BACK_SECONDS, "Valkey")


async def lose_export(scene: Scene) -> None:
    """All that Redis knows is gone while a requested export can only be there; then the worker is killed."""
    await asyncio.to_thread(_lose_export, scene)


def _lose_export(scene: Scene) -> None:
    _redis_is_up(scene)
    eventually(lambda: _halted(scene), BACK_SECONDS, "a worker that holds no lock")
    assert scene.owner.say(f"/export annotations csv {scene.project}").refused is None
    with scene.running.redis() as redis:
        eventually(lambda: waiting_counts(redis)["default"]["waiting"], 20, "the export's job")
        redis.flushall()
    scene.running.kill("worker")


def _halted(scene: Scene) -> bool:
    """Stop the worker, unless it is just writing: on SQLite nobody else could write while it is stopped."""
    scene.running.signal("worker", signal.SIGSTOP)
    if scene.server is not None or _is_writable(scene.running.home / "lightwork.sqlite"):
        return True
    scene.running.signal("worker", signal.SIGCONT)
    return False


def _is_writable(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=1.0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        connection.execute("ROLLBACK")
        return True


async def spell(kind: str, scene: Scene) -> None:
    """Telegram has some bad seconds, in which people go on."""
    await scene.platform.unsteady.cast(kind)
    await asyncio.sleep(SPELL_SECONDS)  # it lasts so long; nothing is waited for
    await scene.platform.unsteady.cast(telegram.STEADY)


async def jump(scene: Scene) -> None:
    """The clock of all processes jumps."""
    scene.clock.jump(scene.dice.choice(JUMPS))


async def fill_disk(scene: Scene) -> None:
    """For some seconds nothing can be written, and people go on. A database that ends by that is started again."""
    scene.disk.fill(scene.writers())
    await asyncio.sleep(FULL_SECONDS)  # it lasts so long; nothing is waited for
    scene.disk.free(scene.writers())
    if scene.server is not None:
        await asyncio.to_thread(scene.server.keep_alive)


async def freeze(name: str, scene: Scene) -> None:
    """A process hears nothing for some seconds, and goes on."""
    pid = await asyncio.to_thread(scene.running.signal, name, signal.SIGSTOP)
    await asyncio.sleep(FULL_SECONDS)  # it lasts so long; nothing is waited for
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


KILLS = ("bot", "worker", "schedule", "trainer", "valkey")
SPELLS = (
    telegram.DUPLICATED,
    telegram.REORDERED,
    telegram.LOST,
    telegram.CUT,
    telegram.FLOODS,
    telegram.ERRORS,
)
FAULTS: Mapping[str, Fault] = {
    **{f"kill -9 of {name}": partial(kill, name) for name in KILLS},
    "kill -9 of postgresql": kill_database,
    "FLUSHALL": flush,
    "FLUSHALL and kill -9 with an export under way": lose_export,
    "Telegram: updates duplicated": partial(spell, telegram.DUPLICATED),
    "Telegram: updates reordered": partial(spell, telegram.REORDERED),
    "Telegram: updates lost": partial(spell, telegram.LOST),
    "Telegram: answers to calls lost": partial(spell, telegram.CUT),
    "Telegram: burst of 429": partial(spell, telegram.FLOODS),
    "Telegram: burst of 5xx": partial(spell, telegram.ERRORS),
    "clock jump": jump,
    "disk full": fill_disk,
    "valkey frozen": partial(freeze, "valkey"),
}
OF_POSTGRESQL = ("kill -9 of postgresql",)
PROCESSES = tuple(name for name in FAULTS if name.startswith("kill"))
HALF = 0.5
"""Share of faults that are kills: of all moments theirs are the worst."""


def plan(count: int, database: str, seed: int) -> list[str]:
    """Which faults strike in a round, in their order: no kind twice before each of its sort was there."""
    dice = random.Random(seed)
    possible = [name for name in FAULTS if database == "postgresql" or name not in OF_POSTGRESQL]
    kills = [name for name in possible if name in PROCESSES]
    others = [name for name in possible if name not in PROCESSES]
    wanted = round(count * HALF)
    chosen = _drawn(kills, wanted, dice) + _drawn(others, count - wanted, dice)
    dice.shuffle(chosen)
    return chosen


def _drawn(names: list[str], count: int, dice: random.Random) -> list[str]:
    drawn: list[str] = []
    while len(drawn) < count:
        drawn += dice.sample(names, len(names))
    return drawn[:count]
