"""People of a workspace in its coordinators' chats: the list, pause, ban, roles, invites, communities, the log."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from bot.texts import knows
from core.clock import now
from core.models import (
    Assignment,
    Identity,
    Invite,
    LogEntry,
    Membership,
    OutboxMessage,
    Participation,
    Skill,
    Worker,
    Workspace,
)
from core.recollection import recollect, unfinished_recollections
from core.runtime import Runtime
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone

DAY = timedelta(days=1)


def member_id(chat: Chat, name: str) -> str:
    with chat.writing() as session:
        return session.scalars(select(Worker.public_id).where(Worker.name == name)).one()


def status(chat: Chat, name: str) -> str:
    with chat.writing() as session:
        found = select(Membership.status).join(Worker, Worker.id == Membership.worker_id).where(Worker.name == name)
        return session.scalars(found).one()


async def opens(chat: Chat, coordinator: Someone, name: str) -> str:
    """The card of a person."""
    return await coordinator.taps_payload(f"member.{member_id(chat, name)}..0")


async def inbox(chat: Chat, person: Someone) -> list[str]:
    await chat.deliver()
    return [message.plain() for address, message in chat.surface.sent if address == person.person.address]


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


# --- pause, ban


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
        from core.outbox import owe

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


# --- invites


async def test_invites_by_button_with_expiry_and_every_way_in(chat: Chat) -> None:
    otto = await chat.member("Otto", "coordinator")
    assert "Whom do you want to invite?" in await otto.says("/invite")
    assert otto.buttons() == ["20 workers", "5 experts", "1 coordinator"]
    heard = await otto.taps("5 experts")
    assert "Invite as expert, for 5 in all" in heard
    assert re.search(r"http://\S+/join/[a-z2-7]{16}$", heard), "the only way in there is"
    chat.settings.telegram_bot_token = SecretStr("1:x")
    chat.settings.telegram_bot_name = "label_bot"
    chat.settings.slack_bot_token = SecretStr("xoxb-1")
    chat.settings.web_origin = "https://label.example.org"
    heard = await otto.says("/invite worker 20 3d")
    code = re.findall(r"https://t\.me/label_bot\?start=([a-z2-7]{16})", heard)[0]
    assert f"In Slack: /lightwork join {code}" in heard
    assert f"https://label.example.org/join/{code}" in heard
    with chat.writing() as session:
        invite = session.scalars(select(Invite).order_by(Invite.id.desc())).first()
        assert invite is not None
        assert (invite.role, invite.max_uses) == ("worker", 20)
        assert timedelta(days=2, hours=23) < invite.expires_at - now() <= timedelta(days=3)
    chat.settings.telegram_bot_name, chat.settings.web_origin = "", "http://127.0.0.1:8080"
    heard = await otto.says("/invite worker 1")
    assert "In Telegram, send the bot: /start" in heard
    assert "/join/" not in heard, "nobody else reaches this machine's own address"
    ann = chat.someone("Ann")
    assert "Lightwork" in await ann.says(f"/start {code}")


async def test_invites_that_cannot_be_are_refused_with_a_sentence(chat: Chat) -> None:
    otto = await chat.member("Otto", "coordinator")
    assert "That takes the role of" in await otto.says("/invite owner 1")
    for wrong in ("emperor 1", "worker 1 2", "worker x", "worker 3d 4d", "20 worker", "worker -3", "worker ²"):
        await otto.says(f"/invite {wrong}")
        assert otto.refused == "bad_invite", wrong
    for wrong in ("worker 1 0d", "worker 1 91d", "worker 1 9999w"):
        await otto.says(f"/invite {wrong}")
        assert otto.refused == "invite_length", wrong
    await otto.says("/invite worker 0")
    assert otto.refused == "invite_limit"
    for forged in ("invite..owner-1.0", "invite..worker-9999.0", "invite..x.0"):
        await otto.taps_payload(forged)
        assert otto.refused == "bad_invite"


# --- communities


async def test_an_owner_makes_another_community_and_goes_back(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ("sun",), ("Good", "Bad"))
    olga = await chat.member("Olive", "owner")
    assert "the only one" in await olga.says("/workspace")
    assert "You own “Bird watchers” now" in await olga.says("/workspace new  Bird   watchers")
    assert "1 member" in await olga.says("/workers")
    assert "no open job" in await olga.says("/next")
    assert "It is called “Birds” now" in await olga.says("/workspace rename Birds")
    assert "You are in “Birds”, as owner." in await olga.says("/workspace")
    assert olga.buttons() == ["Lightwork"]
    back = olga.button("Lightwork").payload
    assert "You are in “Lightwork” now, as owner." in await olga.taps("Lightwork")
    assert "sun" in await olga.says("/next")
    assert "Birds" not in await olga.says("/log"), "what was done there is not shown here"
    await olga.taps_payload(back)
    assert olga.refused is None, "a second tap changes nothing"


async def test_switching_gives_back_what_was_held(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ("sun",), ("Good", "Bad"))
    olga = await chat.member("Olive", "owner")
    await olga.says("/next")
    await olga.says("/workspace new Birds")
    with chat.writing() as session:
        assert session.scalars(select(Assignment.state)).one() == "released"
        assert session.scalars(select(Participation.state)).one() == "away"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("new", "workspace_how"),
        ("rename   ", "workspace_how"),
        ("dance", "workspace_how"),
        (f"new {'x' * 61}", "workspace_name_long"),
    ],
)
async def test_communities_without_a_proper_name_are_refused(chat: Chat, said: str, code: str) -> None:
    olga = await chat.member("Olga", "owner")
    await olga.says(f"/workspace {said}")
    assert olga.refused == code


async def test_who_may_make_and_rename_communities(chat: Chat) -> None:
    otto = await chat.member("Otto", "coordinator")
    for said in ("new Birds", "rename Birds"):
        await otto.says(f"/workspace {said}")
        assert otto.refused == "needs_role"
    slack = chat.someone("Sue")
    slack.person = replace(slack.person, surface="slack", tenant="T1")
    await slack.says(f"/start {chat.invite('owner')}")
    assert "In Slack there is one community" in await slack.says("/workspace new Birds")


async def test_communities_of_others_are_not_to_be_had(chat: Chat) -> None:
    ann = await chat.member("Ann")
    with chat.writing() as session:
        other = Workspace(name="Secret", created_at=now())
        session.add(other)
        session.flush()
        public_id = other.public_id
    for forged in (public_id, "x", ""):
        heard = await ann.taps_payload(f"inws.{forged}..0")
        assert ann.refused == "workspace_unknown"
        assert "Secret" not in heard


# --- the log


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


async def test_the_log_names_nobody_who_erased_their_account(chat: Chat) -> None:
    olga, eve = await chat.member("Olga", "owner"), await chat.member("Evelyn", "expert")
    assert "Evelyn joined as expert" in await olga.says("/log")
    await eve.says("/forget")
    await eve.taps("Erase my account")
    heard = await olga.says("/log")
    assert "Somebody who has left erased an account" in heard
    assert "Somebody who has left joined as expert" in heard
    assert "Evelyn" not in heard
