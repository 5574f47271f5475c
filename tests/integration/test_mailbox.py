"""The web chat's bubbles in the database: own messages only, in order, trimmed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Engine

from bot.mailbox import KEEP, DatabaseMailbox
from core.db.writer import make_writer


@pytest.fixture
async def mailbox(engine: Engine) -> AsyncIterator[DatabaseMailbox]:
    """An empty mailbox."""
    writer = make_writer(engine, lambda effects: None)
    yield DatabaseMailbox(engine, writer)
    writer.close()


async def test_what_is_put_comes_back_in_order(mailbox: DatabaseMailbox) -> None:
    first = (await mailbox.put("ann", "bot", {"text": "one"}))["id"]
    await mailbox.put("ann", "person", {"text": "two"})
    await mailbox.put("bob", "bot", {"text": "for Bob"})
    seen = await mailbox.since("ann", 0)
    assert [(row["author"], row["content"]["text"], row["revision"]) for row in seen] == [
        ("bot", "one", 1),
        ("person", "two", 2),
    ]
    edited = await mailbox.put("ann", "bot", {"text": "one, edited"}, first)
    (newer,) = await mailbox.since("ann", 2)
    assert newer == edited
    assert (newer["id"], newer["content"]["text"], newer["revision"]) == (first, "one, edited", 3)
    assert await mailbox.since("ann", 3) == []


async def test_somebody_elses_bubble_is_not_replaced(mailbox: DatabaseMailbox) -> None:
    anns = (await mailbox.put("ann", "bot", {"text": "hers"}))["id"]
    made = (await mailbox.put("bob", "bot", {"text": "his"}, anns))["id"]
    assert made != anns
    assert [row["content"]["text"] for row in await mailbox.since("ann", 0)] == ["hers"]


async def test_many_at_once_get_revisions_of_their_own(mailbox: DatabaseMailbox) -> None:
    await asyncio.gather(*(mailbox.put("ann", "bot", {"text": str(number)}) for number in range(20)))
    assert [row["revision"] for row in await mailbox.since("ann", 0)] == list(range(1, 21))


async def test_reading_goes_on_where_it_stopped(mailbox: DatabaseMailbox) -> None:
    for number in range(5):
        await mailbox.put("ann", "bot", {"text": str(number)})
    page = await mailbox.since("ann", 0, limit=3)
    rest = await mailbox.since("ann", page[-1]["revision"], limit=3)
    assert [row["content"]["text"] for row in page + rest] == list("01234")


async def test_old_bubbles_go(mailbox: DatabaseMailbox) -> None:
    await asyncio.gather(*(mailbox.put("ann", "bot", {"text": str(number)}) for number in range(KEEP + 100)))
    assert len(await mailbox.since("ann", 0, limit=1000)) == KEEP
