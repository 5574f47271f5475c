"""From bad answers to a flag, to a pause, to an appeal, to the end of it: as the people see it."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from core.clock import now
from core.forgetting import forget
from core.models import Annotation, Assignment, Gold, LogEntry, OutboxMessage, Participation, Project, Worker
from core.recollection import recollect, unfinished_recollections
from tests.factories import items_of
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import inbox
from tests.integration.dialogues.members import outsider, status
from tests.integration.dialogues.spammers import (
    HONEST,
    ITEMS,
    check,
    crowd_at_work,
    flags_of,
    make_job,
    restriction_of,
    runtime_of,
    score,
    works,
)


def count(chat: Chat, name: str, state: str) -> int:
    """Somebody's annotations in one state."""
    with chat.writing() as session:
        found = select(func.count()).select_from(Annotation).join(Worker, Worker.id == Annotation.worker_id)
        return session.scalar(found.where(Worker.name == name, Annotation.state == state)) or 0


def recollect_all(chat: Chat) -> int:
    """Carry out all orders of recollection; returns how many there were."""
    with chat.writing() as session:
        jobs = unfinished_recollections(session)
    for job in jobs:
        workspace_id, worker_id, *rest = (int(argument) for argument in job.args)
        recollect(runtime_of(chat), workspace_id, worker_id, now, *rest)
    return len(jobs)


def send_digests(chat: Chat) -> None:
    """Let the time pass that a digest waits."""
    with chat.writing() as session:
        for message in session.scalars(select(OutboxMessage).where(OutboxMessage.state == "pending")):
            message.not_before = now()


async def test_the_whole_story_from_a_pause_to_an_appeal_that_is_heard(chat: Chat) -> None:
    make_job(chat, one_label="pause", gold="none")
    olga = await chat.member("Olive", "coordinator")
    sam = (await crowd_at_work(chat))["Sam"]
    assert score(chat) >= 1
    assert restriction_of(chat, "Sam") == "paused"
    assert [flags_of(chat, name) for name in HONEST] == [[], [], []]
    check(chat)

    told = [one for one in await inbox(chat, sam) if "paused" in one]
    assert len(told) == 1
    assert "You are paused in “Numbers”: nearly all answers are the same label." in told[0]
    assert "you are paused" in await sam.says("/jobs")
    assert "You are paused in “Numbers”" in await sam.says("/stats")
    assert sam.buttons() == ["I disagree"]

    assert "What should the coordinator of “Numbers” know?" in await sam.taps("I disagree")
    assert "empty" in await sam.says(" ")
    assert "at most 500" in await sam.says("x" * 501)
    assert "Thank you" in await sam.says("I thought only odd ones count.")
    assert "You disagree" in await sam.says("/stats")
    disagreeing = f"appeal.{flags_of(chat, 'Sam')[0].public_id}..0"
    assert "already" in await sam.taps_payload(disagreeing), "once for each flag"

    assert any("Sam disagrees" in one and "only odd ones count" in one for one in await inbox(chat, olga))
    heard = await olga.says("/flags")
    assert "waits for a look" in heard or "wait for a look" in heard
    heard = await olga.taps("Sam · always one label")
    assert f"Said “Odd” {ITEMS} times out of {ITEMS}" in heard
    assert "They say: “I thought only odd ones count.”" in heard
    assert "→ Odd (decided: Even)" in heard
    assert "What do you want to say" in await olga.taps("Write an answer")
    assert "I see, that was unclear." in await olga.says("I see, that was unclear.")
    lift = olga.button("It is fine: lift").payload
    assert "✓ Lifted" in await olga.taps("It is fine: lift")
    assert "That is decided already" in await olga.taps_payload(lift), "a second tap"
    assert olga.buttons() == ["Back"]
    assert restriction_of(chat, "Sam") == ""
    assert "I see, that was unclear." in (await inbox(chat, sam))[-1]
    assert "lifted already" in await sam.taps_payload(disagreeing)
    assert score(chat) == 0, "the same evidence does not flag again"
    assert "lifted a flag" in await olga.says("/log")
    check(chat)


async def test_a_lifted_flag_says_what_is_true_now(chat: Chat) -> None:
    make_job(chat, one_label="pause", gold="pause")
    olga = await chat.member("Olive", "coordinator")
    await crowd_at_work(chat)
    assert score(chat) == 2, "always one label, and like guessing"
    await olga.says("/flags")
    await olga.taps("Sam · like guessing")
    heard = await olga.taps("It is fine: lift")
    assert "It was lifted: nothing that followed from it holds any more." in heard
    assert "They are still paused in this job because of something else." in heard
    assert "They are paused in this job." not in heard
    await olga.taps("Back")
    await olga.taps("Sam · always one label")
    heard = await olga.taps("It is fine: lift")
    assert "paused in this job" not in heard
    assert restriction_of(chat, "Sam") == ""


