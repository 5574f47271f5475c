"""Where the web chat keeps its bubbles: a table, so that a reload or a restart shows the same conversation."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import Engine, ScalarSelect, bindparam, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from bot.committing import committed
from core.clock import now
from core.db import reading
from core.db.prepared import Prepared
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


def _next_revision() -> ScalarSelect[int]:
    known = CHAT.alias()
    newest = select(func.coalesce(func.max(known.c.revision), 0) + 1).where(known.c.external_id == bindparam("who"))
    return newest.scalar_subquery()


REPLACE = Prepared(
    update(CHAT)
    .where(CHAT.c.public_id == bindparam("which"), CHAT.c.external_id == bindparam("who"))
    .values(content=bindparam("said", type_=CHAT.c.content.type), revision=_next_revision())
    .returning(CHAT.c.author, CHAT.c.revision)
)
PUT = Prepared(
    insert(CHAT)
    .values(
        public_id=bindparam("which"),
        external_id=bindparam("who"),
        author=bindparam("by"),
        revision=_next_revision(),
        content=bindparam("said", type_=CHAT.c.content.type),
        created_at=bindparam("at", type_=CHAT.c.created_at.type),
    )
    .returning(CHAT.c.author, CHAT.c.revision)
)


class DatabaseMailbox:
    """A `bot.surface.Mailbox` on the database."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self._engine = engine
        self._writer = writer

    async def put(
        self, external_id: str, author: str, content: dict[str, Any], public_id: str | None = None
    ) -> dict[str, Any]:
        """Store a bubble, or replace the one with `public_id`, which keeps its author; returns it as `since` does."""
        return await committed(self._writer, lambda session: _put(session, external_id, author, content, public_id))

    async def since(self, external_id: str, revision: int, limit: int = 200) -> list[dict[str, Any]]:
        """Bubbles newer than `revision`, oldest first."""
        return await asyncio.to_thread(self._since, external_id, revision, limit)

    def _since(self, external_id: str, revision: int, limit: int) -> list[dict[str, Any]]:
        with reading(self._engine) as session:
            rows = session.execute(SINCE, {"who": external_id, "seen": revision, "most": limit}).all()
        return [dict(zip(("id", "author", "revision", "content"), row, strict=True)) for row in rows]


def _put(
    session: Session, external_id: str, author: str, content: dict[str, Any], public_id: str | None
) -> dict[str, Any]:
    if session.get_bind().dialect.name == "postgresql":  # revisions must become visible in their order
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"chat:{external_id}"})
    values = {"who": external_id, "which": public_id, "said": content}
    found = None if public_id is None else REPLACE.row(session, values)
    if found is None:
        public_id = new_public_id()
        found = PUT.row(session, {**values, "which": public_id, "by": author, "at": now()})
        assert found is not None  # noqa: S101 - an INSERT that returns
        if found[1] % TRIM_EVERY == 0:
            _trim(session, external_id)
    return {"id": public_id, "author": found[0], "revision": found[1], "content": content}


def _trim(session: Session, external_id: str) -> None:
    keep = select(CHAT.c.id).where(CHAT.c.external_id == external_id).order_by(CHAT.c.revision.desc()).limit(KEEP)
    session.execute(delete(CHAT).where(CHAT.c.external_id == external_id, CHAT.c.id.not_in(keep.scalar_subquery())))
