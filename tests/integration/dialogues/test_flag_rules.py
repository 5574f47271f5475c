"""What rules about bad answers do by themselves, and how a coordinator sets them."""

from __future__ import annotations

from sqlalchemy import select

from core.models import Membership, Worker
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import inbox
from tests.integration.dialogues.members import status
from tests.integration.dialogues.spammers import check, crowd_at_work, flags_of, make_job, restriction_of, score


async def test_a_warning_is_friendly_comes_once_and_changes_nothing_else(chat: Chat) -> None:
    make_job(chat, one_label="warn", gold="none")
    sam = (await crowd_at_work(chat))["Sam"]
    score(chat)
    assert restriction_of(chat, "Sam") == "warned"
    assert score(chat) == 0
    told = [one for one in await inbox(chat, sam) if "A note about “Numbers”" in one]
    assert len(told) == 1
    (sent,) = (message for _, message in chat.surface.sent if "A note about" in message.plain())
    assert [button.text for row in sent.buttons for button in row] == ["Next item", "I disagree"]


async def test_who_is_watched_does_not_know(chat: Chat) -> None:
    make_job(chat, one_label="gold", gold="none")
    sam = (await crowd_at_work(chat))["Sam"]
    score(chat)
    assert restriction_of(chat, "Sam") == "watched"
    assert [one for one in await inbox(chat, sam) if "Numbers" in one and "need" not in one] == []
    flag = flags_of(chat, "Sam")[0].public_id
    assert "nothing of yours" in await sam.taps_payload(f"appeal.{flag}..0")
    assert "Numbers" not in "".join(one for one in (await sam.says("/stats")).splitlines() if "paused" in one)


async def test_rules_are_changed_by_tapping_and_nothing_follows_where_nothing_shall(chat: Chat) -> None:
    job = make_job(chat, one_label="none", gold="none")
    olga = await chat.member("Olive", "coordinator")
    heard = await olga.taps_payload(f"rules.{job}..0")
    assert "Somebody always gives the same label" in heard
    for tap, after in (("Warn them", "warned"), ("More checks", "more checks"), ("Pause", "paused")):
        await olga.taps("always one label")
        tapped = olga.button(tap).payload
        await olga.taps(tap)
        assert f"always one label: {after}" in olga.buttons()
        await olga.taps_payload(tapped)
        assert f"always one label: {after}" in olga.buttons(), "a second tap leads nowhere else"
    await olga.taps("always one label")
    assert olga.buttons() == ["Nothing", "Warn them", "More checks", "✓ Pause in this job", "Ban from all jobs", "Back"]
    await olga.taps("Nothing")
    assert "always one label: nothing" in olga.buttons()
    forgeries = ("rule.{}.dance-pause.0", "rule.{}.fast-dance.0", "rule.{}.fast.0", "rules.{}.dance.0")
    for forged in (one.format(job) for one in forgeries):
        await olga.taps_payload(forged)
        assert olga.refused == "unknown_button"
    await crowd_at_work(chat)
    assert score(chat) >= 1
    assert {flag.action for flag in flags_of(chat, "Sam") if flag.kind == "one_label"} == {"none"}
    assert restriction_of(chat, "Sam") == ""
    assert "nothing" in await olga.says("/flags")


async def test_a_rule_bans_only_after_a_second_look(chat: Chat) -> None:
    job = make_job(chat)
    olga = await chat.member("Olive", "coordinator")
    await olga.taps_payload(f"rules.{job}..0")
    await olga.taps("too fast")
    assert "Ban whoever this is found of?" in await olga.taps("Ban from all jobs")
    assert olga.buttons() == ["Yes, ban", "Back"]
    await olga.taps("Back")
    assert "✓ More checks" in olga.buttons(), "nothing has changed"
    await olga.taps("Ban from all jobs")
    await olga.taps("Yes, ban")
    assert "too fast: banned" in olga.buttons()
    await olga.taps("too fast")
    await olga.taps("✓ Ban")
    assert "too fast: banned" in olga.buttons(), "what holds already is not asked about"


async def test_a_ban_by_rule_needs_a_rule_and_is_lifted_with_its_flag(chat: Chat) -> None:
    make_job(chat, one_label="ban", gold="none")
    olga = await chat.member("Olive", "coordinator")
    await crowd_at_work(chat)
    score(chat)
    assert status(chat, "Sam") == "banned"
    check(chat)
    await olga.says("/flags")
    await olga.taps("Sam · always one label")
    assert "✓ Lifted" in await olga.taps("It is fine: lift")
    assert status(chat, "Sam") == "active"
    assert restriction_of(chat, "Sam") == ""


async def test_who_runs_the_workspace_is_not_judged_by_its_rules(chat: Chat) -> None:
    make_job(chat, one_label="pause", gold="pause")
    await crowd_at_work(chat)
    with chat.writing() as session:
        sam_id = session.scalars(select(Worker.id).where(Worker.name == "Sam")).one()
        session.scalars(select(Membership).where(Membership.worker_id == sam_id)).one().role = "coordinator"
    assert score(chat) == 0
    assert flags_of(chat, "Sam") == []
