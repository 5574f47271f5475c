"""Joining: what a link does, what a code does, and what a cookie is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.surface import Command, Message, Outcome, Send, Toast
from bot.surfaces.web_session import COOKIE
from core.ids import is_public_id
from tests.unit.bot.conftest import WebChat

CODE = "abcdefghijklmnop"


async def test_joining_dispatches_start_with_the_code_and_gives_a_cookie(web: WebChat) -> None:
    client = await web.browser(headers={"accept-language": "de-AT,de;q=0.9"})
    web.dispatch.answers.append(Outcome((Send(Message(text="Welcome.")), Toast("In."))))
    response = await client.post("/api/join", json={"code": CODE, "name": "  Ada\n Lovelace "})

    body = response.json()
    assert response.status_code == 200
    assert [message["content"]["text"] for message in body["messages"]] == ["Welcome."]
    assert (body["revision"], body["toast"], body["late"]) == (1, "In.", False)
    (event,) = web.dispatch.events
    assert isinstance(event, Command)
    assert (event.name, event.argument) == ("start", CODE)
    person = event.person
    assert is_public_id(person.external_id)
    assert (person.surface, person.tenant, person.address) == ("web", "", person.external_id)
    assert (person.name, person.locale, person.origin) == ("Ada Lovelace", "de-AT", "203.0.113.7")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


async def test_behind_https_the_cookie_is_secure(web: WebChat) -> None:
    web.build(origin="https://label.example.org")
    client = await web.browser()
    origin = {"host": "label.example.org", "origin": "https://label.example.org"}
    response = await client.post("/api/join", json={"code": CODE}, headers=origin)
    assert "Secure" in response.headers["set-cookie"]


async def test_a_refused_code_gives_its_sentence_and_no_cookie(web: WebChat) -> None:
    client = await web.browser()
    refusal = Outcome((Send(Message(kind="error", text="This invite is used up.")),), refused="invite_used")
    web.dispatch.answers.append(refusal)
    response = await client.post("/api/join", json={"code": CODE, "name": "Eve"})
    assert response.status_code == 403
    assert response.json() == {"error": "invite_used", "message": "This invite is used up."}
    assert "set-cookie" not in response.headers
    assert web.mailbox.writes == 0


async def test_a_second_invite_adds_to_the_same_person(web: WebChat) -> None:
    client = await web.joined()
    first = web.last_person()
    web.dispatch.answers.append(Outcome((Send(Message(text="Now a coordinator, too.")),)))
    response = await client.post("/api/join", json={"code": "qrstuvwxyz234567"})
    assert web.last_person() == first
    assert web.dispatch.events[-1].person.name == "Ada"
    assert [message["content"]["text"] for message in response.json()["messages"]] == ["Now a coordinator, too."]


async def test_a_pasted_link_counts_as_its_code(web: WebChat) -> None:
    client = await web.browser()
    await client.post("/api/join", json={"code": f" http://127.0.0.1:8080/join/{CODE}/ "})
    event = web.dispatch.events[-1]
    assert isinstance(event, Command)
    assert event.argument == CODE


async def test_joining_waits_for_a_late_commit(web: WebChat) -> None:
    async def commit() -> Outcome:
        return Outcome(refused="invite_expired", replies=(Toast("Too late."),))

    client = await web.browser()
    web.dispatch.answers.append(replace(Outcome(), follow_up=commit()))
    response = await client.post("/api/join", json={"code": CODE})
    assert (response.status_code, response.json()["message"]) == (403, "Too late.")


async def test_opening_a_link_consumes_nothing_and_escapes_the_code(web: WebChat) -> None:
    client = await web.browser()
    page = await client.get('/join/"><script>alert(1)<')
    assert page.status_code == 200
    assert 'data-view="join"' in page.text
    assert "&quot;&gt;&lt;script&gt;alert(1)&lt;" in page.text
    assert "<script>alert" not in page.text
    assert web.dispatch.events == []


async def test_the_first_page_depends_on_the_session(web: WebChat) -> None:
    stranger, member = await web.browser(), await web.joined("{{code}} <b>")
    assert 'data-view="locked"' in (await stranger.get("/")).text
    page = (await member.get("/")).text
    assert 'data-view="chat"' in page
    assert 'data-name="code &lt;b&gt;"' in page


@pytest.mark.parametrize("cookie", ["", "nonsense", "eyJpZCI6ImFiY2RlZmdoaWprbG1ub3AifQ.ZZZZZZ.c2lnbmF0dXJl"])
async def test_a_forged_cookie_is_no_session(web: WebChat, cookie: str) -> None:
    client = await web.browser(headers={"cookie": f"{COOKIE}={cookie}"})
    response = await client.get("/api/messages")
    assert (response.status_code, response.json()["error"]) == (401, "web_no_session")


async def test_a_cookie_of_another_key_is_no_session(web: WebChat) -> None:
    member = await web.joined()
    web.build(signing_key="another")
    client = await web.browser(headers={"cookie": f"{COOKIE}={member.cookies[COOKIE]}"})
    assert (await client.get("/api/messages")).status_code == 401


async def test_a_cookie_outlives_a_restart(web: WebChat) -> None:
    member = await web.joined()
    web.build()
    client = await web.browser(headers={"cookie": f"{COOKIE}={member.cookies[COOKIE]}"})
    body = (await client.get("/api/messages")).json()
    assert [message["content"]["text"] for message in body["messages"]] == ["Welcome, Ada."]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/tap", {"payload": "answer.x"}),
        ("/api/text", {"text": "hello"}),
        ("/api/upload", {}),
    ],
)
async def test_nothing_is_done_without_a_session(web: WebChat, path: str, body: dict[str, str]) -> None:
    client = await web.browser()
    response = await client.post(path, json=body)
    assert (response.status_code, response.json()["error"]) == (401, "web_no_session")
    assert web.dispatch.events == []
