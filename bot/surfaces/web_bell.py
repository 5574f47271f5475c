"""Waking those who wait for news of one person, within this process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LISTENERS_PER_PERSON: Final = 16


class Bell:
    """One event per listener, grouped by person. While it is closed, nobody waits."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self.closed = False

    def ring(self, external_id: str) -> None:
        """Wake all who wait for news of `external_id`."""
        for event in self._listeners.get(external_id, ()):
            event.set()

    def open(self) -> None:
        """Let people wait (again)."""
        self.closed = False

    def close(self) -> None:
        """Wake everybody, so that a server can stop without waiting for long polls."""
        self.closed = True
        for external_id in self._listeners:
            self.ring(external_id)

    def crowded(self, external_id: str) -> bool:
        """Whether so many wait for this person that the next one gets an answer at once."""
        return len(self._listeners.get(external_id, ())) >= LISTENERS_PER_PERSON

    @contextmanager
    def listen(self, external_id: str) -> Iterator[asyncio.Event]:
        """An event that `ring` sets; the listener clears it before it looks."""
        event = asyncio.Event()
        self._listeners.setdefault(external_id, set()).add(event)
        try:
            yield event
        finally:
            listeners = self._listeners[external_id]
            listeners.discard(event)
            if not listeners:
                del self._listeners[external_id]
