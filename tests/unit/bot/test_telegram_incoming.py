"""Taps that we parse ourselves are read as the library reads them, and what is unusual is left to it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Bot, Document, Update

from bot.surface import Tapped
from bot.surfaces.telegram_incoming import incoming, tap_of
from bot.surfaces.telegram_turns import Turn, turn_of

BOT = Bot("123456789:" + "A" * 35)
TAP: dict[str, Any] = {
    "update_id": 7,
    "callback_query": {
        "id": "99",
        "from": {"id": 5, "is_bot": False, "first_name": "Ann", "language_code": "de"},
        "chat_instance": "1",
        "data": "tap.a.1.0",
        "message": {"message_id": 3, "date": 1, "text": "Is it?", "chat": {"id": 5, "type": "private"}},
    },
}
PATHS = (
    ("update_id",),
    ("callback_query",),
    *(("callback_query", name) for name in ("id", "from", "data", "message")),
    *(("callback_query", "from", name) for name in ("id", "first_name", "last_name", "language_code")),
    *(("callback_query", "message", name) for name in ("message_id", "chat")),
    *(("callback_query", "message", "chat", name) for name in ("id", "type")),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def changed(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The tap with another value at one place."""
    made = copy.deepcopy(TAP)
    part = made
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return made


def without(*path: str) -> dict[str, Any]:
    """The tap without something."""
    made = changed(path, None)
    part = made
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return made


async def no_file(document: Document) -> Path:
    raise AssertionError("a tap brings no file")


async def read(turn: Turn) -> tuple[Any, ...]:
    return turn.update_id, turn.person, turn.query_id, turn.message, await turn.read()


@pytest.mark.parametrize(
    "raw",
    [
        TAP,
        changed(("callback_query", "from", "last_name"), "Lee"),
        changed(("callback_query", "from", "last_name"), ""),
        without("callback_query", "from", "language_code"),
        changed(("callback_query", "data"), ""),
        changed(("callback_query", "data"), "1'; DROP TABLE--\x00€\ud800"),
        # A message that is too old to be looked at, see https://core.telegram.org/bots/api#inaccessiblemessage
        changed(("callback_query", "message"), {"message_id": 3, "date": 0, "chat": {"id": 5, "type": "private"}}),
    ],
)
async def test_a_tap_is_read_as_the_library_reads_it(raw: dict[str, Any]) -> None:
    ours, theirs = tap_of(raw), turn_of(Update.de_json(raw, BOT), no_file)
    assert ours is not None
    assert theirs is not None
    assert await read(ours) == await read(theirs)
    assert incoming(raw, BOT) is not None


@pytest.mark.parametrize(
    "raw",
    [
        without("callback_query", "data"),
        without("callback_query", "message"),
        changed(("callback_query", "message", "chat", "type"), "group"),
        changed(("message",), TAP["callback_query"]["message"]),
        changed(("update_id",), True),
        changed(("callback_query", "from", "id"), True),
        changed(("callback_query", "from", "id"), "5"),
        changed(("callback_query", "from", "last_name"), 1),
        changed(("callback_query", "message", "chat", "id"), 5.0),
        {},
        [],
        None,
        "tap",
    ],
)
def test_what_is_unusual_is_left_to_the_library(raw: Any) -> None:
    assert tap_of(raw) is None


async def test_a_tap_without_a_payload_is_an_empty_one() -> None:
    update = incoming(without("callback_query", "data"), BOT)
    assert isinstance(update, Update)
    turn = turn_of(update, no_file)
    assert turn is not None
    event = await turn.read()
    assert isinstance(event, Tapped)
    assert event.payload == ""


@given(st.sampled_from(PATHS), anything)
async def test_whatever_stands_somewhere_in_it_a_tap_has_fields_of_the_right_types(
    path: tuple[str, ...], value: Any
) -> None:
    turn = tap_of(changed(path, value))
    if turn is None:
        return
    event = await turn.read()
    assert isinstance(event, Tapped)
    person, ref = turn.person, turn.message
    assert ref is not None
    texts = (turn.query_id, event.payload, person.name, person.locale, person.external_id, person.address, ref.message)
    assert all(type(text) is str for text in texts)
    assert type(turn.update_id) is int
    numbers = (person.external_id, person.address, ref.message)
    assert all(number.removeprefix("-").isdecimal() for number in numbers)
