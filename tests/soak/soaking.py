"""One soak: the highest rate is measured, then a share of it is kept up for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.models import Base, Project
from tests.acceptance.people import Visitor
from tests.acceptance.running import Running, lightwork_up
from tests.soak import memory
from tests.soak.load import LABELS, PEOPLE, Person, answered, people, work

SHARE = 0.6
"""Of the highest rate."""
HIGHEST_SECONDS = 8.0
WARM_UP = 1 / 3
"""Share of the time after which memory has to be flat."""
ITEMS_PER_SECOND = 25
"""More than are used up where all of `PEOPLE` answer each."""
IMPORT_SECONDS = 120.0
Told = Callable[[str], None]


@dataclass(frozen=True)
class Soaked:
    """What came of it. highest, rate: answers per second; waits: seconds; samples: MB after the warm-up, by process.

    rows: of each table after the warm-up and at the end; answers: given between these.
    """

    seconds: float
    highest: float
    rate: float
    waits: list[float]
    samples: dict[str, list[float]]
    rows: dict[str, tuple[int, int]]
    answers: int

    def growth(self, process: str) -> float:
        """By what share the memory of a process grew after the warm-up."""
        return memory.growth(self.samples[process])

    def rows_per_answer(self, table: str) -> float:
        """By how many rows a table grew with each answer."""
        before, after = self.rows[table]
        return (after - before) / max(1, self.answers)

    @property
    def median_wait(self) -> float:
        """Seconds from a tap to the next card."""
        return median(self.waits)


async def soak(home: Path, seconds: float, told: Told) -> Soaked:
    """Work in a fresh home for so long, after the highest rate was measured."""
    with lightwork_up(home) as running, Visitor(running.url) as owner:
        assert owner.join(running.invites[0], "Olga").refused is None
        code = await asyncio.to_thread(_post, owner, round(ITEMS_PER_SECOND * (seconds + HIGHEST_SECONDS)))
        async with people(running.url, code) as joined:
            highest = await work(joined, HIGHEST_SECONDS)
            told(f"{highest:.0f} answers/s at most; {SHARE * highest:.0f} from now on")
            await work(joined, seconds * WARM_UP, highest * SHARE)
            return await _measured(running, joined, seconds, highest, told)


async def _measured(running: Running, joined: list[Person], seconds: float, highest: float, told: Told) -> Soaked:
    samples, before, first = memory.new_samples(), _rows(running), answered(joined)
    for person in joined:
        person.waits.clear()
    first = answered(joined)
    watching = asyncio.create_task(memory.watch(running, samples))
    rate = await work(joined, seconds * (1.0 - WARM_UP), highest * SHARE)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    after = _rows(running)
    told(f"{rate:.0f} answers/s kept up")
    return Soaked(
        seconds,
        highest,
        rate,
        sorted(wait for person in joined for wait in person.waits),
        dict(samples),
        {name: (before[name], after[name]) for name in before},
        answered(joined) - first,
    )


def _post(owner: Visitor, items: int) -> str:
    rows = "\n".join(["text", *(f"Statement {number} {'x' * (number % 7)}" for number in range(items)), ""])
    caption = f"/post Is it so? | {' | '.join(LABELS)} | overlap={PEOPLE}-{PEOPLE} | retrain=1000000"
    said = owner.upload("statements.csv", rows.encode(), caption)
    assert said.refused is None, said
    owner.hear("import_done", IMPORT_SECONDS)
    return owner.say(f"/invite worker {PEOPLE}").sentences[0].split("/join/")[1].split()[0]


def _rows(running: Running) -> dict[str, int]:
    def count(session: Session, table: str) -> int:
        return session.scalar(select(func.count()).select_from(Base.metadata.tables[table])) or 0

    with running.reading() as session:
        assert session.scalars(select(Project.id)).all()
        return {table: count(session, table) for table in Base.metadata.tables}
