"""What people do with an item that they hold or have held, each in one line."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from core.answers import undo
from core.labeling import Submitted, skip, submit


class Held(Protocol):
    """A lease, or the row of an assignment."""

    @property
    def public_id(self) -> str:
        """Of the assignment."""

    @property
    def version(self) -> int:
        """As it was when it was read."""


def give(session: Session, worker_id: int, held: Held, label_id: str, now: datetime) -> Submitted:
    """Answer with a label."""
    held_id, version = held.public_id, held.version
    return submit(
        session, worker_id=worker_id, assignment_public_id=held_id, label_id=label_id, version=version, now=now
    )


def put_down(session: Session, worker_id: int, held: Held, now: datetime) -> None:
    """Skip it."""
    skip(session, worker_id=worker_id, assignment_public_id=held.public_id, version=held.version, now=now)


def undo_answer(session: Session, worker_id: int, held: Held, now: datetime) -> None:
    """Undo the answer."""
    undo(session, worker_id=worker_id, assignment_public_id=held.public_id, version=held.version, now=now)
