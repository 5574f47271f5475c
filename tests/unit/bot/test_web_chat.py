"""Talking and tapping through the HTTP interface: what is dispatched, what comes back, and what it costs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.surface import (
    Button,
    Command,
    Edit,
    Event,
    MenuEntry,
    Message,
    MessageRef,
    Outcome,
    Part,
    Rejected,
    Reply,
    Said,
    Send,
    Tapped,
    Toast,
)
from bot.surfaces.web_chat import PAGE
from bot.surfaces.web_routes import TEXT_LIMIT
from core.ids import new_public_id
from tests.unit.bot.conftest import WebChat

CARD = Message(
    kind="card",
    heading="What is the weather like?",
    parts=(Part("text", "sunny\n<b>all</b> day"),),
    footer="3 of 10",
    progress=0.3,
    buttons=((Button("Good", "answer.1.good"), Button("Bad", "answer.1.bad")), (Button("Skip", "skip.1", "quiet"),)),
)


def texts(body: dict[str, Any]) -> list[str]:
    return [message["content"]["text"] for message in body["messages"]]


def saying(*replies: Reply, refused: str | None = None) -> Outcome:
    return Outcome(replies, refused=refused)


async def test_a_card_arrives_with_all_its_fields(web: WebChat) -> None:
    client = await web.joined()
    web.dispatch.answers.append(saying(Send(CARD)))
    body = (await client.post("/api/text", json={"text": "/next"})).json()
    own, card = body["messages"]
    assert (own["author"], own["content"]["text"]) == ("person", "/next")
    assert card["author"] == "bot"
    assert card["content"] == {
        "kind": "card",
        "heading": "What is the weather like?",
        "parts": [{"kind": "text", "text": "sunny\n<b>all</b> day"}],
        "text": "",
        "footer": "3 of 10",
        "progress": 0.3,
        "buttons": [
            [
                {"text": "Good", "payload": "answer.1.good", "style": "plain"},
                {"text": "Bad", "payload": "answer.1.bad", "style": "plain"},
            ],
            [{"text": "Skip", "payload": "skip.1", "style": "quiet"}],
        ],
        "attachment": None,
        "menu": None,
    }


async def test_a_message_may_say_which_commands_the_person_has(web: WebChat) -> None:
    client = await web.joined()
    web.dispatch.answers.append(saying(Send(Message(text="Hello", menu=(MenuEntry("next", "your next item"),)))))
    body = (await client.post("/api/text", json={"text": "/help"})).json()
    assert body["messages"][-1]["content"]["menu"] == [{"name": "next", "description": "your next item"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/NEXT", ("next", "")),
        ("/post  What is it?\nsecond line ", ("post", "What is it?\nsecond line")),
        ("/settle-all x", ("settle-all", "x")),
    ],
)
async def test_a_slash_makes_a_command(web: WebChat, text: str, expected: tuple[str, str]) -> None:
    client = await web.joined()
    await client.post("/api/text", json={"text": text})
    event = web.dispatch.events[-1]
    assert isinstance(event, Command)
    assert (event.name, event.argument) == expected


@pytest.mark.parametrize("text", ["hello", "/ next", "/usr/bin/env", "1/2", "/42"])
async def test_everything_else_is_said(web: WebChat, text: str) -> None:
    client = await web.joined()
    await client.post("/api/text", json={"text": text})
    event = web.dispatch.events[-1]
    assert isinstance(event, Said)
    assert event.text == text


async def test_what_no_database_stores_is_taken_out_of_a_text(web: WebChat) -> None:
    client = await web.joined()
    headers = {"content-type": "application/json"}
    body = (await client.post("/api/text", content=rb'{"text": "a\u0000b\ud800c"}', headers=headers)).json()
    assert texts(body) == ["ab?c"]


@pytest.mark.parametrize(
    ("text", "code"), [("", "web_text_empty"), (" \n", "web_text_empty"), ("x" * (TEXT_LIMIT + 1), "web_text_too_long")]
)
async def test_no_text_and_too_much_text_are_refused(web: WebChat, text: str, code: str) -> None:
    client = await web.joined()
    response = await client.post("/api/text", json={"text": text})
    assert (response.status_code, response.json()["error"]) == (400, code)


async def test_a_tap_replaces_the_card_with_one_write(web: WebChat) -> None:
    client = await web.joined()
    me = web.last_person()
    ref = await web.surface.send(me, CARD)
    web.dispatch.answers.append(saying(Edit(Message(text="next card")), Toast("Saved.")))
    writes = web.mailbox.writes
    body = (await client.post("/api/tap", json={"message": ref.message, "payload": "answer.1.good"})).json()
    event = web.dispatch.events[-1]
    assert isinstance(event, Tapped)
    assert (event.payload, event.message) == ("answer.1.good", MessageRef(me, ref.message))
    assert [(message["id"], message["content"]["text"]) for message in body["messages"]] == [(ref.message, "next card")]
    assert (body["toast"], body["refused"], body["late"]) == ("Saved.", None, False)
    assert body["revision"] == body["messages"][-1]["revision"]
    assert web.mailbox.writes == writes + 1


async def test_whoever_knows_the_rest_of_the_chat_costs_no_read(web: WebChat) -> None:
    client = await web.joined()
    ref = await web.surface.send(web.last_person(), CARD)
    tap = {"message": ref.message, "payload": "answer.1.good", "after": web.mailbox.revision}
    web.dispatch.answers.append(saying(Edit(Message(text="second card")), Send(Message(text="a notice"))))
    reads = web.mailbox.reads
    body = (await client.post("/api/tap", json=tap)).json()
    assert texts(body) == ["second card", "a notice"]
    assert body["revision"] == web.mailbox.revision
    assert web.mailbox.reads == reads
    await web.surface.send(web.last_person(), Message(text="in between"))
    web.dispatch.answers.append(saying(Edit(Message(text="third card"))))
    body = (await client.post("/api/tap", json={**tap, "after": body["revision"]})).json()
    assert texts(body) == ["in between", "third card"]


async def test_a_bubble_written_twice_is_told_once(web: WebChat) -> None:
    client = await web.joined()
    ref = await web.surface.send(web.last_person(), CARD)
    for after in ({}, {"after": web.mailbox.revision + 2}):
        web.dispatch.answers.append(saying(Edit(Message(text="first")), Edit(Message(text="second"))))
        body = (
            await client.post("/api/tap", json={"message": ref.message, "payload": "answer.1.good", **after})
        ).json()
        assert texts(body) == ["second"]


async def test_a_refused_tap_says_so_and_changes_nothing(web: WebChat) -> None:
    client = await web.joined()
    web.dispatch.answers.append(saying(Toast("This is not yours."), refused="not_yours"))
    reads = web.mailbox.reads
    body = (await client.post("/api/tap", json={"payload": "answer.9.good"})).json()
    assert (body["toast"], body["refused"], body["messages"]) == ("This is not yours.", "not_yours", [])
    assert web.mailbox.reads == reads


@pytest.mark.parametrize("restarted", [False, True])
async def test_somebody_elses_message_is_never_edited(web: WebChat, restarted: bool) -> None:
    await web.joined("Ada")
    theirs = await web.surface.send(web.last_person(), CARD)
    eve = await web.joined("Eve")
    if restarted:
        cookies = eve.cookies
        web.build()
        eve = await web.browser(cookies=cookies)
    web.dispatch.answers.append(saying(Edit(Message(text="mine"))))
    body = (await eve.post("/api/tap", json={"message": theirs.message, "payload": "answer.1.good"})).json()
    event = web.dispatch.events[-1]
    assert isinstance(event, Tapped)
    assert event.message is None
    assert body["messages"][0]["id"] != theirs.message
    assert web.mailbox.rows[theirs.message]["content"]["heading"] == CARD.heading


async def test_an_edit_without_a_tapped_message_is_sent_anew(web: WebChat) -> None:
    client = await web.joined()
    for message in (None, "no id", new_public_id()):
        web.dispatch.answers.append(saying(Edit(Message(text="anew"))))
        body = (await client.post("/api/tap", json={"message": message, "payload": "undo.1"})).json()
        assert texts(body) == ["anew"]


async def test_after_asks_for_everything_newer(web: WebChat) -> None:
    client = await web.joined()
    await web.surface.send(web.last_person(), Message(text="reminder"))
    web.dispatch.answers += [saying(Send(Message(text="one"))), saying(Send(Message(text="two")))]
    assert texts((await client.post("/api/tap", json={"payload": "x"})).json()) == ["one"]
    body = (await client.post("/api/tap", json={"payload": "x", "after": 1})).json()
    assert texts(body) == ["reminder", "one", "two"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"payload": ""},
        {"payload": "x" * 65},
        {"payload": 7},
        {"payload": "x", "message": 7},
        {"payload": "x", "after": -1},
        {"payload": "x", "after": True},
        {"payload": "x", "after": [1]},
    ],
)
async def test_a_malformed_tap_is_refused(web: WebChat, body: dict[str, Any]) -> None:
    client = await web.joined()
    response = await client.post("/api/tap", json=body)
    assert (response.status_code, response.json()["error"]) == (400, "web_bad_field")
    assert len(web.dispatch.events) == 1


async def test_messages_come_in_pages_oldest_first(web: WebChat) -> None:
    client = await web.joined()
    for number in range(PAGE + 5):
        await web.surface.send(web.last_person(), Message(text=str(number)))
    first = (await client.get("/api/messages", params={"after": 1})).json()
    rest = (await client.get("/api/messages", params={"after": first["revision"]})).json()
    assert [*texts(first), *texts(rest)] == [str(number) for number in range(PAGE + 5)]
    assert (await client.get("/api/messages", params={"after": rest["revision"]})).json() == {
        "messages": [],
        "revision": rest["revision"],
    }


async def test_a_person_sees_only_their_own_messages(web: WebChat) -> None:
    ada = await web.joined("Ada")
    await web.joined("Eve")
    await web.surface.send(web.last_person(), Message(text="for Eve"))
    assert texts((await ada.get("/api/messages")).json()) == ["Welcome, Ada."]


@pytest.mark.parametrize("query", ["after=x", "after=-1", "wait=x", "wait=-1", "wait=nan", "wait=inf"])
async def test_a_malformed_query_is_refused(web: WebChat, query: str) -> None:
    client = await web.joined()
    response = await client.get(f"/api/messages?{query}")
    assert (response.status_code, response.json()["error"]) == (400, "web_bad_field")


async def test_sending_rejects_what_is_no_address_of_this_surface(web: WebChat) -> None:
    for address in ("", "C0123ABC", "a" * 17):
        with pytest.raises(Rejected):
            await web.surface.send(address, CARD)
    with pytest.raises(Rejected):
        await web.surface.edit(MessageRef(new_public_id(), "1700000000.1234"), CARD)


async def test_an_edit_of_the_surface_replaces_the_bubble(web: WebChat) -> None:
    client = await web.joined()
    ref = await web.surface.send(web.last_person(), Message(text="Importing ..."))
    await web.surface.edit(ref, Message(text="Imported."))
    assert texts((await client.get("/api/messages", params={"after": 1})).json()) == ["Imported."]


async def test_taps_of_one_person_at_once_each_get_their_own_answer(web: WebChat) -> None:
    client = await web.joined()

    async def slow(event: Event) -> Outcome:
        assert isinstance(event, Tapped)
        await asyncio.sleep(0)
        return saying(Send(Message(text=event.payload)))

    web.dispatch.answers += [slow] * 20
    calls = [client.post("/api/tap", json={"payload": f"tap.{number}"}) for number in range(20)]
    bodies = [response.json() for response in await asyncio.gather(*calls)]
    assert [texts(body) for body in bodies] == [[f"tap.{number}"] for number in range(20)]


async def test_notices_in_chinese_stand_behind_each_other_without_a_space(web: WebChat) -> None:
    client = await web.joined()
    web.dispatch.answers.append(saying(Toast("已保存。"), Toast("还有两条。")))
    body = (await client.post("/api/text", json={"text": "/next"})).json()
    assert body["toast"] == "已保存。还有两条。"
