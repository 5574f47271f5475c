"""Erasing an account: explained, asked, done on all chats; answers stay under their pseudonym."""

from __future__ import annotations

import pytest
from sqlalchemy import String, Text, cast, func, or_, select, update

from bot.mailbox import DatabaseMailbox
from core.clock import now
from core.db.tables import table_of
from core.enrolment import create_invite, ensure_workspace
from core.forgetting import forget_chat
from core.ids import new_public_id
from core.models import Annotation, Base, ChatMessage, Identity, Item, LinkRequest, Membership, Participation, Worker
from core.outbox import owe
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.invariants import check_redundancy

NAME = "Xanthippe"
"""A name that no code and no other person has."""


def rows_that_name(chat: Chat, *words: str) -> list[str]:
    """Every column of every table in which one of `words` stands."""
    found = []
    with chat.writing() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.c:
                text = column if isinstance(column.type, (String, Text)) else cast(column, Text)
                named = or_(*(func.lower(text).contains(word.lower()) for word in words))
                if session.scalar(select(func.count()).select_from(table).where(named)):
                    found.append(f"{table.name}.{column.name}")
    return found


async def a_busy_life(chat: Chat) -> Someone:
    """Somebody with answers, a lease, notes, a link code, a message owed, bubbles and wrong codes."""
    with chat.writing() as session:
        make_project(session, ("sun", "rain", "snow"), ("Good", "Bad"))
    person = await chat.member(NAME)
    await person.says("/start nonsense")
    await person.says("/next")
    await person.taps("Good")
    await person.says("/link")
    with chat.writing() as session:
        worker = session.scalars(select(Worker).where(Worker.name == NAME)).one()
        worker.time_zone, worker.languages = "Asia/Shanghai", ["zh"]
        workspace = ensure_workspace(session, now())
        session.execute(update(Annotation).values(note=f"I am {NAME}"))
        owe(
            session,
            worker_id=worker.id,
            workspace_id=workspace.id,
            kind="offer",
            params={"project_id": 1},
            dedupe_key="x",
            now=now(),
        )
        person_id = person.person.external_id
        session.add(
            ChatMessage(
                public_id=new_public_id(),
                external_id=person_id,
                author="person",
                revision=1,
                content={"text": NAME},
                created_at=now(),
            )
        )
    return person


async def test_everything_that_names_the_person_goes(chat: Chat) -> None:
    person = await a_busy_life(chat)
    assert "worker.name" in rows_that_name(chat, NAME)
    heard = await person.says("/forget")
    assert "Your answers stay, without your name" in heard
    assert person.buttons() == ["Erase my account", "Keep it"]
    assert "Nothing was erased" in await person.taps_payload(person.button("Keep it").payload)
    await person.says("/forget")
    assert "Your account is erased" in await person.taps("Erase my account")
    origin = "host-of-"
    left = [column for column in rows_that_name(chat, NAME) if column != "attempt.origin"]
    assert left == [], "the network address of a wrong code is forgotten after a day"
    assert origin in person.person.origin
    with chat.writing() as session:
        check_redundancy(session)
        assert session.scalars(select(Annotation.note)).all() == [""], "the answer stays, what they wrote about it goes"
        worker = session.scalars(select(Worker).where(Worker.forgotten_at.is_not(None))).one()
        assert (worker.name, worker.locale, worker.languages, worker.time_zone) == ("", "en", [], "")
        assert session.scalars(select(Participation.pseudonym).where(Participation.worker_id == worker.id)).one()
        assert session.scalars(select(Item.leased)).all() == [0, 0, 0]
        assert session.scalars(select(LinkRequest)).all() == []


async def test_the_account_is_a_strangers_afterwards_and_a_new_worker_with_a_new_invite(chat: Chat) -> None:
    person = await a_busy_life(chat)
    await person.says("/forget")
    erase = person.button("Erase my account").payload
    await person.taps("Erase my account")
    assert person.menu == (), "the platform's menu is a stranger's again"
    assert "not a member" in await person.taps_payload(erase), "a second tap"
    assert "not a member" in await person.says("/next")
    await person.says(f"/start {chat.invite('worker')}")
    await person.agrees()
    with chat.writing() as session:
        ids = session.scalars(select(Worker.id).where(Worker.name == NAME)).all()
        assert len(ids) == 1
        answers = select(func.count()).select_from(Annotation).where(Annotation.worker_id == ids[0])
        assert session.scalar(answers) == 0


