"""What a dialogue is given with each event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from bot.surface import Person
from core.config import Settings
from core.enrolment import Account
from core.errors import Refused
from core.held import Held


@dataclass(frozen=True, slots=True)
class Context:
    """One event's transaction, who speaks, and when."""

    session: Session
    account: Account
    person: Person
    settings: Settings
    now: datetime
    held: Held | None = None
    """The assignment that a button names, where it was read with the account."""

    @property
    def worker_id(self) -> int:
        """The person's worker."""
        return self.account.worker.id

    @property
    def workspace_id(self) -> int:
        """The workspace the person acts in; every query is scoped by it.

        Raises:
            Refused: they are in none.
        """
        if self.account.workspace_id is None:
            raise Refused("not_enrolled")
        return self.account.workspace_id
