"""Chunks of an import, each in a transaction of its own.

SQLite has one writer: there they follow one another, with pauses. PostgreSQL copies a chunk while the next one is
compared with what is stored; that is exact, for the turn is held meanwhile, and what is being copied is known here. It
copies on one core, which indexes and foreign keys keep busy, so two chunks are copied at once.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.clock import now
from core.db import is_sqlite, let_others_write, unit_of_work
from core.db.writer import SWITCH_SECONDS, RunEffects
from core.importing.checks import Candidate
from core.importing.insert import (
    Draft,
    Place,
    begin_copy,
    find_new,
    take_turns,
    wait_for_copies,
    write_new,
)
from core.models import Batch

COPIES = 2
"""So many chunks are copied at once."""
TURN_SECONDS = 1.0
"""After so long somebody else who imports into the project may go first."""


class Ended(Exception):
    """Another run has meanwhile ended the batch."""


def insert_chunks(
    engine: Engine, run_effects: RunEffects, place: Place, chunks: Iterator[list[Draft]]
) -> Generator[list[Candidate]]:
    """Insert what is new of each chunk; gives the candidates of each whose content was there.

    Left early, it ends what it began.

    Raises:
        Ended: the batch is no longer being loaded.
    """
    return (_one_by_one if is_sqlite(engine) else _abreast)(engine, run_effects, place, chunks)


def _one_by_one(
    engine: Engine, run_effects: RunEffects, place: Place, chunks: Iterator[list[Draft]]
) -> Generator[list[Candidate]]:
    for chunk in chunks:
        with unit_of_work(engine, run_effects) as session:
            _check(session, place)
            fresh, duplicates = find_new(session, place, chunk)
            write_new(session, place, fresh, now())
        yield duplicates
        let_others_write(engine)


def _abreast(
    engine: Engine, run_effects: RunEffects, place: Place, chunks: Iterator[list[Draft]]
) -> Generator[list[Candidate]]:
    sys.setswitchinterval(SWITCH_SECONDS)  # the reader ahead would keep each of these waiting for longer than they work

    def copy(fresh: list[Draft]) -> None:
        with unit_of_work(engine, run_effects) as session:
            begin_copy(session, place.project_id)
            _check(session, place)
            write_new(session, place, fresh, now())

    while (chunk := next(chunks, None)) is not None:
        # The pool is left before the turn is given away: all that was begun is then committed, or has failed.
        with unit_of_work(engine, run_effects) as turn, ThreadPoolExecutor(COPIES, "copy") as pool:
            take_turns(turn, place.project_id)
            with unit_of_work(engine, run_effects) as session:
                wait_for_copies(session, place.project_id)
            until = time.monotonic() + TURN_SECONDS
            under_way: deque[tuple[Future[None], set[str]]] = deque()
            while chunk is not None:
                fresh, duplicates = find_new(turn, place, chunk, set().union(*(hashes for _, hashes in under_way)))
                if len(under_way) == COPIES:
                    under_way.popleft()[0].result()
                under_way.append((pool.submit(copy, fresh), {one.item.content_hash for one in fresh}))
                yield duplicates
                chunk = next(chunks, None) if time.monotonic() < until else None
            for copied, _ in under_way:
                copied.result()


def _check(session: Session, place: Place) -> None:
    if session.scalar(select(Batch.state).where(Batch.id == place.batch_id)) != "loading":
        raise Ended