async def test_the_last_owner_is_told_what_to_do(chat: Chat) -> None:
    olga = await chat.member("Olga", "owner")
    heard = await olga.says("/forget")
    assert "last owner of Lightwork" in heard
    assert "/role" in heard
    with chat.writing() as session:
        public_id = session.scalars(select(Worker.public_id).where(Worker.name == "Olga")).one()
    minute = int(now().timestamp()) // 60 % 1_000_000
    assert "last owner" in await olga.taps_payload(f"erase.{public_id}..{minute}")
    await chat.member("Otto", "owner")
    await olga.says("/forget")
    assert "erased" in await olga.taps("Erase my account")


async def test_a_banned_or_suspended_owner_does_not_count_as_one(chat: Chat) -> None:
    olga, _ = await chat.member("Olga", "owner"), await chat.member("Otto", "owner")
    with chat.writing() as session:
        otto = select(Worker.id).where(Worker.name == "Otto")
        session.execute(update(Membership).where(Membership.worker_id.in_(otto)).values(status="suspended"))
    await olga.says("/forget")
    assert olga.refused == "last_owner"


async def test_somebody_elses_and_old_buttons_erase_nothing(chat: Chat) -> None:
    person, other = await a_busy_life(chat), await chat.member("Bob")
    await person.says("/forget")
    payload = person.button("Erase my account").payload
    await other.taps_payload(payload)
    assert other.refused == "unknown_button"
    verb, subject, _, version = payload.split(".")
    for stale in (int(version) - 61, int(version) + 5, 0):
        await person.taps_payload(f"{verb}.{subject}..{stale % 1_000_000}")
        assert person.refused == "forget_again"
    with chat.writing() as session:
        assert session.scalar(select(func.count()).select_from(Worker).where(Worker.forgotten_at.is_not(None))) == 0


async def test_it_works_before_consent_and_after_a_ban(chat: Chat) -> None:
    shy = chat.someone("Shy")
    await shy.says(f"/start {chat.invite('worker')}")
    await shy.says("/forget")
    assert "erased" in await shy.taps("Erase my account")
    banned = await chat.member("Banned")
    with chat.writing() as session:
        session.execute(update(Membership).values(status="banned"))
    await banned.says("/forget")
    assert "erased" in await banned.taps("Erase my account")
    with chat.writing() as session:
        assert session.scalars(select(Identity)).all() == []


async def test_the_goodbye_comes_in_the_persons_language(chat: Chat) -> None:
    person = await chat.member("Mei")
    with chat.writing() as session:
        session.execute(update(Worker).values(locale="zh"))
    await person.says("/forget")
    assert "你的账号已删除" in await person.taps("删除我的账号")


@pytest.mark.parametrize("surfaces", [("telegram", "slack")])
async def test_all_linked_accounts_are_erased_at_once(chat: Chat, surfaces: tuple[str, ...]) -> None:
    person = await chat.member("Ann")
    with chat.writing() as session:
        identity = session.scalars(select(Identity)).one()
        for surface in surfaces:
            session.add(
                Identity(
                    worker_id=identity.worker_id,
                    surface=surface,
                    external_id=f"other-{surface}",
                    workspace_id=identity.workspace_id,
                    created_at=now(),
                    last_seen_at=now(),
                )
            )
    await person.says("/forget")
    await person.taps("Erase my account")
    with chat.writing() as session:
        assert session.scalar(select(func.count()).select_from(table_of(Identity))) == 0
        assert create_invite(session, ensure_workspace(session, now()).id, "worker", 1, now())


async def test_an_open_page_of_the_web_chat_still_sees_the_goodbye(chat: Chat) -> None:
    ann = await chat.member("Ann")
    box = DatabaseMailbox(chat.engine, chat.writer)
    await box.put("ann", "bot", {"text": "What goes and what stays"})
    await box.put("ann", "person", {"text": "I am Ann"})
    seen = (await box.since("ann", 0))[-1]["revision"]
    await ann.says("/forget")
    await ann.taps("Erase my account")
    assert [bubble["content"]["text"] for bubble in await box.since("ann", 0)] == ["What goes and what stays"]
    await box.put("ann", "bot", {"text": "Erased"})
    assert [bubble["content"]["text"] for bubble in await box.since("ann", seen)] == ["Erased"]
    with chat.writing() as session:
        forget_chat(session, "ann")
    assert await box.since("ann", 0) == []


async def test_the_bubbles_of_who_came_back_stay(chat: Chat) -> None:
    await chat.member("Ann")
    box = DatabaseMailbox(chat.engine, chat.writer)
    await box.put("ann", "bot", {"text": "Welcome"})
    with chat.writing() as session:
        forget_chat(session, "ann")
    assert len(await box.since("ann", 0)) == 1
