"""What goes out: taps answered at once, order kept, only the newest card, lanes, and floods waited out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.surface import Edit, MenuEntry, Message, Outcome, Rate, RetryLater, Send, Toast
from core.lanes import Lane
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.surfaces import Memory, card, running
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import ANN, BEN, Open, make


class Door(Open):
    """A limiter that a test opens for one message after another, once it is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.shut = False
        self._turns = asyncio.Semaphore(0)

    async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
        """When the test says so."""
        await super().admit(rates, lane)
        if self.shut:
            await self._turns.acquire()

    def let_through(self, messages: int) -> None:
        """So many more."""
        for _ in range(messages):
            self._turns.release()


async def test_a_fast_tapper_sees_the_newest_card_and_every_tap_is_answered_at_once(
    server: TelegramServer, offsets: Memory, tmp_path: Path
) -> None:
    door = Door()
    answers = [Outcome((Toast(f"Saved {number}"), Edit(card(f"item {number}")))) for number in range(1, 6)]
    dispatch = ScriptedDispatch(Outcome((Send(card("item 0")),)), *answers)
    async with running(make(server, offsets, tmp_path, limiter=door), dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        door.shut = True
        for _ in range(5):
            await server.tap(ANN, server.inbox(ANN)[0]["message_id"], "Sun")
        await server.until(lambda: len(server.answers) == 5)
        assert "item 0" in server.inbox(ANN)[0]["text"]
        door.let_through(5)
        await server.until(lambda: "item 5" in server.inbox(ANN)[0]["text"])
    assert sorted(server.answers.values()) == [f"Saved {number}" for number in range(1, 6)]
    assert len(server.made("editMessageText")) == 1
    assert len(door.admitted) == 2, "one turn of the chat, not five"


async def test_an_edit_does_not_overtake_and_a_menu_survives_its_card(
    server: TelegramServer, offsets: Memory, tmp_path: Path
) -> None:
    door = Door()
    menu = (MenuEntry("next", "your next item"),)
    first = Message(kind="card", text="one", menu=menu, buttons=card("one").buttons)
    dispatch = ScriptedDispatch(
        Outcome((Send(card("zero")),)),
        Outcome((Edit(first), Send(Message(text="told")))),
        Outcome((Edit(card("two")),)),
    )
    async with running(make(server, offsets, tmp_path, limiter=door), dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        door.shut = True
        for _ in range(2):
            await server.tap(ANN, server.inbox(ANN)[0]["message_id"], "Sun")
        await dispatch.until(lambda: len(dispatch.events) == 3)
        await server.until(lambda: len(server.answers) == 2)
        door.let_through(2)
        await server.until(lambda: "two" in server.inbox(ANN)[0]["text"] and server.menus != {})
    assert [message["text"] for message in server.inbox(ANN)][1:] == ["told"]
    order = [call.method for call in server.calls if call.method in ("sendMessage", "editMessageText")]
    assert order == ["sendMessage", "sendMessage", "editMessageText"]
    assert server.menus[str(ANN), ""] == [{"command": "next", "description": "your next item"}]


async def test_replies_go_by_their_lanes_and_unasked_messages_by_theirs(
    server: TelegramServer, offsets: Memory, tmp_path: Path
) -> None:
    door = Door()
    surface = make(server, offsets, tmp_path, limiter=door)
    dispatch = ScriptedDispatch(Outcome((Send(Message(text="hello")), Send(card("first")))))
    async with running(surface, dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: len(server.inbox(ANN)) == 2)
        await surface.send(str(ANN), Message(text="work is here"), Lane.OFFER)
        await surface.send(str(ANN), Message(text="told"))
    lanes = [Lane.REPLY, Lane.NEXT_ITEM, Lane.OFFER, Lane.NOTICE]
    assert door.admitted == [(f"chat:{ANN}", lane) for lane in lanes]


async def test_a_flood_closes_its_chat_and_a_second_one_closes_all(
    server: TelegramServer, offsets: Memory, tmp_path: Path
) -> None:
    door, text = Door(), Message(text="Work is here.")
    surface = make(server, offsets, tmp_path, limiter=door)
    with capture_logs():
        for user in (ANN, ANN, BEN):
            await server.say(user, "hi")
            server.fail_next("sendMessage", 429, "Too Many Requests: retry after 7", retry_after=7)
            with pytest.raises(RetryLater):
                await surface.send(str(user), text)
    await surface.close()
    assert door.closed == [(f"chat:{ANN}", 7.0), (f"chat:{ANN}", 7.0), (f"chat:{BEN}", 7.0), ("all", 7.0)]


async def test_an_edit_that_met_a_flood_gives_way_to_a_newer_one(
    server: TelegramServer, offsets: Memory, tmp_path: Path
) -> None:
    dispatch = ScriptedDispatch(
        Outcome((Send(card("zero")),)), Outcome((Edit(card("one")),)), Outcome((Edit(card("two")),))
    )
    with capture_logs():
        async with running(make(server, offsets, tmp_path), dispatch):
            await server.say(ANN, "/next")
            await server.until(lambda: len(server.inbox(ANN)) == 1)
            server.fail_next("editMessageText", 429, "Too Many Requests: retry after 1", retry_after=1)
            message_id = server.inbox(ANN)[0]["message_id"]
            await server.tap(ANN, message_id, "Sun")
            await server.until(lambda: len(server.made("editMessageText", 429)) == 1)
            await server.tap(ANN, message_id, "Sun")
            await server.until(lambda: "two" in server.inbox(ANN)[0]["text"])
    assert len(server.made("editMessageText")) == 1


async def test_a_reply_that_cannot_be_rendered_does_not_stop_the_next(
    server: TelegramServer, offsets: Memory, tmp_path: Path
) -> None:
    broken = Message(text=5)  # type: ignore[arg-type]
    dispatch = ScriptedDispatch(Outcome((Send(broken), Send(Message(text="here")))))
    with capture_logs() as logs:
        async with running(make(server, offsets, tmp_path), dispatch):
            await server.say(ANN, "/next")
            await server.until(lambda: [message["text"] for message in server.inbox(ANN)] == ["here"])
    assert "telegram.reply_failed" in [entry["event"] for entry in logs]


async def test_a_notice_that_no_button_can_show_is_sent(
    server: TelegramServer, offsets: Memory, tmp_path: Path
) -> None:
    server.callback_lifetime = -1
    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)), Outcome((Toast("Already"), Toast("answered"))))
    async with running(make(server, offsets, tmp_path), dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        await server.tap(ANN, server.inbox(ANN)[0]["message_id"], "Sun")
        await server.until(lambda: len(server.inbox(ANN)) == 2)
    assert server.inbox(ANN)[1]["text"] == "Already\nanswered"
