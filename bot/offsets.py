"""How far a polled platform is confirmed, kept in SQL."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.db import reading
from core.db.upsert import insert_statement
from core.db.writer import Writer
from core.models import PollOffset


class DatabaseOffsets:
    """A `bot.surface.Offsets` for one token, named by something that is not the token."""

    def __init__(self, engine: Engine, writer: Writer, name: str) -> None:
        self._engine = engine
        self._writer = writer
        self._name = name

    async def load(self) -> int:
        """The stored offset, 0 at first."""
        return await asyncio.to_thread(self._load)

    async def store(self, offset: int) -> None:
        """Confirm everything before `offset`."""
        await asyncio.wrap_future(self._writer.submit(lambda session: _store(session, self._name, offset)))

    def _load(self) -> int:
        with reading(self._engine) as session:
            return session.scalar(select(PollOffset.offset).where(PollOffset.name == self._name)) or 0


def _store(session: Session, name: str, offset: int) -> None:
    statement = insert_statement(session, PollOffset).values(name=name, offset=offset)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"offset": offset}))
