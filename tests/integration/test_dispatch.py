"""The crossing from asyncio into core: late commits, faults, order, faults in cards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import bot.dispatch
import bot.handling
from bot.dispatch import Dispatcher
from bot.endurance import Endurance
from bot.surface import Command, Message, Said, Send
from core.config import Settings
from core.db.writer import Home, Overloaded, Work
from core.models import Annotation
from tests.factories import make_project
from tests.fakes.chat import Chat


@pytest.fixture
async def chat(settings: Settings, sqlite_engine: Engine, redis: Redis) -> AsyncIterator[Chat]:
    """A bot on SQLite, where one writer thread can be held up."""
    made = Chat(settings, sqlite_engine, redis)
    yield made
    made.close()


async def test_a_commit_that_takes_long_is_answered_late_and_completely(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.dispatch, "PATIENCE_SECONDS", 0.01)
    ann = await chat.member("Ann")
    held, go_on = threading.Event(), threading.Event()

    def hold(_session: Session) -> None:
        held.set()
        assert go_on.wait(10)

    chat.writer.submit(hold)
    assert held.wait(10)
    outcome = await chat.dispatch(Command(ann.person, "next"))
    assert outcome.late
    assert outcome.replies == ()
    go_on.set()
    assert outcome.follow_up is not None
    (reply,) = (await outcome.follow_up).replies
    assert isinstance(reply, Send)
    assert "no open job" in reply.message.plain()


async def test_a_fault_of_ours_is_a_sentence_and_loses_nothing(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    with chat.writing() as session:
        make_project(session)
    ann = await chat.member("Ann")
    await ann.says("/next")

    def broken(*_: object) -> None:
        raise KeyError("secret detail")

    monkeypatch.setattr("bot.worker_chat.submit", broken)
    heard = await ann.taps("Yes")
    assert ann.refused == "unexpected"
    assert "Nothing was lost" in heard
    assert "secret" not in heard
    monkeypatch.undo()
    assert "(✓ Yes)" in await ann.taps("Yes")


async def test_a_fault_in_a_card_does_not_take_the_answer_back(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    with chat.writing() as session:
        make_project(session)
    ann = await chat.member("Ann")
    await ann.says("/next")

    def broken(_view: object, _locale: str) -> Message:
        raise ValueError("no card")

    monkeypatch.setattr(bot.dispatch, "render", broken)
    await ann.taps("Yes")
    monkeypatch.undo()
    with chat.writing() as session:
        assert [row.label_id for row in session.scalars(select(Annotation))] == ["a"]
    assert "two" in await ann.says("/next")


async def test_too_much_at_once_asks_for_a_moment(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await chat.member("Ann")

    def full(*_: object, **__: object) -> None:
        raise Overloaded

    monkeypatch.setattr(chat.writer, "submit", full)
    outcome = await chat.dispatch(Said(ann.person, "hello"))
    assert outcome.refused == "overloaded"


async def test_a_tap_while_the_database_is_away_is_saved_once_when_it_is_back(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    with chat.writing() as session:
        make_project(session)
    ann = await chat.member("Ann")
    await ann.says("/next")
    kept, there = chat.writer.submit, threading.Event()
    attempts: list[bool] = []

    def sometimes(work: Work[Any], home: Home | None = None, *, short: bool = False) -> Future[Any]:
        attempts.append(there.is_set())
        if there.is_set():
            return kept(work, home, short=short)
        lost: Future[Any] = Future()
        lost.set_exception(OperationalError("SELECT", None, Exception("connection refused")))
        return lost

    async def pause(_: float) -> None:
        if len(attempts) == 3:
            there.set()

    monkeypatch.setattr(chat.writer, "submit", sometimes)
    chat.dispatch = Dispatcher(chat.settings, chat.writer, chat.redis, chat.engine, Endurance(pause=pause))
    assert "(✓ Yes)" in await ann.taps("Yes")
    assert attempts[:4] == [False, False, False, True]
    with chat.writing() as session:
        assert [row.label_id for row in session.scalars(select(Annotation))] == ["a"]


async def test_whoever_waited_in_vain_is_told_that_nothing_was_saved(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await chat.member("Ann")

    def away(*_: object, **__: object) -> Future[Any]:
        raise OperationalError("SELECT", None, Exception("connection refused"))

    monkeypatch.setattr(chat.writer, "submit", away)
    chat.dispatch = Dispatcher(chat.settings, chat.writer, chat.redis, chat.engine, Endurance(seconds=0))
    outcome = await chat.dispatch(Command(ann.person, "next"))
    (reply,) = outcome.replies
    assert isinstance(reply, Send)
    assert "was not saved" in reply.message.plain()
    assert outcome.refused == "database_away"


async def test_one_persons_events_keep_their_order(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    seen: list[str] = []
    original = bot.handling.handle

    def recording(session: Session, event: Said, *rest: object) -> object:
        seen.append(event.text)
        return original(session, event, *rest)  # type: ignore[arg-type]  # passed through as it came

    monkeypatch.setattr(bot.dispatch, "handle", recording)
    await asyncio.gather(
        *(
            chat.dispatch(Said(person.person, f"{person.person.name}{number}"))
            for number in range(5)
            for person in (ann, bob)
        )
    )
    for name in ("Ann", "Bob"):
        assert [text for text in seen if text.startswith(name)] == [f"{name}{number}" for number in range(5)]
    assert chat.dispatch._turns == {}, "nothing is kept of people who are done"


async def test_a_refusal_is_in_the_language_that_a_member_has_chosen(chat: Chat, tmp_path: Path) -> None:
    ann = await chat.member("Ann")
    await ann.says("/language")
    await ann.taps("中文")
    assert "没有 /nonsense 这个命令" in await ann.says("/nonsense")
    assert ann.refused == "unknown_command"
    file = tmp_path / "items.csv"
    file.write_text("text\none\n")
    assert not (await ann.uploads(file)).isascii(), "refused before any transaction"
    assert ann.refused == "needs_role"


async def test_a_fault_of_ours_is_told_in_the_members_language(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await chat.member("Ann")
    await ann.says("/language")
    await ann.taps("中文")

    def broken(*_: object) -> None:
        raise KeyError("fault")

    monkeypatch.setattr(bot.dispatch, "handle", broken)
    assert "没有任何内容丢失" in await ann.says("/next")


async def test_a_wrong_code_is_refused_even_where_it_cannot_be_counted(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Overloaded

    monkeypatch.setattr(bot.dispatch, "count_wrong_code", full)
    bob = chat.someone("Bob")
    assert "code" in await bob.says("/start wrong")
    assert bob.refused == "invite_unknown"
