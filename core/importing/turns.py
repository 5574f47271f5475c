"""Whose turn it is to write items of a project, on PostgreSQL; SQLite has one writer anyway.

A turn is a transaction that holds an advisory lock. No row is locked for it: taps, which take ranks from the project,
would wait for that. What is found in a turn may be written beside it, in transactions of their own that hold another
lock and make sure that the turn is still there. Every wait ends: the machine of who has the turn may be gone.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

TURN_LOCK, COPY_LOCK = 0x4C57, 0x4C58
"""Of PostgreSQL's advisory locks, which are numbers: those of turns and of what they write beside, by the project."""
WAIT_SECONDS = 60
"""Turns take a second, but several may wait for one."""
# Every wait for a lock ends. By old statistics PostgreSQL would read the whole table for each chunk. And a machine that
# is gone, whose locks others wait for, is noticed within a minute.
SETTINGS = text(
    "SELECT pg_backend_pid(), set_config('lock_timeout', :milliseconds, true),"
    " set_config('enable_seqscan', 'off', true),"
    " set_config('tcp_keepalives_idle', '20', true), set_config('tcp_keepalives_interval', '10', true),"
    " set_config('tcp_keepalives_count', '3', true)"
)
TURN = text(f"SELECT pg_advisory_xact_lock({TURN_LOCK}, CAST(:project AS int))")
NO_COPIES = text(f"SELECT pg_advisory_xact_lock({COPY_LOCK}, CAST(:project AS int))")
A_COPY = text(f"SELECT pg_advisory_xact_lock_shared({COPY_LOCK}, CAST(:project AS int))")
HAS_TURN = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = :turn"
    " AND classid = :turns AND objid = CAST(:project AS oid) AND objsubid = 2"
).bindparams(turns=TURN_LOCK)


class TurnLost(Exception):
    """The connection that had the turn is gone, and others may be writing: begin again."""


def take_turn(session: Session, project_id: int, wait_seconds: float = WAIT_SECONDS) -> int:
    """Have the turn in a project until the commit; returns what `begin_copy` knows it by.

    Raises:
        sqlalchemy.exc.OperationalError: others had it for longer than `wait_seconds`.
    """
    turn_id = set_transaction(session, wait_seconds)
    if turn_id:
        session.execute(TURN, {"project": project_id})
    return turn_id


def wait_for_copies(session: Session, project_id: int, wait_seconds: float = WAIT_SECONDS) -> None:
    """Wait for what somebody who had the turn before, and was killed, may still be writing beside it.

    Raises:
        sqlalchemy.exc.OperationalError: it took longer than `wait_seconds`.
    """
    if set_transaction(session, wait_seconds):
        session.execute(NO_COPIES, {"project": project_id})


def begin_copy(session: Session, project_id: int, turn_id: int) -> None:
    """Write beside a turn, until the commit. Who has the turn next waits for that.

    Raises:
        TurnLost: it has ended.
    """
    set_transaction(session)
    session.execute(A_COPY, {"project": project_id})
    if not session.scalar(HAS_TURN, {"project": project_id, "turn": turn_id}):
        raise TurnLost


def set_transaction(session: Session, wait_seconds: float = WAIT_SECONDS) -> int:
    """Set how this transaction waits and finds its rows; returns the server's number of the connection, 0 on SQLite."""
    if session.get_bind().dialect.name == "sqlite":
        return 0
    return int(session.execute(SETTINGS, {"milliseconds": str(round(wait_seconds * 1000))}).one()[0])
