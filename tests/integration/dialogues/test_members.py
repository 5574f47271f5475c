"""The people of a workspace in its coordinators' chats: the list of them, and their roles."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select, update

from core.clock import now
from core.models import Identity, Skill, Worker
from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import inbox
from tests.integration.dialogues.members import member_id, opens, status

DAY = timedelta(days=1)


# --- the list


async def test_the_list_says_who_is_there_and_how_they_do(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ("sun", "rain"), ("Good", "Bad"))
    olga, ann = await chat.member("Olive", "coordinator"), await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    with chat.writing() as session:
        session.execute(update(Skill).values(accuracy=0.87))
        worker = select(Worker.id).where(Worker.name == "Ann")
        session.execute(update(Identity).where(Identity.worker_id.in_(worker)).values(last_seen_at=now() - 3 * DAY))
    heard = await olga.says("/workers")
    assert "3 members" in heard
    assert "Ann · worker · 1 answer · about 87% right · 3 days ago" in heard
    assert re.search(r"Olive · coordinator · 0 answers · today", heard)
    assert olga.buttons() == ["Olga", "Olive", "Ann"]
    heard = await olga.taps("Ann")
    assert "1 answer · about 87% right · 0 skipped" in heard
    assert "Joined: " in heard
    assert olga.buttons() == ["Pause", "Ban", "Ban and ask again", "Role", "Back"]
    assert "3 members" in await olga.taps("Back")


async def test_the_list_has_pages_and_can_be_searched(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    for number in range(10):
        await chat.member(f"Worker {number}")
    heard = await olga.says("/workers")
    assert "11 members" in heard
    assert "page 1 of 2" in heard
    assert olga.buttons()[-2:] == ["‹", "›"]
    heard = await olga.taps("›")
    assert "page 2 of 2" in heard
    assert "Worker 9" in heard
    assert "page 1 of 2" in await olga.taps("›"), "after the last comes the first"
    assert "1 member\n" in await olga.says("/workers worker 7")
    assert olga.buttons() == ["Worker 7"]
    assert "Nobody here is called “100%_”" in await olga.says("/workers 100%_")
    assert "page 2 of 2" in await olga.taps_payload("workers..99.0"), "the nearest page"


async def test_people_without_the_role_see_neither_command_nor_data(chat: Chat) -> None:
    expert = await chat.member("Eve", "expert")
    other = member_id(chat, "Eve")
    for command in ("/workers", "/role", "/log", "/invite worker 1"):
        await expert.says(command)
        assert expert.refused == "unknown_command"
    for payload in ("workers", f"member.{other}", f"mact.{other}.ban", f"mrole.{other}.owner", "log", "invite"):
        await expert.taps_payload(payload)
        assert expert.refused == "unknown_button"


# --- roles


async def test_roles_are_given_told_and_change_the_menu(chat: Chat) -> None:
    olga, ann = await chat.member("Olga", "owner"), await chat.member("Ann")
    await olga.says("/role")
    await olga.taps("Ann")
    assert "Which role is Ann to have?" in await olga.taps("Role")
    assert olga.buttons() == ["Expert", "Coordinator", "Owner", "Back"]
    heard = await olga.taps("Coordinator")
    assert heard.startswith("(The role is changed)")
    assert "coordinator" in heard
    assert "Your role in Lightwork is coordinator now" in (await inbox(chat, ann))[-1]
    menu = chat.surface.sent[-1][1].menu
    assert menu is not None
    assert "workers" in [entry.name for entry in menu]
    await ann.says("/workers")
    assert ann.refused is None


async def test_a_coordinator_moves_people_between_worker_and_expert(chat: Chat) -> None:
    otto = await chat.member("Otto", "coordinator")
    await chat.member("Ann")
    await opens(chat, otto, "Ann")
    await otto.taps("Role")
    assert otto.buttons() == ["Expert", "Back"]
    for role in ("coordinator", "owner"):
        await otto.taps_payload(f"mrole.{member_id(chat, 'Ann')}.{role}.0")
        assert otto.refused == "member_above"
    await otto.taps_payload(f"mrole.{member_id(chat, 'Ann')}.worker.0")
    assert otto.refused == "member_already"
    await otto.taps_payload(f"mrole.{member_id(chat, 'Ann')}.emperor.0")
    assert otto.refused == "unknown_button"
    await opens(chat, otto, "Ann")
    await otto.taps("Role")
    await otto.taps("Expert")
    assert status(chat, "Ann") == "active"


async def test_an_owner_may_demote_another_but_the_last_one_stays(chat: Chat) -> None:
    olga, otto = await chat.member("Olga", "owner"), await chat.member("Otto", "owner")
    await olga.taps_payload(f"mrole.{member_id(chat, 'Otto')}.worker.0")
    assert olga.refused is None
    await otto.says("/workers")
    assert otto.refused == "unknown_command"
    await olga.taps_payload(f"mrole.{member_id(chat, 'Olga')}.worker.0")
    assert olga.refused == "member_self"
