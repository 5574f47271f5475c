"""The crossing into the database: work in, result after the commit out.

SQLite serves one writer. Writers that do not coordinate starve each other, so one thread takes whatever is waiting,
and commits all of it at once: the same durability, many times the rate. Where a piece fails, the group is rolled back
and done again with a savepoint for each, so that nobody pays for another's error. A piece may so run twice. On
PostgreSQL each piece is a transaction of its own in a small pool of threads.
"""

from __future__ import annotations

import queue
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from core.db.away import is_away
from core.db.engine import is_sqlite, unit_of_work
from core.effects import Effect, drop_after, mark, take_effects
from core.log import get_logger
from core.metrics import COMMIT_EVENTS

T = TypeVar("T")
Work = Callable[[Session], T]
Result = tuple[Any, Exception | None]
RunEffects = Callable[[list[Effect]], None]
Home = Callable[[Callable[[], None]], object]
"""Has something called where results are awaited, as `call_soon_threadsafe` of an event loop does."""

GROUP_LIMIT = 64
QUEUE_LIMIT = 1000
POOL_THREADS = 6
TRIES = 5
SWITCH_SECONDS = 0.001
"""After so long a thread lets another one go on that waits for the interpreter. A tap passes between event loop and
writer some times; with Python's own 5 ms each of these may cost more than all the rest of it."""

log = get_logger(__name__)


class Overloaded(Exception):
    """More work is waiting than the queue holds. The caller may try again in a moment."""


class Overtaken(Exception):
    """What the work had read first was changed by another transaction since; a second look sees what that did."""


class Writer(Protocol):
    """Runs work in a transaction; the future is done after the commit."""

    def submit(self, work: Work[T], home: Home | None = None) -> Future[T]:
        """Queue `work`. Raises `Overloaded`.

        Args:
            home: where the future gets its result, together with all that was committed with it; else in the thread
                of the writer.
        """

    def close(self) -> None:
        """Finish what was accepted and stop."""


def make_writer(engine: Engine, run_effects: RunEffects) -> Writer:
    """The writer that fits the database. From then on the threads of this process take turns more often."""
    sys.setswitchinterval(SWITCH_SECONDS)
    return GroupWriter(engine, run_effects) if is_sqlite(engine) else PoolWriter(engine, run_effects)


@dataclass(slots=True)
class _Piece(Generic[T]):
    work: Work[T]
    future: Future[T]
    home: Home | None


class GroupWriter:
    """One thread, one commit for all that waits, a savepoint for each where one fails."""

    def __init__(self, engine: Engine, run_effects: RunEffects, limit: int = QUEUE_LIMIT) -> None:
        self._engine = engine
        self._run_effects = run_effects
        self._limit = limit
        self._held: tuple[Connection, Session] | None = None
        self._queue: queue.SimpleQueue[_Piece[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], home: Home | None = None) -> Future[T]:
        """Queue `work`. Raises `Overloaded`."""
        if self._queue.qsize() >= self._limit:
            raise Overloaded
        future: Future[T] = Future()
        self._queue.put(_Piece(work, future, home))
        return future

    def close(self) -> None:
        """Finish what was accepted and stop."""
        self._queue.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            pieces: list[_Piece[Any]] = []
            piece = self._queue.get()
            while piece is not None:
                pieces.append(piece)
                if len(pieces) >= GROUP_LIMIT:
                    break
                try:
                    piece = self._queue.get_nowait()
                except queue.Empty:
                    break
            stopping = piece is None
            if pieces:
                self._commit(pieces)
        self._forget_session()

    def _commit(self, pieces: list[_Piece[Any]]) -> None:
        # Whoever has gone away meanwhile is left out; from here on a future can no longer be cancelled.
        pieces = [piece for piece in pieces if piece.future.set_running_or_notify_cancel()]
        COMMIT_EVENTS.observe(len(pieces))
        try:
            results, effects = _with_retries(lambda: self._attempt(pieces))
        except Exception as error:
            _tell(pieces, [(None, error)] * len(pieces))
            return
        _tell(pieces, results)
        try:
            self._run_effects(effects)
        except Exception:  # all is committed, and the sweep makes up for it; this thread has to live on
            log.exception("effects_failed")

    def _attempt(self, pieces: list[_Piece[Any]]) -> tuple[list[Result], list[Effect]]:
        """Hardly anybody fails: first without savepoints, each of which costs more than a statement."""
        try:
            return self._together(pieces, _plainly)
        except Exception as error:
            if is_away(error):
                raise
            if len(pieces) == 1:
                return [(None, error)], []
        return self._together(pieces, _in_savepoint)

    def _together(
        self, pieces: list[_Piece[Any]], do: Callable[[Session, Work[Any]], Result]
    ) -> tuple[list[Result], list[Effect]]:
        session = self._kept_session()
        try:
            with session.begin():
                results = [do(session, piece.work) for piece in pieces]
        except BaseException:
            self._forget_session()
            raise
        return results, take_effects(session)

    def _kept_session(self) -> Session:
        """One session on one connection, for as long as nothing fails: to have them anew costs as much as a commit."""
        if self._held is None:
            connection = self._engine.connect()
            self._held = connection, Session(connection, expire_on_commit=False)
        return self._held[1]

    def _forget_session(self) -> None:
        if self._held is not None:
            (connection, session), self._held = self._held, None
            session.close()
            connection.close()


