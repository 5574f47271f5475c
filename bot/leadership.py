"""The right to do what one process alone may, as a fenced lease in SQL."""

from __future__ import annotations

import os
import secrets
import socket

from bot.committing import committed
from core.clock import now
from core.db.writer import Writer
from core.singletons import LIFETIME, hold, let_go


class DatabaseLeadership:
    """A `bot.surface.Leadership`, under a name that is not a token."""

    renew_seconds = LIFETIME.total_seconds() / 3

    def __init__(self, writer: Writer, name: str) -> None:
        self._writer = writer
        self._name = name
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"

    async def take(self) -> int | None:
        """Take or keep it; the fence, or nothing while another holds it."""
        return await committed(self._writer, lambda session: hold(session, self._name, self._holder, now()))

    async def give_back(self) -> None:
        """Let another process take it at once."""
        await committed(self._writer, lambda session: let_go(session, self._name, self._holder, now()))
