"""The Slack surface over HTTP and WebSocket against a strict Slack: dialogues and late commits."""

from __future__ import annotations

import asyncio

import pytest

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
from bot.surfaces.slack import SlackSurface
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.slack_blocks import texts
from tests.fakes.slack_server import SlackServer
from tests.fakes.surfaces import card, running
from tests.integration.slack.rig import ANN, BEN


async def test_enrol_card_tap_edited_card(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(
        Outcome((Send(Message(text="Welcome")), Send(card("first")))),
        Outcome((Toast("Saved: Rain"), Edit(card("second")))),
    )
    async with running(surface, dispatch):
        await server.acknowledged(await server.command(ANN, "/lightwork join ABCD2345"))
        await server.until(lambda: len(server.inbox(ANN)) == 2)
        shown = server.inbox(ANN)[1]
        assert texts(shown) == ["Weather?", "first", "1 of 3"]
        await server.acknowledged(await server.tap(ANN, shown["ts"], "Rain"))
        await server.until(lambda: "second" in texts(server.inbox(ANN)[1]))
    begun, tap = dispatch.events
    assert isinstance(begun, Command)
    assert (begun.name, begun.argument) == ("start", "ABCD2345")
    person = begun.person
    assert (person.surface, person.tenant, person.external_id, person.address) == ("slack", "T0LIGHT", ANN, ANN)
    assert isinstance(tap, Tapped)
    assert (tap.payload, tap.message) == ("tap.first.1.0", MessageRef(f"D{ANN}", shown["ts"]))
    assert texts(server.inbox(ANN)[1]) == ["Saved: Rain", "Weather?", "second", "1 of 3"]
    # The card was replaced through response_url: no chat.update, which is limited for the whole workspace.
    assert not server.made("chat.update")
    assert server.whispers == []
    assert [place.uses for place in server.response_urls.values()] == [0, 1]
    assert len(server.made("conversations.open")) == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/lightwork next", ("next", "")),
        ("/lightwork", ("help", "")),
        ("/lightwork  POST  Which &lt;one&gt;?", ("post", "Which <one>?")),
        ("/lightwork /stats", ("stats", "")),
    ],
)
async def test_commands(server: SlackServer, surface: SlackSurface, line: str, expected: tuple[str, str]) -> None:
    dispatch = ScriptedDispatch()
    async with running(surface, dispatch):
        ack = await server.acknowledged(await server.command(ANN, line))
    assert ack.payload is None
    assert isinstance(dispatch.events[0], Command)
    assert (dispatch.events[0].name, dispatch.events[0].argument) == expected


async def test_direct_messages_are_said_and_all_else_is_acknowledged_in_silence(
    server: SlackServer, surface: SlackSurface
) -> None:
    dispatch = ScriptedDispatch()
    channel = {"type": "message", "user": ANN, "text": "loud", "channel": "C0GENERAL", "channel_type": "channel"}
    async with running(surface, dispatch):
        for envelope in (
            await server.event({**channel, "ts": "1.1"}),
            await server.say(ANN, "edited", subtype="message_changed"),
            await server.say(ANN, "robot", bot_id="B1"),
            await server.event({"type": "app_home_opened", "user": ANN, "channel": f"D{ANN}", "tab": "messages"}),
            await server.say(ANN, "see <https://example.org|example.org> &amp; <mailto:a@b.org|a@b.org>"),
        ):
            await server.acknowledged(envelope)
    assert [event.text for event in dispatch.events if isinstance(event, Said)] == [
        "see https://example.org & mailto:a@b.org"
    ]
    assert len(dispatch.events) == 1
    assert server.inbox(ANN) == []


async def test_the_acknowledgement_comes_after_the_commit(server: SlackServer, surface: SlackSurface) -> None:
    commit, asked = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> Outcome:
        asked.set()
        await commit.wait()
        return Outcome()

    async with running(surface, ScriptedDispatch(slow)):
        envelope = await server.command(ANN, "/lightwork next")
        await asked.wait()
        assert envelope not in server.acks
        commit.set()
        await server.acknowledged(envelope)


