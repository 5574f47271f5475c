"""When a platform says that a person cannot be reached there any more."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from core.assignment import release_leases
from core.enrolment import identities
from core.models import Identity


def block(session: Session, identity_id: int, now: datetime) -> None:
    """Nothing more goes to that account; where it was the last one, what its worker holds goes back at once.

    Anything that the person does there later unblocks it.
    """
    blocked = session.get_one(Identity, identity_id)
    if all(other.id == identity_id for other in identities(session, blocked.worker_id)):
        release_leases(session, blocked.worker_id, now)  # which locks items, before anything else is locked
    blocked.blocked_at = now
    session.flush()
