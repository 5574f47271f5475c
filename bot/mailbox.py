"""Where the web chat keeps its bubbles: a table, so that a reload or a restart shows the same conversation."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Engine, delete, func, select, text, update
from sqlalchemy.orm import Session

from core.clock import now
from core.db import reading
from core.db.tables import table_of
from core.db.writer import Writer
from core.ids import new_public_id
from core.models import ChatMessage

KEEP = 300
"""Bubbles kept per person; older ones go whenever a hundred more have come."""
TRIM_EVERY = 100

CHAT = table_of(ChatMessage)


class DatabaseMailbox:
    """A `bot.surface.Mailbox` on the database."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    async def put(self, external_id: str, author: str, content: dict[str, Any], public_id: str | None = None) -> str:
        """Store a bubble, or replace the one with `public_id`; returns its public id."""
        return await asyncio.wrap_future(
            self._writer.submit(lambda session: _put(session, external_id, author, content, public_id))
        )

    async def since(self, external_id: str, revision: int, limit: int = 200) -> list[dict[str, Any]]:
        """Bubbles newer than `revision`, oldest first."""
        return await asyncio.to_thread(self._since, external_id, revision, limit)

    def _since(self, external_id: str, revision: int, limit: int) -> list[dict[str, Any]]:
        statement = (
            select(CHAT.c.public_id, CHAT.c.author, CHAT.c.revision, CHAT.c.content)
            .where(CHAT.c.external_id == external_id, CHAT.c.revision > revision)
            .order_by(CHAT.c.revision)
            .limit(limit)
        )
        with reading(self._engine) as session:
            rows = session.execute(statement).all()
        return [dict(zip(("id", "author", "revision", "content"), row, strict=True)) for row in rows]


def _put(session: Session, external_id: str, author: str, content: dict[str, Any], public_id: str | None) -> str:
    if session.get_bind().dialect.name == "postgresql":  # revisions must become visible in their order
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"chat:{external_id}"})
    newest = select(func.coalesce(func.max(CHAT.c.revision), 0)).where(CHAT.c.external_id == external_id)
    revision = int(session.execute(newest).scalar_one()) + 1
    if public_id is not None:
        own = (CHAT.c.public_id == public_id) & (CHAT.c.external_id == external_id)
        changed = session.execute(update(CHAT).where(own).values(content=content, revision=revision))
        if getattr(changed, "rowcount", 0):
            return public_id
    made = new_public_id()
    session.execute(
        CHAT.insert().values(
            public_id=made,
            external_id=external_id,
            author=author,
            revision=revision,
            content=content,
            created_at=now(),
        )
    )
    if revision % TRIM_EVERY == 0:
        keep = select(CHAT.c.id).where(CHAT.c.external_id == external_id).order_by(CHAT.c.revision.desc()).limit(KEEP)
        session.execute(delete(CHAT).where(CHAT.c.external_id == external_id, CHAT.c.id.not_in(keep.scalar_subquery())))
    return made
