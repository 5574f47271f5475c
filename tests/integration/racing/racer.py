"""One process of a race: people who claim and answer as fast as they can, and keep a journal of what they were told.

A line of JSON on standard input begins a round (see `Round`); a line of JSON on standard output is its journal.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, event, func, or_, select
from sqlalchemy.orm import Session

from core.answers import undo
from core.assignment import next_assignment
from core.clock import now
from core.config import load_settings
from core.db import is_sqlite, make_engine, reading
from core.db.writer import Writer, make_writer
from core.errors import Conflict, Refused
from core.labeling import skip, submit
from core.leases import Lease
from core.models import Item, Project

LABELS = "abc"
PATIENCE_SECONDS = 240.0
PAUSE_SECONDS = 0.02
DOUBLE, UNDO, SKIP = 0.1, 0.04, 0.02
"""Shares of taps that come twice at once, are taken back, or skip."""


@dataclass(frozen=True, slots=True)
class Round:
    """One project to be finished. workers: who plays here, one thread for each; seed: of what they think and do."""

    project_id: int
    workers: tuple[int, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a journal. change: +1 an answer was accepted, -1 it was taken back."""

    worker_id: int
    item_id: int
    label_id: str
    change: int


class Racer:
    """One person on one device."""

    def __init__(self, engine: Engine, writer: Writer, project_id: int, worker_id: int, seed: int) -> None:
        self.journal: list[Line] = []
        self._engine = engine
        self._writer = writer
        self._project_id = project_id
        self._worker_id = worker_id
        self._dice = random.Random(seed)

    def run(self) -> None:
        """Claim and answer until nobody has anything left to do.

        Raises:
            AssertionError: that takes too long.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._is_over():
            assert time.monotonic() < deadline, f"the round of project {self._project_id} does not end"
            lease = self._claim()
            if lease is None:
                time.sleep(PAUSE_SECONDS)  # what is left is in other people's hands, who may give it back
            while lease is not None:
                lease = self._deal_with(lease)

    def _is_over(self) -> bool:
        left = select(func.count()).where(
            Item.project_id == self._project_id, or_(Item.slots > 0, Item.leased > 0, Item.state == "open")
        )
        with reading(self._engine) as session:
            return session.scalar(left) == 0

    def _claim(self) -> Lease | None:
        return self._told([self._writer.submit(self._next) for _ in range(self._times())])

    def _next(self, session: Session) -> Lease | None:
        return next_assignment(session, session.get_one(Project, self._project_id), self._worker_id, "web", now())

    def _times(self) -> int:
        return 2 if self._dice.random() < DOUBLE else 1

    def _deal_with(self, lease: Lease) -> Lease | None:
        if self._dice.random() < SKIP:
            return self._told([self._tap(lease, skip)])
        label_id = self._dice.choice(LABELS)
        taps = [self._tap(lease, submit, label_id=label_id) for _ in range(self._times())]
        following = self._told(taps)
        accepted = sum(tap.exception() is None for tap in taps)
        assert accepted <= 1, f"{self._worker_id} was told twice that an answer is accepted"
        if not accepted:
            return None
        self._note(lease, label_id, +1)
        if self._dice.random() >= UNDO:
            return following
        back = self._tap(lease, undo)
        again = self._told([back])
        if back.exception() is None:
            self._note(lease, label_id, -1)
        return again

    def _tap(self, lease: Lease, verb: Callable[..., Any], **answer: str) -> Future[Lease | None]:
        """One transaction, as behind a button: deal with an item, and take the next one."""

        def work(session: Session) -> Lease | None:
            verb(
                session,
                worker_id=self._worker_id,
                assignment_public_id=lease.public_id,
                version=lease.version,
                now=now(),
                **answer,
            )
            return self._next(session)

        return self._writer.submit(work)

    def _told(self, futures: list[Future[Lease | None]]) -> Lease | None:
        """The newest lease that was shown; a refusal, where all there is of an answer came before, shows nothing."""
        shown: Lease | None = None
        for future in futures:
            refusal = future.exception(PATIENCE_SECONDS)
            if refusal is None:
                shown = future.result() or shown
            elif not isinstance(refusal, Conflict | Refused):
                raise refusal
        return shown

    def _note(self, lease: Lease, label_id: str, change: int) -> None:
        self.journal.append(Line(self._worker_id, lease.item_id, label_id, change))


def play(engine: Engine, writer: Writer, one: Round) -> list[Line]:
    """One round; returns what all people of this process were told."""
    racers = [
        Racer(engine, writer, one.project_id, worker_id, one.seed * 1000 + number)
        for number, worker_id in enumerate(one.workers)
    ]
    together = threading.Barrier(len(racers))

    def race(racer: Racer) -> None:
        together.wait(PATIENCE_SECONDS)
        racer.run()

    with ThreadPoolExecutor(len(racers)) as pool:
        for done in [pool.submit(race, racer) for racer in racers]:
            done.result()
    return [line for racer in racers for line in racer.journal]


def _spare_the_disk(connection: Any, _record: Any) -> None:
    """What is tested is who comes first, not what survives: the PostgreSQL of tests is no more durable."""
    connection.execute("PRAGMA synchronous=OFF")


def main() -> None:
    """Play every round that is asked for. Standard output is for journals alone: what is logged goes elsewhere."""
    journals = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    settings = load_settings()
    engine = make_engine(settings)
    if is_sqlite(engine):
        event.listen(engine, "connect", _spare_the_disk)
    writer = make_writer(engine, lambda _: None)
    for asked in sys.stdin:
        journal = play(engine, writer, Round(**json.loads(asked)))
        print(json.dumps([asdict(line) for line in journal]), file=journals, flush=True)
    writer.close()
    engine.dispose()


if __name__ == "__main__":
    main()
