"""Long polls and late outcomes: who is woken, by what, and what becomes of it at the end."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from bot.surface import Edit, Message, Outcome, Send, Toast
from bot.surfaces import web_chat, web_late
from bot.surfaces.web_bell import LISTENERS_PER_PERSON, Bell
from bot.surfaces.web_chat import Chat
from bot.surfaces.web_content import message_to_json
from core.ids import new_public_id
from tests.unit.bot.conftest import WebChat
from tests.waiting import PATIENCE_SECONDS, until


def poll(client: httpx.AsyncClient, after: int, wait: float = 20) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(client.get("/api/messages", params={"after": after, "wait": wait}))


async def until_listening(bell: Bell, external_id: str, count: int = 1) -> None:
    await until(lambda: len(bell._listeners.get(external_id, ())) >= count)


def texts(response: httpx.Response) -> list[str]:
    return [message["content"]["text"] for message in response.json()["messages"]]


async def test_a_poll_wakes_when_a_message_is_sent(web: WebChat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_chat, "RECHECK_SECONDS", 600.0)  # only the bell wakes it
    client = await web.joined()
    me = web.last_person()
    waiting = poll(client, after=1)
    await until_listening(web.surface._chat.bell, me)
    await web.surface.send(me, Message(text="There is work."))
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert texts(await waiting) == ["There is work."]
    assert web.surface._chat.bell._listeners == {}


async def test_a_poll_sees_what_another_process_has_written(web: WebChat) -> None:
    client = await web.joined()
    me = web.last_person()
    waiting = poll(client, after=1)
    await until_listening(web.surface._chat.bell, me)
    await web.mailbox.put(me, "bot", message_to_json(Message(text="from elsewhere")))
    assert texts(await waiting) == ["from elsewhere"]


async def test_a_poll_ends_empty_when_its_time_is_over(web: WebChat) -> None:
    client = await web.joined()
    response = await poll(client, after=1, wait=0.02)
    assert response.json() == {"messages": [], "revision": 1}


async def test_polls_end_when_the_server_stops(web: WebChat) -> None:
    client = await web.joined()
    waiting = poll(client, after=1)
    await until_listening(web.surface._chat.bell, web.last_person())
    web.surface._chat.bell.close()
    assert (await waiting).json() == {"messages": [], "revision": 1}


async def test_too_many_polls_of_one_person_are_answered_at_once(web: WebChat) -> None:
    client = await web.joined()
    polls = [poll(client, after=1) for _ in range(LISTENERS_PER_PERSON)]
    await until_listening(web.surface._chat.bell, web.last_person(), LISTENERS_PER_PERSON)
    assert texts(await poll(client, after=1)) == []
    await web.surface.send(web.last_person(), Message(text="for all"))
    assert [texts(response) for response in await asyncio.gather(*polls)] == [["for all"]] * LISTENERS_PER_PERSON


async def test_a_poll_whose_client_has_gone_is_given_up(web: WebChat) -> None:
    async def gone() -> bool:
        return True

    chat = Chat(web.mailbox)
    async with asyncio.timeout(20):  # the poll itself would go on for 25
        assert await chat.wait(new_public_id(), 0, 25, gone) == []


# --- late outcomes -----------------------------------------------------------------------------------------------


class Commit:
    """A commit that a test lets happen."""

    def __init__(self, outcome: Outcome | Exception) -> None:
        self._outcome = outcome
        self.happen = asyncio.Event()

    async def wait(self) -> Outcome:
        await self.happen.wait()
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def late(commit: Commit) -> Outcome:
    return Outcome(follow_up=commit.wait())


async def test_a_late_answer_follows_into_the_mailbox(web: WebChat) -> None:
    client = await web.joined()
    ref = await web.surface.send(web.last_person(), Message(text="card"))
    commit = Commit(Outcome((Edit(Message(text="next card")), Toast("Saved."))))
    web.dispatch.answers.append(late(commit))
    response = await client.post("/api/tap", json={"message": ref.message, "payload": "answer.1.good"})
    assert response.status_code == 202
    assert response.json() == {"messages": [], "revision": 1, "toast": None, "refused": None, "late": True}
    waiting = poll(client, after=2)
    commit.happen.set()
    assert [(message["id"], message["content"]["text"]) for message in (await waiting).json()["messages"]] == [
        (ref.message, "next card")
    ]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome((Toast("Expired."),), refused="expired"), ["Expired."]),
        (Outcome((Send(Message(text="why")), Toast("Expired.")), refused="expired"), ["why", "Expired."]),
        (RuntimeError("the database is gone"), ["en: web_failed {}"]),
    ],
)
async def test_a_late_refusal_or_failure_is_told(
    web: WebChat, outcome: Outcome | Exception, expected: list[str]
) -> None:
    client = await web.joined()
    commit = Commit(outcome)
    web.dispatch.answers.append(late(commit))
    await client.post("/api/tap", json={"payload": "answer.1.good"})
    commit.happen.set()
    await web.surface._late.close()
    assert texts(await client.get("/api/messages", params={"after": 1})) == expected


async def test_with_too_many_late_answers_a_request_waits(web: WebChat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_late, "AT_ONCE", 1)
    client = await web.joined()
    commits = [Commit(Outcome((Send(Message(text="first")),))), Commit(Outcome((Send(Message(text="second")),)))]
    web.dispatch.answers += [late(commit) for commit in commits]
    assert (await client.post("/api/tap", json={"payload": "a"})).status_code == 202
    second = asyncio.create_task(client.post("/api/tap", json={"payload": "b"}))
    commits[1].happen.set()
    response = await second
    assert (response.status_code, texts(response)) == (200, ["second"])
    commits[0].happen.set()
    await web.surface._late.close()


async def test_closing_gives_up_what_never_commits(web: WebChat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_late, "GRACE_SECONDS", 0.01)
    client = await web.joined()
    web.dispatch.answers.append(late(Commit(Outcome())))
    assert (await client.post("/api/tap", json={"payload": "a"})).status_code == 202
    await web.surface._late.close()
    await asyncio.sleep(0)
    assert web.surface._late._running == set()