async def test_like_guessing_says_what_honest_work_would_be(chat: Chat) -> None:
    make_job(chat, one_label="none", gold="none")
    olga = await chat.member("Olive", "coordinator")
    await crowd_at_work(chat)
    score(chat)
    await olga.says("/flags")
    heard = await olga.taps("Sam · like guessing")
    assert f"Agrees with the others on 18 of {ITEMS} items. Guessing would give about 18." in heard
    found = re.search(rf"Honest work would agree on about (\d+) of {ITEMS}\.", heard)
    assert found is not None
    assert int(found[1]) > 30


async def test_answers_to_known_items_are_shown_with_the_known_label(chat: Chat) -> None:
    make_job(chat, one_label="none", gold="none")
    olga = await chat.member("Olive", "coordinator")
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        for number, item in enumerate(items_of(session, project.id)[:30]):
            known = "a" if number % 2 else "b"
            session.add(Gold(project_id=project.id, item_id=item.id, label_id=known, source="column", created_at=now()))
    await crowd_at_work(chat)
    score(chat)
    await olga.says("/flags")
    heard = await olga.taps("Sam · like guessing")
    assert "Right on 15 of 30 items whose answer is known." in heard
    assert "Honest work would be right on about 30 of 30." in heard
    sample = heard.split("Some of the answers:")[1]
    assert sample.count("→ Odd (known: Even)") == 5, "those first that are not what is known"


async def test_the_way_back_leads_to_where_one_came_from(chat: Chat) -> None:
    job = make_job(chat, one_label="none", gold="none")
    olga = await chat.member("Olive", "coordinator")
    await crowd_at_work(chat)
    score(chat)
    assert "“Numbers”" in await olga.says("/flags")
    await olga.taps("Sam · always one label")
    await olga.taps("Uphold")
    assert "“Numbers” · always one label" in await olga.taps("Back"), "of all jobs, so each is named"
    assert "“Numbers”" not in await olga.says(f"/flags {job}")
    await olga.taps("Sam · like guessing")
    await olga.taps("Ban")
    await olga.taps("Back")
    assert "“Numbers”" not in await olga.taps("Back"), "of one job"


