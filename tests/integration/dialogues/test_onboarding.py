"""Joining: an invite, consent, what one chooses for oneself, and the first item within three taps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core.clock import now
from core.enrolment import CONSENT_VERSION
from core.leases import active_lease
from core.models import (
    Assignment,
    Identity,
    Invite,
    Item,
    Membership,
    OutboxMessage,
    Participation,
    Worker,
    Workspace,
)
from core.offers import offer_work
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.work import change, post

GUIDELINES = "Good means that you would go out.\n\nExample: “sun all day” is Good."


def membership_of(chat: Chat, person: Someone) -> Membership | None:
    """The membership of somebody, as it is stored."""
    with chat.writing() as session:
        mine = select(Membership).join(Identity, Identity.worker_id == Membership.worker_id)
        return session.scalars(mine.where(Identity.external_id == person.person.external_id)).first()


def worker_of(chat: Chat, person: Someone) -> Worker:
    """The worker behind an account."""
    with chat.writing() as session:
        mine = select(Worker).join(Identity, Identity.worker_id == Worker.id)
        return session.scalars(mine.where(Identity.external_id == person.person.external_id)).one()


def count(chat: Chat, table: type) -> int:
    """How many rows a table has."""
    with chat.writing() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def outdate(chat: Chat) -> None:
    """Everybody agreed to an earlier wording."""
    with chat.writing() as session:
        session.execute(update(Membership).values(consent_version=CONSENT_VERSION - 1))


async def newcomer(chat: Chat, name: str = "Ann", role: str = "worker") -> Someone:
    """Somebody who has opened their invite and not answered yet."""
    person = chat.someone(name)
    await person.says(f"/start {chat.invite(role)}")
    return person


async def test_the_first_item_comes_within_three_taps(chat: Chat) -> None:
    post(chat, guidelines=GUIDELINES)
    ann = chat.someone("Ann")
    assert "not a member" in await ann.says("hello")
    heard = await ann.says(f"/start {chat.invite('worker')}")
    assert heard.startswith("Welcome to Lightwork!")
    for told in ("your name", "your answers", "coordinators of Lightwork", "random pseudonym", "/forget", "Version 2"):
        assert told in heard
    assert ann.buttons() == ["I agree", "No, thanks", "中文"]
    heard = await ann.taps("I agree")
    assert heard.startswith("(Thank you!)\nAbout you")
    assert "You read: English." in heard
    assert "Quiet hours: none." in heard
    heard = await ann.taps("Start")
    assert heard.startswith("Before your first item")
    assert GUIDELINES in heard
    heard = await ann.taps("Show me the first item")
    assert "Is it?\n\nsun" in heard


async def test_without_guidelines_the_second_tap_shows_the_first_item(chat: Chat) -> None:
    post(chat)
    ann = await newcomer(chat)
    await ann.taps("I agree")
    assert "sun" in await ann.taps("Start")


async def test_guidelines_are_shown_once_and_again_only_where_they_changed(chat: Chat) -> None:
    project_id = post(chat, guidelines=GUIDELINES)
    ann = await chat.member("Ann")
    assert GUIDELINES in await ann.taps("Start")
    assert "sun" in await ann.taps_payload("begin...0")
    await ann.says("/pause")
    await ann.says("/resume")
    assert "Before your first item" not in await ann.taps("Start"), "they have been seen"
    change(chat, project_id, guidelines="Now other rules.", guidelines_version=2)
    assert "sun" in await ann.taps_payload("begin...0"), "they hold an item: that comes first"
    await ann.says("/pause")
    await ann.says("/resume")
    assert "Now other rules." in await ann.taps("Start")


async def test_long_guidelines_come_whole_in_several_messages(chat: Chat) -> None:
    rules = "\n".join(f"Rule {number}: look twice before you tap." for number in range(200))
    post(chat, guidelines=rules)
    ann = await chat.member("Ann")
    heard = await ann.taps("Start")
    assert all(f"Rule {number}:" in heard for number in range(200))
    assert ann.buttons() == ["Show me the first item"]


async def test_guidelines_of_a_job_that_is_not_for_me_are_not_shown(chat: Chat) -> None:
    post(chat, "only for experts", guidelines=GUIDELINES, audience="experts")
    post(chat, "for all")
    ann = await chat.member("Ann")
    assert "for all" in await ann.taps("Start")


async def test_start_where_there_is_nothing_says_so(chat: Chat) -> None:
    ann = await chat.member("Ann")
    assert "no open job" in await ann.taps("Start")


@pytest.mark.parametrize("role", ["worker", "expert"])
async def test_nothing_is_answered_before_they_agree(chat: Chat, role: str) -> None:
    post(chat)
    ann = await newcomer(chat, role=role)
    for said in ("/next", "/stats", "/pause", "/quiet 22-8", "/start", "hello", "/nonsense", "/settle"):
        assert "Is that all right with you?" in await ann.says(said), said
    for payload in ("next...0", "begin...0", "about...0", "nonsense", "answer.aaaaaaaaaaaaaaaa.a.1"):
        assert "Is that all right with you?" in await ann.taps_payload(payload), payload
    assert count(chat, Assignment) == 0
    assert worker_of(chat, ann).quiet_from is None
    stored = membership_of(chat, ann)
    assert stored is not None
    assert (stored.consented_at, stored.consent_version) == (None, None)


async def test_before_they_agree_they_may_ask_for_help_language_and_erasure(chat: Chat) -> None:
    ann = await newcomer(chat)
    assert {entry.name for entry in ann.menu} == {"help", "language", "forget"}
    assert "/help" in await ann.says("/help")
    assert "你同意吗" in await ann.taps_payload("locale..zh.0")
    assert ann.buttons() == ["同意", "不了，谢谢", "English"]
    assert "Is that all right" in await ann.taps_payload("locale..en.0")
    await ann.taps_payload("locale..tlh.0")
    assert ann.refused == "unknown_button"
    await ann.says("/language 中文")
    assert worker_of(chat, ann).locale == "zh"
    await ann.says("/forget")
    assert ann.refused is None


async def test_what_they_agreed_to_is_kept_with_its_version_and_a_second_tap_changes_nothing(chat: Chat) -> None:
    ann = await newcomer(chat)
    await ann.taps("I agree")
    first = membership_of(chat, ann)
    assert first is not None
    assert first.consented_at is not None
    assert first.consent_version == CONSENT_VERSION
    assert "About you" in await ann.taps_payload("agree...0")
    second = membership_of(chat, ann)
    assert second is not None
    assert second.consented_at == first.consented_at
    assert {"next", "stats", "pause"} <= {entry.name for entry in ann.menu}


async def test_no_thanks_ends_it_and_nothing_of_them_is_kept(chat: Chat) -> None:
    post(chat)
    code = chat.invite("worker")
    ann = chat.someone("Ann")
    await ann.says(f"/start {code}")
    assert "you are not a member of Lightwork" in await ann.taps("No, thanks")
    assert ann.menu == ()
    with chat.writing() as session:
        assert session.scalars(select(Identity.external_id).where(Identity.external_id == "ann")).all() == []
    with chat.writing() as session:
        assert session.scalars(select(Worker.name).where(Worker.name == "Ann")).all() == []
    assert "not a member" in await ann.taps_payload("decline...0")
    assert "not a member" in await ann.says("/next")
    assert "Is that all right" in await ann.says(f"/start {code}"), "the use of the invite was given back"
    await ann.taps("I agree")
    assert "sun" in await ann.taps("Start")
    assert "used up" in await chat.someone("Bob").says(f"/start {code}")


async def test_an_invite_opened_twice_gives_back_one_use(chat: Chat) -> None:
    code = chat.invite("worker", 2)
    ann = chat.someone("Ann")
    await ann.says(f"/start {code}")
    await ann.says(f"/start {code}")
    await ann.taps("No, thanks")
    with chat.writing() as session:
        assert session.scalars(select(Invite.uses)).all() == [0]


async def test_who_has_agreed_cannot_say_no_by_an_old_button(chat: Chat) -> None:
    ann = await newcomer(chat)
    old = ann.button("No, thanks").payload
    await ann.taps("I agree")
    assert "agreed already" in await ann.taps_payload(old)
    assert membership_of(chat, ann) is not None


async def test_no_to_a_second_workspace_leads_back_to_the_first(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    with chat.writing() as session:
        from core.enrolment import create_invite

        there = Workspace(name="There", created_at=now())
        session.add(there)
        session.flush()
        code = create_invite(session, there.id, "worker", 1, now())
    assert "Welcome to There" in await ann.says(f"/start {code}")
    assert "not a member of There" in await ann.taps("No, thanks")
    assert "sun" in await ann.says("/next")
    assert worker_of(chat, ann).name == "Ann"


async def test_a_new_wording_asks_everybody_again_and_an_item_in_hand_waits(chat: Chat) -> None:
    post(chat)
    ann, olga = await chat.member("Ann"), await chat.member("Olga", "owner")
    await ann.says("/next")
    answer = ann.button("Good").payload
    outdate(chat)
    assert "Is that all right" in await ann.taps("Good")
    assert "Is that all right" in await olga.says("/status")
    await ann.taps("I agree")
    assert (await ann.taps_payload(answer)).startswith("(✓ Good)")
    await olga.taps("I agree")
    assert "Is that all right" not in await olga.says("/status")


async def test_no_to_a_new_wording_gives_the_item_back_and_keeps_the_answers(chat: Chat) -> None:
    post(chat, "one", "two")
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Good")
    outdate(chat)
    await ann.says("/next")
    await ann.taps("No, thanks")
    with chat.writing() as session:
        items = session.scalars(select(Item).order_by(Item.id)).all()
        assert [(item.submitted, item.leased) for item in items] == [(1, 0), (0, 0)]
    assert membership_of(chat, ann) is None


async def test_the_only_owner_cannot_leave_by_saying_no(chat: Chat) -> None:
    olga = await chat.member("Olga", "owner")
    outdate(chat)
    await olga.says("/status")
    await olga.taps("No, thanks")
    assert olga.refused == "last_owner"
    assert membership_of(chat, olga) is not None


@pytest.mark.parametrize("role", ["coordinator", "owner"])
async def test_who_runs_the_workspace_is_told_the_same_and_asked_nothing(chat: Chat, role: str) -> None:
    olga = chat.someone("Olga")
    heard = await olga.says(f"/start {chat.invite(role)}")
    assert f"Your role here: {role}" in heard
    for told in ("your answers", "random pseudonym", "/forget", "Version 2"):
        assert told in heard
    stored = membership_of(chat, olga)
    assert stored is not None
    assert stored.consent_version == CONSENT_VERSION
    assert "status" in {entry.name for entry in olga.menu}


async def test_nobody_is_offered_work_before_they_agree(chat: Chat) -> None:
    ann = await newcomer(chat)
    project_id = post(chat)
    with chat.writing() as session:
        assert offer_work(session, project_id, now()) == 0
    await ann.taps("I agree")
    with chat.writing() as session:
        session.execute(update(Participation).values(state="idle"))
    with chat.writing() as session:
        assert offer_work(session, project_id, now()) == 1


async def test_the_welcome_is_an_offer_nothing_more_is_sent_until_they_speak(chat: Chat) -> None:
    project_id = post(chat)
    await chat.member("Ann")
    with chat.writing() as session:
        assert offer_work(session, project_id, now()) == 0
        assert session.scalars(select(OutboxMessage)).all() == []


async def test_the_platforms_language_is_spoken_and_read(chat: Chat) -> None:
    wei = chat.someone("Wei")
    wei.person = replace(wei.person, locale="zh-Hans")
    assert "欢迎来到“Lightwork”" in await wei.says(f"/start {chat.invite('worker')}")
    assert "你能读的语言：中文" in await wei.taps("同意")
    assert worker_of(chat, wei).languages == ["zh"]


async def test_where_the_platform_tells_no_language_that_of_the_installation_is_spoken(chat: Chat) -> None:
    chat.settings.default_locale = "zh"
    ann = chat.someone("Ann")
    ann.person = replace(ann.person, locale="")
    assert "欢迎来到“Lightwork”" in await ann.says(f"/start {chat.invite('worker')}")
    assert "不限" in await ann.taps("同意"), "nothing is guessed from it"


async def test_a_role_can_rise_by_another_invite(chat: Chat) -> None:
    ann = await chat.member("Ann")
    assert "already a member" in await ann.says(f"/start {chat.invite('worker')}")
    assert "new role in Lightwork: expert" in await ann.says(f"/start {chat.invite('expert')}")
    assert "settle" in {entry.name for entry in ann.menu}
    assert "Your role here: coordinator" in await ann.says(f"/start {chat.invite('coordinator')}")
    assert "already a member" in await ann.says(f"/start {chat.invite('expert')}"), "no invite takes a role away"


async def test_who_is_banned_gets_a_sentence_for_everything(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    button = ann.button("Good").payload
    with chat.writing() as session:
        session.execute(update(Membership).values(status="banned"))
    for said in ("/next", "/start", "/settings", "/resume", "hello", f"/start {chat.invite('worker')}"):
        assert "can no longer take part" in await ann.says(said), said
        assert ann.refused == "banned"
    for payload in (button, "next...0", "resume...0", "agree...0", "decline...0"):
        await ann.taps_payload(payload)
        assert ann.refused == "banned", payload
    await ann.says("/help")
    assert ann.refused is None
    await ann.says("/forget")
    assert ann.refused is None
    stored = membership_of(chat, ann)
    assert stored is not None
    assert stored.status == "banned"


async def test_an_item_in_hand_is_not_lost_by_opening_the_link_again(chat: Chat) -> None:
    post(chat)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.says(f"/start {chat.invite('worker')}")
    with chat.writing() as session:
        assert active_lease(session, worker_of(chat, ann).id) is not None
    assert "sun" in await ann.taps("Start")


async def test_a_job_of_the_day_before_is_found_by_begin_in_order_of_urgency(chat: Chat) -> None:
    post(chat, "later", guidelines="Later rules.")
    with chat.writing() as session:
        make_project(session, ["urgent"], guidelines="Urgent rules.", priority=1, deadline=now() + timedelta(days=1))
    ann = await chat.member("Ann")
    assert "Urgent rules." in await ann.taps("Start")
    assert "urgent" in await ann.taps("Show me the first item")


@pytest.mark.parametrize(
    "link", ["http://127.0.0.1:8080/join/{code}", "https://t.me/lightwork_bot?start={code}", "  {code} ", "{code}/"]
)
async def test_a_whole_link_is_as_good_as_its_code(chat: Chat, link: str) -> None:
    ann = chat.someone("Ann")
    assert "Is that all right with you?" in await ann.says("/start " + link.format(code=chat.invite("worker")))
    assert "does not exist" in await chat.someone("Ben").says("/start http://127.0.0.1:8080/join/")
