"""The conversations: what goes into the mailbox, what comes out of it, and who is told."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, assert_never
from weakref import WeakValueDictionary

from bot.surface import Ask, Edit, Mailbox, Message, Reply, Send, Toast
from bot.surfaces.web_bell import Bell
from bot.surfaces.web_content import message_to_json, public_row
from bot.texts.units import in_a_row
from core.ids import is_public_id

BOT: Final = "bot"
PERSON: Final = "person"
PAGE: Final = 200
RECHECK_SECONDS: Final = 1.0
"""Another process may have written; it cannot ring our bell."""
REMEMBERED: Final = 65_536

Key = TypeVar("Key")
Value = TypeVar("Value")


class _Recent(Generic[Key, Value]):
    """The most recently used entries of a mapping; what falls out is read from the mailbox again."""

    def __init__(self, size: int) -> None:
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self._size = size

    def get(self, key: Key) -> Value | None:
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: Key, value: Value) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """What replies have become: rows of bubbles written, in order, and the notice for the tapped button."""

    rows: tuple[dict[str, Any], ...]
    toast: str | None


class Chat:
    """All conversations of the web chat over one mailbox."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.bell = Bell()
        self._mailbox = mailbox
        self._owners = _Recent[str, str](REMEMBERED)
        self._revisions = _Recent[str, int](REMEMBERED)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def put(
        self, external_id: str, author: str, message: Message, public_id: str | None = None
    ) -> dict[str, Any]:
        """Write a bubble, or replace `public_id`; returns its stored row and wakes who waits for it."""
        # One at a time for each person: else a page could see a later revision first and never ask for the earlier.
        lock = self._locks.setdefault(external_id, asyncio.Lock())
        async with lock:
            row = await self._mailbox.put(external_id, author, message_to_json(message), public_id)
        self._owners.put(row["id"], external_id)
        self.bell.ring(external_id)
        return row

    async def show(self, external_id: str, replies: Sequence[Reply], tapped: str | None) -> Shown:
        """Carry out `replies`. `tapped` is a message of this person's, see `owned`; without it an edit is sent anew."""
        rows: list[dict[str, Any]] = []
        toasts: list[str] = []
        for reply in replies:
            match reply:
                case Send(message) | Ask(instead=message):
                    rows.append(await self.put(external_id, BOT, message))
                case Edit(message):
                    rows.append(await self.put(external_id, BOT, message, tapped))
                case Toast(text):
                    toasts.append(text)
                case _:
                    assert_never(reply)
        return Shown(tuple(rows), in_a_row(*toasts) or None)

    async def owned(self, external_id: str, message_id: str) -> str | None:
        """`message_id` where it names a bubble of this person's, else None."""
        if not is_public_id(message_id):
            return None
        owner = self._owners.get(message_id)
        if owner is None:
            return message_id if await self.find(external_id, message_id) else None
        return message_id if owner == external_id else None

    async def find(self, external_id: str, message_id: str) -> dict[str, Any] | None:
        """The stored row of one of this person's bubbles, its attachment with the path."""
        async for row in self._rows(external_id, 0):
            if row["id"] == message_id:
                return row
        return None

    async def revision(self, external_id: str) -> int:
        """A revision below that of everything written to this person from now on."""
        known = self._revisions.get(external_id)
        if known is not None:
            return known
        async for _row in self._rows(external_id, 0):
            pass
        return self._revisions.get(external_id) or 0

    def seen(self, external_id: str, revision: int) -> None:
        """Remember that a row of this revision has been written to this person; later ones have higher revisions."""
        if revision >= (self._revisions.get(external_id) or 0):
            self._revisions.put(external_id, revision)

    async def since(self, external_id: str, after: int, written: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Public rows newer than `after`, oldest first. `written`: the stored rows that are known to be, in order."""
        if written and written[-1]["revision"] == after + len(written) == after + len(_last_of_each(written)):
            return [public_row(row) for row in written]  # revisions of a person have no gaps: there is nothing else
        return [public_row(row) async for row in self._rows(external_id, after)]

    async def wait(
        self, external_id: str, after: int, seconds: float, gone: Callable[[], Awaitable[bool]]
    ) -> list[dict[str, Any]]:
        """Up to 200 public rows newer than `after`, as soon as there are any, else after `seconds`.

        `gone` tells whether nobody waits for the answer any more.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + (0.0 if self.bell.crowded(external_id) else seconds)
        with self.bell.listen(external_id) as news:
            while True:
                news.clear()
                rows = await self._page(external_id, after)
                left = until - loop.time()
                if rows or left <= 0 or self.bell.closed or await gone():
                    return [public_row(row) for row in rows]
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), min(RECHECK_SECONDS, left))

    async def _page(self, external_id: str, after: int) -> list[dict[str, Any]]:
        rows = await self._mailbox.since(external_id, after, PAGE)
        for row in rows:
            self._owners.put(row["id"], external_id)
        self.seen(external_id, rows[-1]["revision"] if rows else after)
        return rows

    async def _rows(self, external_id: str, after: int) -> AsyncIterator[dict[str, Any]]:
        while rows := await self._page(external_id, after):
            for row in rows:
                yield row
            if len(rows) < PAGE:
                return
            after = rows[-1]["revision"]


def public_rows(written: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stored rows as people may see them; of a bubble that was written twice, the later."""
    return [public_row(row) for row in _last_of_each(written)]


def _last_of_each(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of rows in the order of their revisions."""
    return sorted({row["id"]: row for row in rows}.values(), key=lambda row: int(row["revision"]))