async def test_the_way_back_leads_to_the_page_one_came_from(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.flags.PAGE", 1)
    job = make_job(chat, one_label="none", gold="none")
    olga = await chat.member("Olive", "coordinator")
    await crowd_at_work(chat)
    score(chat)
    for asked in ("/flags", f"/flags {job}"):
        await olga.says(asked)
        second = await olga.taps("›")
        assert "page 2 of 2" in second
        await olga.taps("Sam · ")
        await olga.taps("Ban")
        await olga.taps("Back")
        assert await olga.taps("Back") == second
    await olga.taps("Sam · ")
    await olga.taps("Uphold")
    assert "page 2 of 2" in await olga.taps("Back"), "after a decision, too"
    assert "page 1 of 2" in await olga.taps_payload("flags...0"), "a button from before"


async def test_what_they_alone_decided_is_asked_again_and_a_lifted_pause_gives_the_credit_back(chat: Chat) -> None:
    make_job(chat, one_label="pause", gold="none")
    olga = await chat.member("Olive", "coordinator")
    sam = (await crowd_at_work(chat))["Sam"]
    assert score(chat) >= 1
    assert recollect_all(chat) == 1
    assert recollect_all(chat) == 0
    rejected = count(chat, "Sam", "rejected")
    assert rejected == ITEMS, "without Sam each item has fewer answers than the job wants"
    check(chat)
    dora = await chat.member("Dora")
    assert await works(dora) == ITEMS, "somebody else is asked"
    check(chat)
    await olga.says("/flags")
    await olga.taps("Sam · always one label")
    await olga.taps("It is fine: lift")
    assert (count(chat, "Sam", "rejected"), count(chat, "Sam", "surplus")) == (0, rejected)
    check(chat)
    await sam.says("/next")
    assert sam.refused is None


async def test_a_lease_in_hand_goes_back_at_once_and_nothing_new_is_handed_out(chat: Chat) -> None:
    make_job(chat, one_label="pause", gold="none")
    people = {name: await chat.member(name) for name in (*HONEST, "Sam")}
    for person in people.values():
        await works(person, "Odd" if person is people["Sam"] else "", at_most=24)
    await people["Sam"].says("/next")
    assert score(chat) >= 1
    with chat.writing() as session:
        sam_id = session.scalars(select(Worker.id).where(Worker.name == "Sam")).one()
        active = select(func.count()).where(Assignment.worker_id == sam_id, Assignment.state == "active")
        assert session.scalar(active) == 0
        assert session.scalars(select(Participation.state).where(Participation.worker_id == sam_id)).one() == "away"
    check(chat)
    heard = await people["Sam"].says("/next")
    assert "You are paused in “Numbers”" in heard
    assert await works(people["Ann"]) == ITEMS - 24


async def test_a_coordinator_upholds_pauses_and_bans_and_a_ban_is_asked_about(chat: Chat) -> None:
    make_job(chat, one_label="warn", gold="none")
    olga = await chat.member("Olive", "coordinator")
    sam = (await crowd_at_work(chat))["Sam"]
    score(chat)
    await inbox(chat, sam)
    await olga.says("/flags")
    await olga.taps("Sam · always one label")
    assert olga.buttons() == ["It is fine: lift", "Uphold", "Pause", "Ban", "Back"]
    assert "✓ Upheld" in await olga.taps("Uphold")
    assert "Uphold" not in olga.buttons()
    assert "✓ Paused in this job" in await olga.taps("Pause")
    assert restriction_of(chat, "Sam") == "paused"
    assert "You are paused in “Numbers”" in (await inbox(chat, sam))[-1]
    assert "Ban Sam?" in await olga.taps("Ban")
    assert status(chat, "Sam") == "active"
    await olga.taps("Back")
    await olga.taps("Ban")
    assert "✓ Banned" in await olga.taps("Yes, ban")
    assert status(chat, "Sam") == "banned"
    check(chat)


async def test_new_flags_come_as_one_digest_and_not_as_a_flood(chat: Chat) -> None:
    make_job(chat, one_label="gold", gold="gold")
    olga = await chat.member("Olive", "coordinator")
    await crowd_at_work(chat)
    score(chat)
    assert [one for one in await inbox(chat, olga) if "needs a look" in one] == [], "it waits for more"
    send_digests(chat)
    told = [one for one in await inbox(chat, olga) if "needs a look" in one]
    assert len(told) == 1
    assert "1 person in “Numbers” needs a look: Sam." in told[0]
    with chat.writing() as session:
        entries = session.scalars(select(LogEntry.act)).all()
    assert "flag" in entries


async def test_only_coordinators_of_this_workspace_see_and_decide(chat: Chat) -> None:
    job = make_job(chat, one_label="pause", gold="none")
    people = await crowd_at_work(chat)
    score(chat)
    flag = flags_of(chat, "Sam")[0].public_id
    ann = people["Ann"]
    await ann.says("/flags")
    assert ann.refused == "unknown_command"
    for payload in (
        "flags...0",
        f"flag.{flag}..0",
        f"flagdo.{flag}.lift.0",
        f"rules.{job}..0",
        f"rule.{job}.fast-ban.0",
        f"rule.{job}.fast-sure.0",
    ):
        await ann.taps_payload(payload)
        assert ann.refused == "unknown_button"
    await ann.taps_payload(f"appeal.{flag}..0")
    assert ann.refused == "appeal_unknown", "it is not hers"
    eve = await outsider(chat, "Eve", "owner")
    assert "Nothing looks wrong" in await eve.says("/flags")
    for payload in (f"flag.{flag}..0", f"flagdo.{flag}.lift.0", f"flagdo.{flag}.answer.0", f"flagdo.{flag}.ban.0"):
        await eve.taps_payload(payload)
        assert eve.refused == "flag_unknown"
    await eve.taps_payload(f"rule.{job}.fast-ban.0")
    assert eve.refused == "project_unknown"
    assert restriction_of(chat, "Sam") == "paused"


async def test_who_is_erased_takes_their_words_along_and_leaves_the_list(chat: Chat) -> None:
    make_job(chat, one_label="pause", gold="none")
    olga = await chat.member("Olive", "coordinator")
    sam = (await crowd_at_work(chat))["Sam"]
    score(chat)
    flag = flags_of(chat, "Sam")[0]
    await sam.taps_payload(f"appeal.{flag.public_id}..0")
    await sam.says("My name is Sam.")
    with chat.writing() as session:
        forget(session, flag.worker_id, now())
    (left,) = [one for one in flags_of(chat, "") if one.kind == "one_label"]
    assert left.appeal == ""
    assert "Nothing looks wrong" in await olga.says("/flags")
    await olga.taps_payload(f"flagdo.{flag.public_id}.lift.0")
    assert olga.refused == "flag_unknown"
    assert score(chat) == 0
    check(chat)
