"""Chunks of an import, each in a transaction of its own.

SQLite has one writer: there they follow one another, with pauses. PostgreSQL copies a chunk while the next one is
compared with what is stored; that is exact, for the turn is held meanwhile, and what is being copied is known here. It
copies on one core, which indexes and foreign keys keep busy, so two chunks are copied at once. Whoever lost their turn,
as with the connection that held it, copies nothing more.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.clock import now
from core.db import is_sqlite, let_others_write, unit_of_work
from core.db.writer import SWITCH_SECONDS, RunEffects
from core.importing.ahead import Ahead
from core.importing.checks import Candidate
from core.importing.insert import Draft, Place, find_new, write_new
from core.importing.turns import begin_copy, take_turn, wait_for_copies
from core.models import Batch

COPIES = 2
"""So many chunks are copied at once."""
TURN_SECONDS = 1.0
"""After so long somebody else may go first who writes items of the project."""


class Ended(Exception):
    """Another run has meanwhile ended the batch."""


def insert_chunks(
    engine: Engine, run_effects: RunEffects, place: Place, chunks: Ahead[list[Draft]]
) -> Generator[list[Candidate]]:
    """Insert what is new of each chunk; gives the candidates of each whose content was there.

    Left early, it ends what it began.

    Raises:
        Ended: the batch is no longer being loaded.
    """
    return (_one_by_one if is_sqlite(engine) else _abreast)(engine, run_effects, place, chunks)


def _one_by_one(
    engine: Engine, run_effects: RunEffects, place: Place, chunks: Ahead[list[Draft]]
) -> Generator[list[Candidate]]:
    for chunk in chunks:
        with unit_of_work(engine, run_effects) as session:
            _check(session, place)
            fresh, duplicates = find_new(session, place, chunk)
            write_new(session, place, fresh, now())
        yield duplicates
        let_others_write(engine)


def _abreast(
    engine: Engine, run_effects: RunEffects, place: Place, chunks: Ahead[list[Draft]]
) -> Generator[list[Candidate]]:
    def copy(turn_id: int, fresh: list[Draft]) -> None:
        with unit_of_work(engine, run_effects) as session:
            begin_copy(session, place.project_id, turn_id)
            _check(session, place)
            write_new(session, place, fresh, now())

    with _switching_often():
        for first in chunks:
            # The pool is left before the turn is given away: all that was begun is then committed, or has failed.
            with unit_of_work(engine, run_effects) as turn, ThreadPoolExecutor(COPIES, "copy") as pool:
                turn_id = take_turn(turn, place.project_id)
                with unit_of_work(engine, run_effects) as session:
                    wait_for_copies(session, place.project_id)
                until = time.monotonic() + TURN_SECONDS
                under_way: deque[tuple[Future[None], set[str]]] = deque()
                chunk: list[Draft] | None = first
                while chunk is not None:
                    fresh, duplicates = find_new(turn, place, chunk, set().union(*(hashes for _, hashes in under_way)))
                    if len(under_way) == COPIES:
                        under_way.popleft()[0].result()
                    under_way.append((pool.submit(copy, turn_id, fresh), {one.item.content_hash for one in fresh}))
                    yield duplicates
                    chunk = chunks.within(until - time.monotonic())
                for copied, _ in under_way:
                    copied.result()


@contextmanager
def _switching_often() -> Iterator[None]:
    """The thread that reads ahead would else keep each of the others waiting for longer than they work."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _check(session: Session, place: Place) -> None:
    """Keep the batch from being ended until the commit. Raises `Ended` where it is, or is to fail."""
    found = select(Batch.state, Batch.error_code).where(Batch.id == place.batch_id)
    if session.execute(found.with_for_update(read=True, key_share=True)).one() != ("loading", None):
        raise Ended
