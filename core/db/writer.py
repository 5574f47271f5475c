"""The crossing into the database: work in, result after the commit out.

One thread takes whatever short work is waiting, and commits all of it at once: the same durability, many times the
rate. SQLite serves one writer at a time anyway, and writers that do not coordinate starve each other; with PostgreSQL
each further thread would fight for the interpreter between any two statements. Where a piece fails, the group is rolled
back and its pieces are done one by one, so that nobody pays for another's error: with a savepoint for each on SQLite,
on PostgreSQL each in a transaction of its own in a small pool of threads. A piece may so run twice.
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

GROUP_LIMIT, SHARED_LIMIT = 64, 8
"""So many commit together at most, on SQLite and on PostgreSQL, where others may wait for the rows of all of them."""
QUEUE_LIMIT = 1000
POOL_THREADS = 6
TRIES = 5
FOR_GROUPS = {"lock_timeout": "'100ms'", "enable_seqscan": "off", "jit": "off"}
"""Of PostgreSQL, where several commit together. Who would have to wait for a row is done alone: a group holds rows of
many, and must not be one of those that wait for each other in a ring. And every statement finds its rows by an index,
also where its plan was made while the table was small; what has none is not to look so costly that it is compiled."""
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

    def submit(self, work: Work[T], home: Home | None = None, *, short: bool = False) -> Future[T]:
        """Queue `work`. Raises `Overloaded`.

        Args:
            home: where the future gets its result, together with all that was committed with it; else in the thread
                of the writer.
            short: there is much of its kind, and it may share a commit. All else is done beside the others where the
                database can do that.
        """

    def close(self) -> None:
        """Finish what was accepted and stop."""


def make_writer(engine: Engine, run_effects: RunEffects) -> Writer:
    """The writer that fits the database. From then on the threads of this process take turns more often."""
    sys.setswitchinterval(SWITCH_SECONDS)
    pool = None if is_sqlite(engine) else PoolWriter(engine, run_effects)
    return GroupWriter(engine, run_effects, pool=pool)


@dataclass(slots=True)
class _Piece(Generic[T]):
    work: Work[T]
    future: Future[T]
    home: Home | None


class GroupWriter:
    """One thread, one commit for all that waits.

    Args:
        pool: what is done alone goes there; without one it has a savepoint in this thread.
    """

    def __init__(
        self, engine: Engine, run_effects: RunEffects, limit: int = QUEUE_LIMIT, pool: PoolWriter | None = None
    ) -> None:
        self._engine = engine
        self._run_effects = run_effects
        self._limit = limit
        self._pool = pool
        self._most = GROUP_LIMIT if pool is None else SHARED_LIMIT
        self._held: tuple[Connection, Session] | None = None
        self._queue: queue.SimpleQueue[_Piece[Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], home: Home | None = None, *, short: bool = False) -> Future[T]:
        """Queue `work`. Raises `Overloaded`."""
        if self._pool is not None and not short:
            return self._pool.submit(work, home)
        if self._queue.qsize() >= self._limit:
            raise Overloaded
        future: Future[T] = Future()
        self._queue.put(_Piece(work, future, home))
        return future

    def close(self) -> None:
        """Finish what was accepted and stop."""
        self._queue.put(None)
        self._thread.join(timeout=10)
        if self._pool is not None:
            self._pool.close()

    def _run(self) -> None:
        stopping = False
        while not stopping:
            pieces: list[_Piece[Any]] = []
            piece = self._queue.get()
            while piece is not None:
                pieces.append(piece)
                if len(pieces) >= self._most:
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
        if not pieces:
            return
        try:
            if self._pool is None:
                results, effects = _with_retries(lambda: self._attempt(pieces))
            else:
                results, effects = self._together(pieces, _plainly)
        except Exception as error:
            self._failed(pieces, error)
            return
        COMMIT_EVENTS.observe(len(pieces))
        _tell(pieces, results)
        try:
            self._run_effects(effects)
        except Exception:  # all is committed, and the sweep makes up for it; this thread has to live on
            log.exception("effects_failed")

    def _failed(self, pieces: list[_Piece[Any]], error: Exception) -> None:
        """Have them done alone, unless this has been done, or would only fail again."""
        if self._pool is None or (len(pieces) == 1 and not isinstance(error, (DBAPIError, Overtaken))):
            _tell(pieces, [(None, error)] * len(pieces))
            return
        for piece in pieces:
            self._pool.take(piece)

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
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, DBAPIError):
                session.expunge_all()  # somebody was refused: the connection is as good as before
                take_effects(session)
            else:
                self._forget_session()
            raise
        return results, take_effects(session)

    def _kept_session(self) -> Session:
        """One session on one connection, for as long as nothing fails: to have them anew costs as much as a commit."""
        if self._held is None:
            connection = self._engine.connect()
            if self._pool is not None:
                _set_for_groups(connection)
            self._held = connection, Session(connection, expire_on_commit=False)
        return self._held[1]

    def _forget_session(self) -> None:
        if self._held is not None:
            (connection, session), self._held = self._held, None
            session.close()
            if self._pool is not None and not connection.invalidated:
                connection.detach()  # nobody else may get it with what was set for groups
            connection.close()


def _set_for_groups(connection: Connection) -> None:
    try:
        with connection.begin():
            for name, value in FOR_GROUPS.items():
                connection.exec_driver_sql(f"SET {name} = {value}")
    except BaseException:
        connection.close()
        raise


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
    """For PostgreSQL: a small pool of threads, one transaction for each piece of work."""

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
        self._pool.submit(self._begin, piece)
        return piece.future

    def take(self, piece: _Piece[Any]) -> None:
        """Do a piece that runs already, and has failed together with others."""
        if not self._room.acquire(blocking=False):
            _tell([piece], [(None, Overloaded())])
            return
        try:
            self._pool.submit(self._do, piece)
        except RuntimeError as error:  # the pool was closed while its group waited for the database
            self._room.release()
            _tell([piece], [(None, error)])

    def close(self) -> None:
        """Finish what was accepted and stop."""
        self._pool.shutdown(wait=True)

    def _begin(self, piece: _Piece[Any]) -> None:
        if piece.future.set_running_or_notify_cancel():
            self._do(piece)
        else:
            self._room.release()

    def _do(self, piece: _Piece[Any]) -> None:
        try:
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