async def test_what_was_not_committed_is_not_acknowledged(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(RuntimeError("database away"), Outcome((Send(Message(text="back")),)))
    async with running(surface, dispatch):
        failed = await server.say(ANN, "one")
        await dispatch.until(lambda: len(dispatch.events) == 1)
        await server.acknowledged(await server.say(ANN, "two"))
        await server.until(lambda: len(server.inbox(ANN)) == 1)
    assert failed not in server.acks


async def test_a_late_outcome_is_acknowledged_without_success_and_followed_up(
    server: SlackServer, surface: SlackSurface
) -> None:
    commit = asyncio.Event()

    async def follow_up() -> Outcome:
        await commit.wait()
        return Outcome((Toast("Saved"), Edit(card("second"))))

    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)))
    async with running(surface, dispatch):
        await server.command(ANN, "/lightwork next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        dispatch.answers.append(Outcome(follow_up=follow_up()))
        await server.acknowledged(await server.tap(ANN, server.inbox(ANN)[0]["ts"], "Sun"))
        assert texts(server.inbox(ANN)[0])[1] == "first"
        commit.set()
        await server.until(lambda: "second" in texts(server.inbox(ANN)[0]))


async def test_a_dispatch_that_never_says_late_is_acknowledged_in_time_all_the_same(
    server: SlackServer, surface: SlackSurface
) -> None:
    commit = asyncio.Event()

    async def hang(event: Event) -> Outcome:
        await commit.wait()
        return Outcome((Send(Message(text="done")),))

    async with running(surface, ScriptedDispatch(hang)):
        ack = await server.acknowledged(await server.command(ANN, "/lightwork next"))
        assert 1.4 < ack.seconds < 2.9
        commit.set()
        await server.until(lambda: len(server.inbox(ANN)) == 1)


async def test_a_queue_behind_a_slow_commit_is_acknowledged_in_time_and_answered_in_order(
    server: SlackServer, surface: SlackSurface
) -> None:
    commit = asyncio.Event()

    async def hang(event: Event) -> Outcome:
        await commit.wait()
        assert isinstance(event, Command)
        return Outcome((Send(Message(text=event.argument)),))

    async with running(surface, ScriptedDispatch(hang, hang, hang)):
        envelopes = [await server.command(ANN, f"/lightwork next {number}") for number in range(3)]
        acks = [await server.acknowledged(envelope) for envelope in envelopes]
        commit.set()
        await server.until(lambda: len(server.inbox(ANN)) == 3)
    assert max(ack.seconds for ack in acks) < 2.9
    assert server.seen(ANN) == [["0"], ["1"], ["2"]]


async def test_one_persons_events_keep_their_order(server: SlackServer, surface: SlackSurface) -> None:
    gate = asyncio.Event()

    async def hold(event: Event) -> Outcome:
        await gate.wait()
        return Outcome()

    dispatch = ScriptedDispatch(hold)
    async with running(surface, dispatch):
        for text in ("one", "two", "three"):
            await server.say(ANN, text)
        other = await server.say(BEN, "other")
        await server.acknowledged(other)
        gate.set()
        await dispatch.until(lambda: len(dispatch.events) == 4)
    anns = [event.text for event in dispatch.events if isinstance(event, Said) and event.person.external_id == ANN]
    assert anns == ["one", "two", "three"]


async def test_the_same_tap_delivered_twice_reaches_dispatch_twice(server: SlackServer, surface: SlackSurface) -> None:
    edit = Outcome((Edit(card("second")),))
    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)), edit, edit)
    async with running(surface, dispatch):
        await server.command(ANN, "/lightwork next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        ts = server.inbox(ANN)[0]["ts"]
        await server.forge(ANN, ts, "tap.first.2.0")
        await server.forge(ANN, ts, "tap.first.2.0")
        await dispatch.until(lambda: len(dispatch.events) == 3)
        await server.until(lambda: "second" in texts(server.inbox(ANN)[0]))
    assert [event.payload for event in dispatch.events if isinstance(event, Tapped)] == ["tap.first.2.0"] * 2
    assert len(server.inbox(ANN)) == 1


async def test_a_forged_payload_passes_through_as_text(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(Outcome((Toast("This is not your item."),)))
    forged = "tap.1'; DROP TABLE--€" * 50
    async with running(surface, dispatch):
        await server.acknowledged(await server.forge(ANN, "1.1", forged))
        await server.until(lambda: len(server.whispers) == 1)
    assert isinstance(dispatch.events[0], Tapped)
    assert dispatch.events[0].payload == forged
    assert server.whispers == [{"channel": f"D{ANN}", "user": ANN, "text": "This is not your item."}]


async def test_a_used_up_response_url_falls_back_to_chat_update_and_a_lost_card_to_a_new_one(
    server: SlackServer, surface: SlackSurface
) -> None:
    answers = [Outcome((Send(card("first")),)), Outcome((Edit(card("second")),)), Outcome((Edit(card("third")),))]
    dispatch = ScriptedDispatch(*answers)
    async with running(surface, dispatch):
        await server.command(ANN, "/lightwork next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        ts = server.inbox(ANN)[0]["ts"]
        server.urls_work = False
        await server.tap(ANN, ts, "Rain")
        await server.until(lambda: "second" in texts(server.inbox(ANN)[0]))
        assert len(server.made("chat.update")) == 1
        del server.messages[f"D{ANN}"][ts]
        await server.forge(ANN, ts, "tap.second.1.0")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
    assert "third" in texts(server.inbox(ANN)[0])
