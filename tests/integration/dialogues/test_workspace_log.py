"""The log of a workspace in its coordinators' chats: who did what, and what is not shown."""

from __future__ import annotations

import re

from sqlalchemy import select

from bot.texts import knows
from core.clock import now
from core.models import LogEntry, Workspace
from tests.fakes.chat import Chat
from tests.integration.dialogues.members import member_id, opens


async def test_the_log_says_who_did_what_and_has_pages(chat: Chat) -> None:
    olga = await chat.member("Olga", "owner")
    assert "joined as owner" in await olga.says("/log")
    await chat.member("Ann")
    await opens(chat, olga, "Ann")
    await olga.taps("Pause")
    await olga.taps("Resume")
    await olga.taps_payload(f"mrole.{member_id(chat, 'Ann')}.expert.0")
    heard = await olga.says("/log")
    assert re.search(r"\d\d:\d\d UTC · Olga changed a role: Ann expert\n", heard)
    assert heard.index("changed a role") < heard.index("let Ann go on") < heard.index("paused the work of Ann")
    with chat.writing() as session:
        workspace_id = session.scalars(select(Workspace.id)).one()
        for number in range(12):
            entry = LogEntry(
                workspace_id=workspace_id, worker_id=None, act="dance", subject=f"no {number}", created_at=now()
            )
            session.add(entry)
            session.flush()
    heard = await olga.says("/log")
    assert "Lightwork did: dance no 11" in heard, "an act without a sentence of its own"
    assert olga.buttons() == ["Older ›"]
    heard = await olga.taps("Older")
    assert "no 1\n" in heard
    assert "paused the work of Ann" in heard
    assert "‹ Newest" in olga.buttons()
    assert "no 11" in await olga.taps("‹ Newest")
    await olga.taps_payload("log..zzz.0")
    assert olga.refused is None


async def test_the_log_of_another_workspace_is_not_shown(chat: Chat) -> None:
    olga = await chat.member("Olga", "owner")
    with chat.writing() as session:
        other = Workspace(name="Secret", created_at=now())
        session.add(other)
        session.flush()
        session.add(LogEntry(workspace_id=other.id, act="dance", subject="secretly", created_at=now()))
    assert "secretly" not in await olga.says("/log")


def test_every_act_has_a_sentence() -> None:
    acts = """post invite join settle open closed paused role pause suspend resume ban unban recollect recollected link
    forget workspace audit export train promote rollback edit gold"""
    assert [act for act in acts.split() if not knows(f"act_{act}")] == []


async def test_the_log_names_nobody_who_erased_their_account(chat: Chat) -> None:
    olga, eve = await chat.member("Olga", "owner"), await chat.member("Evelyn", "expert")
    assert "Evelyn joined as expert" in await olga.says("/log")
    await eve.says("/forget")
    await eve.taps("Erase my account")
    heard = await olga.says("/log")
    assert "Somebody who has left erased an account" in heard
    assert "Somebody who has left joined as expert" in heard
    assert "Evelyn" not in heard
