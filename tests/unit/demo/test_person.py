"""A simulated person: answers what they remember, skips the rest, and notes only what was acknowledged."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.texts import say
from demo import person as persons
from demo import web_chat as chats
from demo.errors import DemoError
from demo.journal import Journal, item_key, read_journal
from demo.person import Person
from demo.web_chat import ChatRefused, WebChat

Reply = dict[str, Any] | Exception | int
MEMORY = {"sunny": "Positive", "storm": "Negative"}


class Server:
    """Answers requests from a script, in order, and keeps what was asked."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = deque(replies)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, json.loads(request.content) if request.content else {}))
        reply = self.replies.popleft()
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply) if isinstance(reply, int) else httpx.Response(200, json=reply)

    def taps(self) -> list[str]:
        return [body["payload"] for path, body in self.asked if path == "/api/tap"]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.jsonl") as opened:
        yield opened


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before saying something again are short."""
    monkeypatch.setattr(chats, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(persons, "BUSY_PAUSE_SECONDS", 0.001)


@pytest.fixture
def person(journal: Journal) -> Callable[[Server], Person]:
    def make(server: Server) -> Person:
        chat = WebChat("http://127.0.0.1:1", httpx.MockTransport(server), patience=0.2)
        return Person("w00001", MEMORY, chat, journal)

    return make


def bubble(kind: str, text: str = "", item: str = "", buttons: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
    content = {
        "kind": kind,
        "text": text,
        "parts": [{"kind": "text", "text": item}] if item else [],
        "buttons": [[{"text": caption, "payload": payload}] for caption, payload in buttons],
        "attachment": None,
    }
    return {"id": "a" * 16, "author": "bot", "revision": 1, "content": content}


def card(item: str) -> dict[str, Any]:
    labels = (("Positive", f"answer.{item}.1"), ("Negative", f"answer.{item}.2"))
    return bubble("card", item=item, buttons=(*labels, (say("button_hard", "en"), f"skip.{item}.hard")))


def said(*bubbles: dict[str, Any], refused: str | None = None, late: bool = False) -> dict[str, Any]:
    return {"messages": list(bubbles), "revision": 1, "toast": None, "refused": refused, "late": late}


DOOR = bubble("text", "Welcome", buttons=((say("button_start", "en"), "next"),))
END = bubble("text", say("nothing_left", "en"), buttons=((say("button_next", "en"), "next"),))


def nobody(_name: str, _text: str, _label: str) -> None:
    """An audience that looks away."""


async def test_answers_what_they_remember_and_skips_the_rest(
    person: Callable[[Server], Person], journal: Journal
) -> None:
    server = Server(said(DOOR), said(card("sunny")), said(card("unknown")), said(card("storm")), said(END))
    one = person(server)
    await one.join("code")
    assert not await one.sit(10, nobody)
    assert server.taps() == ["next", "answer.sunny.1", "skip.unknown.hard", "answer.storm.2"]
    entries = [(entry.person, entry.item, entry.label) for entry in read_journal(journal.path)]
    assert entries == [("w00001", item_key("sunny"), "Positive"), ("w00001", item_key("storm"), "Negative")]
    assert (one.answers, one.skips, one.refusals, journal.count) == (2, 1, 0, 2)


async def test_who_joins_agrees_to_what_is_stored_and_tries_again_where_it_is_busy(
    person: Callable[[Server], Person],
) -> None:
    consent = bubble("form", "Welcome", buttons=((say("button_agree", "en"), "agree"), ("No, thanks", "decline")))
    about = bubble("form", "About you", buttons=((say("button_start", "en"), "begin"),))
    server = Server(said(consent), said(refused="overloaded"), said(about), said(card("sunny")), said(END))
    one = person(server)
    await one.join("code")
    assert await one.sit(1, nobody)
    assert server.taps() == ["agree", "agree", "begin", "answer.sunny.1"]


async def test_who_has_nothing_more_to_say_pauses(person: Callable[[Server], Person]) -> None:
    paused = bubble("text", say("paused", "en"))
    server = Server(said(card("sunny")), said(card("storm")), said(card("unknown")), said(paused))
    one = person(server)
    await one.join("code")
    assert not await one.sit(2, nobody)
    assert server.asked[-1] == ("/api/text", {"text": "/pause"})
    assert one.left
    assert one.card is None


async def test_a_refused_answer_is_not_noted(person: Callable[[Server], Person], journal: Journal) -> None:
    server = Server(said(card("sunny")), said(refused="already_submitted"), said(card("storm")))
    one = person(server)
    await one.join("code")
    assert await one.sit(1, nobody)
    assert server.asked[-1] == ("/api/text", {"text": "/next"})
    assert (journal.count, one.refusals) == (0, 1)
    assert one.card is not None
    assert one.card.item == "storm"


async def test_an_answer_is_repeated_until_the_server_is_back(
    person: Callable[[Server], Person], journal: Journal
) -> None:
    away: tuple[Reply, ...] = (httpx.ReadError("killed"), httpx.ConnectError("down"), 502)
    server = Server(said(card("sunny")), *away, said(card("storm")))
    one = person(server)
    await one.join("code")
    assert await one.sit(1, nobody)
    assert server.taps() == ["answer.sunny.1"] * 4
    assert (journal.count, one.chat.retries) == (1, 3)


async def test_a_server_that_stays_away_ends_it(person: Callable[[Server], Person], journal: Journal) -> None:
    server = Server(said(card("sunny")), *[httpx.ConnectError("down")] * 1000)
    one = person(server)
    await one.join("code")
    with pytest.raises(DemoError, match="does not answer"):
        await one.sit(1, nobody)
    assert journal.count == 0


async def test_joining_is_not_repeated_once_it_may_have_happened(person: Callable[[Server], Person]) -> None:
    server = Server(httpx.ReadError("killed"), said(DOOR))
    with pytest.raises(DemoError, match="does not answer"):
        await person(server).join("code")
    assert len(server.asked) == 1


async def test_a_late_answer_counts_when_its_card_is_replaced(
    person: Callable[[Server], Person], journal: Journal
) -> None:
    news = {"messages": [card("storm")], "revision": 2}
    one = person(Server(said(card("sunny")), said(late=True), {"messages": [], "revision": 1}, news))
    await one.join("code")
    assert await one.sit(1, nobody)
    assert journal.count == 1


async def test_a_late_refusal_comes_as_another_message(person: Callable[[Server], Person], journal: Journal) -> None:
    other = {**bubble("text", "You have already answered this one."), "id": "b" * 16}
    replies = (said(card("sunny")), said(late=True), {"messages": [other], "revision": 2}, said(card("storm")))
    one = person(Server(*replies))
    await one.join("code")
    assert await one.sit(1, nobody)
    assert (journal.count, one.refusals) == (0, 1)


async def test_an_offer_that_comes_in_is_taken_up(person: Callable[[Server], Person]) -> None:
    offer = {**bubble("text", "There is work", buttons=((say("button_start", "en"), "next.project"),)), "id": "c" * 16}
    server = Server(said(END), {"messages": [offer], "revision": 5}, said(card("sunny")), said(END))
    one = person(server)
    await one.join("code")
    await one.wait(1)
    await one.sit(1, nobody)
    assert server.asked[2] == ("/api/tap", {"message": "c" * 16, "payload": "next.project"})
    assert one.answers == 1


async def test_a_card_is_not_lost_behind_an_offer_that_comes_after_it(person: Callable[[Server], Person]) -> None:
    offer = {**bubble("text", "There is work", buttons=((say("button_start", "en"), "next.project"),)), "id": "c" * 16}
    server = Server(said(DOOR), said(card("sunny"), offer), said(card("storm")), said(END), said(END))
    one = person(server)
    await one.join("code")
    await one.sit(2, nobody)
    assert server.taps() == ["next", "answer.sunny.1", "answer.storm.2"]


async def test_what_came_beside_the_answers_is_seen_before_anybody_waits(person: Callable[[Server], Person]) -> None:
    beside = {"messages": [END, {**card("storm"), "id": "d" * 16}], "revision": 3}
    one = person(Server({**said(END), "revision": 2}, beside))
    await one.join("code")
    await one.wait(1)
    assert one.card is not None
    assert one.card.item == "storm"


async def test_a_refusal_of_the_server_names_its_reason() -> None:
    body = {"error": "invite_used", "message": "This invite has been used up."}
    transport = httpx.MockTransport(lambda _request: httpx.Response(403, json=body))
    with pytest.raises(ChatRefused, match="used up") as refused:
        await WebChat("http://127.0.0.1:1", transport).join("code", "Ada")
    assert refused.value.code == "invite_used"
