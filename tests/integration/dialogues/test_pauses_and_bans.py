"""Coordinators pause and ban people: what these hear, what is not sent, and who may not."""

from __future__ import annotations

from sqlalchemy import select

from core.clock import now
from core.models import Assignment, OutboxMessage, Worker
from core.outbox import owe
from core.recollection import recollect, unfinished_recollections
from core.runtime import Runtime
from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import inbox
from tests.integration.dialogues.members import member_id, opens, status


async def test_a_pause_by_a_coordinator_is_not_undone_by_the_person(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ("sun", "rain"), ("Good", "Bad"))
    olga, ann = await chat.member("Olive", "coordinator"), await chat.member("Ann")
    await ann.says("/next")
    await opens(chat, olga, "Ann")
    heard = await olga.taps("Pause")
    assert heard.startswith("(Paused)")
    assert "paused by a coordinator" in heard
    assert olga.buttons() == ["Resume", "Ban", "Ban and ask again", "Role", "Back"]
    with chat.writing() as session:
        assert session.scalars(select(Assignment.state)).one() == "released"
    assert "has paused your work" in (await inbox(chat, ann))[-1]
    for said in ("/next", "/resume", "/undo", "/start", "hello"):
        assert "A coordinator has paused your work" in await ann.says(said)
        assert ann.refused == "suspended"
    assert "has paused" in await ann.taps("Good")
    assert "has paused" in await ann.says(f"/start {chat.invite('worker')}") or status(chat, "Ann") == "suspended"
    assert status(chat, "Ann") == "suspended", "a new invite does not lift it"
    await ann.says("/help")
    assert ann.refused is None
    assert (await olga.taps("Resume")).startswith("(Resumed)")
    assert "can go on" in (await inbox(chat, ann))[-1]
    await ann.says("/next")
    assert ann.refused is None


async def test_a_ban_is_asked_about_told_kindly_once_and_can_be_lifted(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ("sun", "rain"), ("Good", "Bad"))
    olga, ann = await chat.member("Olive", "coordinator"), await chat.member("Ann")
    await ann.says("/next")
    await opens(chat, olga, "Ann")
    assert "Ban Ann? They can do nothing here any more" in await olga.taps("Ban")
    assert status(chat, "Ann") == "active"
    assert olga.buttons() == ["Yes, ban", "Back"]
    sure = olga.button("Yes, ban").payload
    await olga.taps("Back")
    await olga.taps("Ban")
    assert (await olga.taps("Yes, ban")).startswith("(Banned)")
    assert status(chat, "Ann") == "banned"
    assert "how it is already" in await olga.taps_payload(sure), "a second tap"
    told = await inbox(chat, ann)
    assert sum("has ended" in one for one in told) == 1
    await ann.taps_payload(ann.button("Good").payload)
    assert ann.refused == "banned"
    with chat.writing() as session:
        assert session.scalars(select(Assignment.state)).one() == "released"
    await opens(chat, olga, "Ann")
    assert olga.buttons() == ["Lift ban", "Ask again", "Role", "Back"]
    assert (await olga.taps("Lift ban")).startswith("(The ban is lifted)")
    assert "welcome in Lightwork again" in (await inbox(chat, ann))[-1]
    assert "sun" in await ann.says("/next") or ann.refused is None


async def test_what_is_pending_for_somebody_shut_out_is_not_sent(chat: Chat) -> None:
    olga, ann = await chat.member("Olive", "coordinator"), await chat.member("Ann")
    with chat.writing() as session:
        make_project(session, ("sun",), ("Good", "Bad"))
        worker = session.scalars(select(Worker).where(Worker.name == "Ann")).one()
        owe(
            session,
            worker_id=worker.id,
            workspace_id=1,
            kind="offer",
            params={"project_id": 1},
            dedupe_key="offer",
            now=now(),
        )
    await opens(chat, olga, "Ann")
    await olga.taps("Pause")
    assert all("There is work" not in one for one in await inbox(chat, ann))


async def test_only_who_stands_above_may_act_and_nobody_on_themselves(chat: Chat) -> None:
    olga, otto = await chat.member("Olga", "owner"), await chat.member("Otto", "coordinator")
    carl = await chat.member("Carl", "coordinator")
    for name in ("Olga", "Carl", "Otto"):
        await opens(chat, otto, name)
        assert otto.buttons() == ["Back"], name
        for act in ("suspend", "ban-sure", "reask-sure"):
            await otto.taps_payload(f"mact.{member_id(chat, name)}.{act}.0")
            assert otto.refused in ("member_above", "member_self")
        await otto.taps_payload(f"mrole.{member_id(chat, name)}.worker.0")
        assert otto.refused in ("member_above", "member_self")
    await opens(chat, olga, "Carl")
    await olga.taps("Pause")
    assert "has paused" in await carl.says("/workers")
    await olga.taps_payload(f"mact.{member_id(chat, 'Olga')}.ban-sure.0")
    assert olga.refused == "member_self"
    for forged in ("mact", "mact.x.ban-sure.0", f"mact.{member_id(chat, 'Carl')}.dance.0", "mrole.x.owner.0"):
        await olga.taps_payload(forged)
        assert olga.refused in ("unknown_button", "member_unknown")


async def test_two_coordinators_at_once_do_not_surprise_each_other(chat: Chat) -> None:
    olga, otto = await chat.member("Olga", "owner"), await chat.member("Otto", "coordinator")
    await chat.member("Ann")
    await opens(chat, olga, "Ann")
    await opens(chat, otto, "Ann")
    await olga.taps("Pause")
    assert "how it is already" in await otto.taps("Pause")


async def test_ban_and_ask_again_runs_in_the_background(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ("sun", "rain"), ("Good", "Bad"), min_overlap=1, max_overlap=1)
    olga, ann, bob = await chat.member("Olive", "coordinator"), await chat.member("Ann"), await chat.member("Bob")
    await ann.says("/next")
    await ann.taps("Good")
    await opens(chat, olga, "Ann")
    assert "ask again what they alone decided" in await olga.taps("Ban and ask again")
    sure = olga.button("Yes, ask again").payload
    assert "I will tell you what comes of it" in await olga.taps("Yes, ask again")
    assert "on its way already" in await olga.taps_payload(sure)
    with chat.writing() as session:
        (job,) = unfinished_recollections(session)
    runtime = Runtime(chat.settings, chat.engine, chat.redis, chat.run_effects)
    recollect(runtime, int(job.args[0]), int(job.args[1]), now)
    assert "1 answer by Ann is rejected" in (await inbox(chat, olga))[-1]
    texts = [await bob.says("/next"), await bob.taps("Good")]
    assert "sun" in "".join(texts), "somebody else is asked"
    assert "had asked again what Ann alone decided" in await olga.says("/log")


async def test_messages_owed_make_no_sense_after_the_state_has_moved_on(chat: Chat) -> None:
    olga, ann = await chat.member("Olga", "owner"), await chat.member("Ann")
    await opens(chat, olga, "Ann")
    await olga.taps("Pause")
    await olga.taps("Resume")
    told = await inbox(chat, ann)
    assert sum("has paused your work" in one for one in told) == 0
    assert sum("can go on" in one for one in told) == 1
    with chat.writing() as session:
        assert set(session.scalars(select(OutboxMessage.state))) == {"sent", "expired"}
