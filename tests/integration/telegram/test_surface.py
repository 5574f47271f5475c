"""The Telegram surface over HTTP against a strict Bot API server: dialogues, order, crashes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.surface import (
    Command,
    Edit,
    Event,
    Message,
    MessageRef,
    Outcome,
    Said,
    Send,
    Tapped,
    Toast,
)
from bot.surfaces.telegram import TelegramSurface
from bot.texts import say
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.surfaces import Memory, card, running
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import ANN, BEN, make


async def test_enrol_card_tap_edited_card(server: TelegramServer, surface: TelegramSurface) -> None:
    dispatch = ScriptedDispatch(
        Outcome((Send(Message(text="Welcome")), Send(card("first")))),
        Outcome((Toast("Saved: Rain"), Edit(card("second")))),
    )
    async with running(surface, dispatch):
        await server.say(ANN, "/start abcd2345")
        await server.until(lambda: len(server.inbox(ANN)) == 2)
        tapped = await server.tap(ANN, server.inbox(ANN)[1]["message_id"], "Rain")
        await server.until(lambda: "second" in server.inbox(ANN)[1]["text"])
    begun, tap = dispatch.events
    assert isinstance(begun, Command)
    assert (begun.name, begun.argument) == ("start", "abcd2345")
    assert (begun.person.surface, begun.person.tenant, begun.person.external_id, begun.person.address) == (
        "telegram",
        "",
        "7",
        "7",
    )
    assert (begun.person.name, begun.person.locale) == ("User 7", "en")
    assert isinstance(tap, Tapped)
    assert tap.payload == "tap.first.1.0"
    assert tap.message == MessageRef("7", str(server.inbox(ANN)[1]["message_id"]))
    assert server.answers == {tapped["callback_query"]["id"]: "Saved: Rain"}
    order = [call.method for call in server.calls if call.method != "getUpdates"]
    assert order == ["sendMessage", "sendMessage", "answerCallbackQuery", "editMessageText"]
    assert all("parse_mode" not in call.params for call in server.calls)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/next", ("next", "")),
        ("/NEXT@lightwork_bot", ("next", "")),
        ("/post  Which one?\nOr none", ("post", "Which one?\nOr none")),
        ("/post\nWhich one?", ("post", "Which one?")),
        ("/", ("", "")),
    ],
)
async def test_commands(server: TelegramServer, surface: TelegramSurface, text: str, expected: tuple[str, str]) -> None:
    dispatch = ScriptedDispatch()
    async with running(surface, dispatch):
        await server.say(ANN, text)
        await dispatch.until(lambda: bool(dispatch.events))
    assert isinstance(dispatch.events[0], Command)
    assert (dispatch.events[0].name, dispatch.events[0].argument) == expected


async def test_text_and_stickers_are_said_and_groups_are_silent(
    server: TelegramServer, surface: TelegramSurface
) -> None:
    dispatch = ScriptedDispatch()
    group = {"id": -5, "type": "group", "title": "All"}
    sender = {"id": ANN, "is_bot": False, "first_name": "Ann"}
    photo = [{"file_id": "p", "file_unique_id": "p", "width": 1, "height": 1}]
    async with running(surface, dispatch):
        loud = {"message_id": 900, "from": sender, "chat": group, "date": 1, "text": "/next"}
        await server.deliver({"message": loud})
        pinned = {"message_id": 901, "from": sender, "chat": {"id": ANN, "type": "private"}, "date": 1}
        await server.deliver({"message": {**pinned, "delete_chat_photo": True}})
        await server.deliver({"message": {**pinned, "photo": photo, "caption": "look"}})
        await server.say(ANN, "hello")
        await dispatch.until(lambda: len(dispatch.events) == 2)
    assert [event.text for event in dispatch.events if isinstance(event, Said)] == ["look", "hello"]
    assert not server.inbox(ANN)


async def test_a_crash_before_the_confirmation_redelivers(
    server: TelegramServer, surface: TelegramSurface, offsets: Memory, tmp_path: Path
) -> None:
    """Killed between the commit and the confirmation: nothing is lost, the next process sees the update again."""
    committed, never = asyncio.Event(), asyncio.Event()

    async def commit_and_hang(event: Event) -> Outcome:
        committed.set()
        await never.wait()
        raise AssertionError("the process was killed before")

    async with running(surface, ScriptedDispatch(commit_and_hang)):
        sent = await server.say(ANN, "/next")
        await committed.wait()
    assert offsets.stored == []
    assert [update["update_id"] for update in server.queue] == [sent["update_id"]]

    again = ScriptedDispatch(Outcome((Send(Message(text="here")),)))
    async with running(make(server, offsets, tmp_path), again):
        await server.until(lambda: server.confirmed == sent["update_id"] + 1)
    assert [type(event) for event in again.events] == [Command]
    assert offsets.stored == [sent["update_id"] + 1]
    assert server.queue == []


async def test_nothing_is_confirmed_while_one_update_of_the_answer_is_at_work(
    server: TelegramServer, surface: TelegramSurface, offsets: Memory
) -> None:
    gate = asyncio.Event()

    async def slow(event: Event) -> Outcome:
        await gate.wait()
        return Outcome()

    async def by_person(event: Event) -> Outcome:
        return await slow(event) if event.person.external_id == str(ANN) else Outcome()

    await server.say(ANN, "slow")
    await server.say(BEN, "quick")
    dispatch = ScriptedDispatch(by_person, by_person)
    async with running(surface, dispatch):
        await dispatch.until(lambda: len(dispatch.events) == 2)
        assert offsets.stored == []
        assert server.confirmed == 0
        gate.set()
        await server.until(lambda: server.confirmed > 0)
    assert len(offsets.stored) == 1


async def test_one_persons_updates_keep_their_order(server: TelegramServer, surface: TelegramSurface) -> None:
    gate = asyncio.Event()

    async def hold(event: Event) -> Outcome:
        await gate.wait()
        return Outcome()

    for text in ("one", "two", "three"):
        await server.say(ANN, text)
    await server.say(BEN, "other")
    dispatch = ScriptedDispatch(hold)
    async with running(surface, dispatch):
        await dispatch.until(lambda: len(dispatch.events) == 2)
        assert {event.text for event in dispatch.events if isinstance(event, Said)} == {"one", "other"}
        gate.set()
        await dispatch.until(lambda: len(dispatch.events) == 4)
    anns = [event.text for event in dispatch.events if isinstance(event, Said) and event.person.external_id == "7"]
    assert anns == ["one", "two", "three"]


async def test_the_same_press_delivered_twice_reaches_dispatch_twice(
    server: TelegramServer, surface: TelegramSurface
) -> None:
    edit = Outcome((Toast("Saved"), Edit(card("second"))))
    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)), edit, edit)
    async with running(surface, dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        press = await server.tap(ANN, server.inbox(ANN)[0]["message_id"], "Sun")
        await server.until(lambda: len(server.made("editMessageText")) == 1)
        await server.redeliver(press)
        await server.until(lambda: len(server.made("editMessageText", 400)) == 1)
    assert [event.payload for event in dispatch.events if isinstance(event, Tapped)] == ["tap.first.2.0"] * 2
    assert len(server.inbox(ANN)) == 1  # "not modified" is success: no second card
    assert len(server.answers) == 1


async def test_a_forged_payload_passes_through_as_text(server: TelegramServer, surface: TelegramSurface) -> None:
    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)))
    forged = "tap.1'; DROP TABLE--\x00€"
    async with running(surface, dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        await server.forge(ANN, server.inbox(ANN)[0]["message_id"], forged)
        await server.until(lambda: len(server.answers) == 1)
    assert isinstance(dispatch.events[1], Tapped)
    assert dispatch.events[1].payload == forged


async def test_a_late_outcome_ends_the_spinner_without_success_and_follows_up(
    server: TelegramServer, surface: TelegramSurface, offsets: Memory
) -> None:
    commit = asyncio.Event()

    async def follow_up() -> Outcome:
        await commit.wait()
        return Outcome((Toast("Saved"), Edit(card("second"))))

    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)))
    async with running(surface, dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: server.confirmed > 0)
        dispatch.answers.append(Outcome(follow_up=follow_up()))
        await server.tap(ANN, server.inbox(ANN)[0]["message_id"], "Sun")
        await server.until(lambda: len(server.answers) == 1)
        assert list(server.answers.values()) == ["One moment, this is taking longer than usual…"]
        assert "first" in server.inbox(ANN)[0]["text"]
        assert len(offsets.stored) == 1
        commit.set()
        await server.until(lambda: "second" in server.inbox(ANN)[0]["text"])
        await server.until(lambda: server.queue == [])
    assert len(server.made("answerCallbackQuery")) == 1
    assert not server.made("answerCallbackQuery", 400)


async def test_a_tap_answered_too_late_still_edits_the_card(server: TelegramServer, surface: TelegramSurface) -> None:
    server.callback_lifetime = -1
    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)), Outcome((Toast("Saved"), Edit(card("second")))))
    async with running(surface, dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        with capture_logs() as logs:
            await server.tap(ANN, server.inbox(ANN)[0]["message_id"], "Sun")
            await server.until(lambda: "second" in server.inbox(ANN)[0]["text"])
    assert len(server.made("answerCallbackQuery", 400)) == 1
    assert [entry for entry in logs if entry["log_level"] != "info"] == []


async def test_where_the_card_was_deleted_a_new_one_is_sent(server: TelegramServer, surface: TelegramSurface) -> None:
    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)), Outcome((Edit(card("second")),)))
    async with running(surface, dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        first = server.inbox(ANN)[0]["message_id"]
        await server.tap(ANN, first, "Sun")
        del server.messages[ANN][first]
        await server.until(lambda: len(server.inbox(ANN)) == 1)
    assert "second" in server.inbox(ANN)[0]["text"]


async def test_dispatch_that_fails_is_tried_three_times_then_skipped_aloud(
    server: TelegramServer, surface: TelegramSurface, offsets: Memory
) -> None:
    broken = RuntimeError("database away")
    dispatch = ScriptedDispatch(broken, broken, broken, Outcome((Send(Message(text="back")),)))
    with capture_logs() as logs:
        async with running(surface, dispatch):
            await server.say(ANN, "/next")
            await server.until(lambda: len(offsets.stored) == 1)
            await server.say(ANN, "/stats")
            await server.until(lambda: len(server.inbox(ANN)) == 2)
    assert [event.name for event in dispatch.events if isinstance(event, Command)] == ["next", "next", "next", "stats"]
    seen = [entry["event"] for entry in logs if entry["log_level"] != "info"]
    assert seen == ["telegram.update_failed"] * 3 + ["telegram.update_skipped"]
    assert [message["text"] for message in server.inbox(ANN)] == [say("unexpected", "en"), "back"]


async def test_a_failure_that_passes_loses_nothing(server: TelegramServer, surface: TelegramSurface) -> None:
    dispatch = ScriptedDispatch(RuntimeError("once"), Outcome((Send(Message(text="here")),)))
    async with running(surface, dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: [message["text"] for message in server.inbox(ANN)] == ["here"])