def _tell(pieces: list[_Piece[Any]], results: Sequence[Result]) -> None:
    """Settle the futures, all of one home at once: waking a loop costs a call of the system and the interpreter."""
    by_home: dict[Home | None, list[tuple[Future[Any], Result]]] = {}
    for piece, result in zip(pieces, results, strict=True):
        by_home.setdefault(piece.home, []).append((piece.future, result))
    for home, settled in by_home.items():
        if home is None:
            _settle(settled)
        else:
            with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                home(partial(_settle, settled))


def _settle(settled: list[tuple[Future[Any], Result]]) -> None:
    for future, (result, failure) in settled:
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)


def _plainly(session: Session, work: Work[Any]) -> Result:
    result = work(session)
    session.flush()
    session.expunge_all()
    return result, None


def _in_savepoint(session: Session, work: Work[Any]) -> Result:
    position = mark(session)
    try:
        with session.begin_nested():
            result = work(session)
        return result, None
    except Exception as error:  # one person's error must not cost the others their answers
        if is_away(error):
            raise
        drop_after(session, position)
        return None, error
    finally:
        session.expunge_all()


class PoolWriter:
    """A small pool of threads, one transaction for each piece of work."""

    def __init__(self, engine: Engine, run_effects: RunEffects) -> None:
        self._engine = engine
        self._run_effects = run_effects
        self._room = threading.BoundedSemaphore(QUEUE_LIMIT)
        self._pool = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix="writer")

    def submit(self, work: Work[T], home: Home | None = None) -> Future[T]:
        """Queue `work`. Raises `Overloaded`."""
        if not self._room.acquire(blocking=False):
            raise Overloaded
        piece = _Piece(work, Future[T](), home)
        self._pool.submit(self._do, piece)
        return piece.future

    def close(self) -> None:
        """Finish what was accepted and stop."""
        self._pool.shutdown(wait=True)

    def _do(self, piece: _Piece[Any]) -> None:
        try:
            if piece.future.set_running_or_notify_cancel():
                _tell([piece], [self._result(piece.work)])
        finally:
            self._room.release()

    def _result(self, work: Work[Any]) -> Result:
        try:
            return _with_retries(lambda: self._attempt(work)), None
        except Exception as error:
            return None, error

    def _attempt(self, work: Work[T]) -> T:
        with unit_of_work(self._engine, self._run_effects) as session:
            return work(session)


def _with_retries(attempt: Callable[[], T]) -> T:
    """Run `attempt` again after a lost connection, deadlock, busy database or `Overtaken`, with back-off and jitter.

    After a violated constraint once: where two events of one person crossed, the second look sees what the first did.
    """
    for number in range(1, TRIES + 1):
        try:
            return attempt()
        except (DBAPIError, Overtaken) as error:
            crossed = isinstance(error, IntegrityError) and number == 1
            if number == TRIES or not (isinstance(error, Overtaken) or is_away(error) or crossed):
                raise
            cause = error.orig if isinstance(error, DBAPIError) else error
            log.warning("database_retry", attempt=number, error=type(cause).__name__)
            time.sleep(random.uniform(0.5, 1.0) * 0.05 * 2**number)  # noqa: S311 (jitter needs no cryptography)
    raise AssertionError("unreachable")
