"""How far a polled platform is confirmed, kept in SQL."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.committing import committed
from core.db import reading
from core.db.tables import table_of
from core.db.upsert import insert_statement
from core.db.writer import Writer
from core.models import PollOffset

OFFSET = table_of(PollOffset)


class DatabaseOffsets:
    """A `bot.surface.Offsets` for one token, named by something that is not the token."""

    def __init__(self, engine: Engine, writer: Writer, name: str) -> None:
        self._engine = engine
        self._writer = writer
        self._name = name

    async def load(self) -> int:
        """The stored offset, 0 at first."""
        return await asyncio.to_thread(self._load)

    async def store(self, offset: int, fence: int = 0) -> bool:
        """Confirm everything before `offset`; false where somebody with a higher fence has stored one."""
        return await committed(self._writer, lambda session: _store(session, self._name, offset, fence))

    def _load(self) -> int:
        with reading(self._engine) as session:
            return session.scalar(select(PollOffset.offset).where(PollOffset.name == self._name)) or 0


def _store(session: Session, name: str, offset: int, fence: int) -> bool:
    values = {"offset": offset, "fence": fence}
    statement = insert_statement(session, PollOffset).values(name=name, **values)
    stored = session.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_=values, where=OFFSET.c.fence <= fence)
    )
    return bool(getattr(stored, "rowcount", 0))
