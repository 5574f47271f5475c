"""Where the web chat keeps its bubbles: a table, so that a reload or a restart shows the same conversation."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Engine, bindparam, delete, func, insert, select, text, update
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
SINCE = (
    select(CHAT.c.public_id, CHAT.c.author, CHAT.c.revision, CHAT.c.content)
    .where(CHAT.c.external_id == bindparam("who"), CHAT.c.revision > bindparam("seen"))
    .order_by(CHAT.c.revision)
    .limit(bindparam("most"))
)
NEWEST = select(func.coalesce(func.max(CHAT.c.revision), 0)).where(CHAT.c.external_id == bindparam("who"))
REPLACE = update(CHAT).where(CHAT.c.public_id == bindparam("which"), CHAT.c.external_id == bindparam("who"))
PUT = insert(CHAT)


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
        with reading(self._engine) as session:
            rows = session.execute(SINCE, {"who": external_id, "seen": revision, "most": limit}).all()
        return [dict(zip(("id", "author", "revision", "content"), row, strict=True)) for row in rows]


def _put(session: Session, external_id: str, author: str, content: dict[str, Any], public_id: str | None) -> str:
    if session.get_bind().dialect.name == "postgresql":  # revisions must become visible in their order
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"chat:{external_id}"})
    revision = int(session.execute(NEWEST, {"who": external_id}).scalar_one()) + 1
    if public_id is not None:
        keys = {"which": public_id, "who": external_id}
        changed = session.execute(REPLACE, {**keys, "content": content, "revision": revision})
        if getattr(changed, "rowcount", 0):
            return public_id
    made = new_public_id()
    values = {
        "public_id": made,
        "external_id": external_id,
        "author": author,
        "revision": revision,
        "content": content,
        "created_at": now(),
    }
    session.execute(PUT, values)
    if revision % TRIM_EVERY == 0:
        keep = select(CHAT.c.id).where(CHAT.c.external_id == external_id).order_by(CHAT.c.revision.desc()).limit(KEEP)
        session.execute(delete(CHAT).where(CHAT.c.external_id == external_id, CHAT.c.id.not_in(keep.scalar_subquery())))
    return made
