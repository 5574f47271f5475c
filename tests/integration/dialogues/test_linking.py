"""Joining accounts: asked on both sides, refused with a sentence, and one person afterwards."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core.clock import now
from core.models import Annotation, Assignment, Identity, Item, LinkRequest, LogEntry, Membership, Worker
from tests.factories import make_project
from tests.fakes.chat import Chat, FakeSurface, Someone
from tests.invariants import check_redundancy

MINUTES = timedelta(minutes=11)


@pytest.fixture
def platforms(chat: Chat) -> dict[str, FakeSurface]:
    """What is sent to each platform."""
    found = {"web": chat.surface}
    for name in ("telegram", "slack"):
        found[name] = FakeSurface()
        found[name].name = name
    chat.delivery._surfaces = found  # the fixture's chat has the web alone
    return found


def on(chat: Chat, surface: str, name: str) -> Someone:
    """Somebody's account on another platform."""
    someone = chat.someone(name)
    someone.person = replace(someone.person, surface=surface, external_id=f"{surface}-{name}", address=f"at-{name}")
    return someone


async def member_on(chat: Chat, surface: str, name: str, role: str = "worker") -> Someone:
    """A member with an account on another platform."""
    someone = on(chat, surface, name)
    await someone.says(f"/start {chat.invite(role)}")
    await someone.agrees()
    return someone


async def code_of(someone: Someone) -> str:
    heard = await someone.says("/link")
    return str(re.findall(r"/link ([a-z2-7]{16})\n", heard)[0])


async def newest(chat: Chat, surface: FakeSurface, someone: Someone) -> str:
    """What was delivered to an account last; its buttons can be tapped."""
    await chat.deliver()
    sent = [message for address, message in surface.sent if address == someone.person.address]
    someone.card = sent[-1] if sent else None
    return sent[-1].plain() if sent else ""


async def joined(chat: Chat, platforms: dict[str, FakeSurface], first: Someone, second: Someone) -> str:
    """The whole dialogue; returns what the first account heard in the end."""
    await second.says(f"/link {await code_of(first)}")
    assert second.refused is None
    await second.taps("Yes")
    await newest(chat, platforms[first.person.surface], first)
    return await first.taps("Yes, that is me")


def workers(chat: Chat) -> list[int]:
    with chat.writing() as session:
        return list(session.scalars(select(Identity.worker_id).order_by(Identity.id)))


async def test_a_stranger_account_is_joined(chat: Chat, platforms: dict[str, FakeSurface]) -> None:
    ann = await member_on(chat, "telegram", "Ann", "expert")
    heard = await ann.says("/link")
    assert "In Slack: /lightwork link" in heard
    code = re.findall(r"/link ([a-z2-7]{16})\n", heard)[0]
    slack = on(chat, "slack", "Annie")
    assert "Join this account with Ann (Telegram)?" in await slack.says(f"/link {code.upper()}")
    assert "Now confirm it in your other chat: Ann (Telegram)" in await slack.taps("Yes")
    assert "The account Annie on Slack wants to be joined with yours" in await newest(chat, platforms["telegram"], ann)
    assert "Annie (Slack) and this account are one person now" in await ann.taps("Yes, that is me")
    assert "Ann (Telegram) and this account are one person now" in await newest(chat, platforms["slack"], slack)
    assert slack.card is not None
    assert slack.card.menu is not None, "the new account gets its commands"
    assert "settle" in [entry.name for entry in slack.card.menu]
    assert len(workers(chat)) == 2
    assert len(set(workers(chat))) == 1
    assert "Nothing is disputed" in await slack.says("/settle"), "the roles are those of the person"
    with chat.writing() as session:
        assert "link" in set(session.scalars(select(LogEntry.act)))
        left = session.execute(select(LinkRequest.external_id, LinkRequest.address, LinkRequest.name)).one()
        assert tuple(left) == ("", "", ""), "a request that ended names nobody"


async def test_a_worker_with_answers_is_joined_and_sees_nothing_twice(
    chat: Chat, platforms: dict[str, FakeSurface]
) -> None:
    with chat.writing() as session:
        make_project(session, ("sun", "rain", "snow", "fog"), ("Good", "Bad"))
    first, second = await member_on(chat, "telegram", "Ann"), await member_on(chat, "slack", "Annie")
    for person, taps in ((first, ("Good", "Skip")), (second, ("Bad",))):
        await person.says("/next")
        for label in taps:
            await person.taps(label)
            if "Other" in person.buttons():
                await person.taps("Other")
    assert len(set(workers(chat))) == 3
    await joined(chat, platforms, first, second)
    assert len(set(workers(chat))) == 2, "the job's owner and Ann"
    while "Nothing left" not in await first.says("/next"):
        await first.taps("Good")
    assert "Nothing left" in await second.says("/next")
    with chat.writing() as session:
        check_redundancy(session)
        per_item = session.execute(
            select(Annotation.item_id, func.count())
            .where(Annotation.state.in_(("counted", "surplus")))
            .group_by(Annotation.item_id)
        ).all()
        assert all(count == 1 for _, count in per_item)
        assert len(per_item) == 4, "what Ann skipped, Annie had answered"


async def test_no_on_either_side_joins_nothing(chat: Chat, platforms: dict[str, FakeSurface]) -> None:
    first, second = await member_on(chat, "telegram", "Ann"), await member_on(chat, "slack", "Mallory")
    await second.says(f"/link {await code_of(first)}")
    assert "Nothing was joined" in await second.taps("No")
    await second.says(f"/link {await code_of(first)}")
    await second.taps("Yes")
    await newest(chat, platforms["telegram"], first)
    confirm = first.button("Yes, that is me").payload
    assert "Nothing was joined" in await first.taps("No")
    assert "did not want to be joined" in await newest(chat, platforms["slack"], second)
    assert "has been used" in await first.taps_payload(confirm)
    assert len(set(workers(chat))) == 2


async def test_wrong_codes_get_a_sentence_and_run_out(chat: Chat, platforms: dict[str, FakeSurface]) -> None:
    first = await member_on(chat, "telegram", "Ann")
    second = on(chat, "slack", "Annie")
    code = await code_of(first)
    assert "the account that asked" in await first.says(f"/link {code}")
    for wrong in ("nonsense", "a" * 16):
        assert "does not exist" in await second.says(f"/link {wrong}")
        assert second.refused == "link_unknown"
    with chat.writing() as session:
        session.execute(update(LinkRequest).values(expires_at=now() - MINUTES))
    assert "expired" in await second.says(f"/link {code}")
    for _ in range(18):
        await second.says("/link nonsense")
    assert "Too many wrong codes" in await second.says(f"/link {await code_of(first)}")


async def test_a_code_works_once_and_for_one_account(chat: Chat, platforms: dict[str, FakeSurface]) -> None:
    first = await member_on(chat, "telegram", "Ann")
    second, third = on(chat, "slack", "Annie"), on(chat, "slack", "Eve")
    code = await code_of(first)
    await second.says(f"/link {code}")
    foreign = second.button("Yes").payload
    assert "This request is over" in await third.taps_payload(foreign), "somebody else's button"
    await second.taps("Yes")
    await newest(chat, platforms["telegram"], first)
    confirm = first.button("Yes, that is me").payload
    assert "This request is over" in await (await chat.member("Zoe")).taps_payload(confirm)
    await first.taps("Yes, that is me")
    assert "joined already" in await first.taps_payload(confirm), "a second tap"
    assert "This request is over" in await second.taps_payload(foreign)
    assert "joined already" in await third.says(f"/link {code}")
    assert "joined already" in await second.says(f"/link {await code_of(first)}"), "of the same person"


async def test_the_first_account_confirms_only_what_was_claimed(chat: Chat, platforms: dict[str, FakeSurface]) -> None:
    first = await member_on(chat, "telegram", "Ann")
    second = on(chat, "slack", "Annie")
    await second.says(f"/link {await code_of(first)}")
    public_id = second.button("Yes").payload.split(".")[1]
    assert "This request is over" in await first.taps_payload(f"linkdo.{public_id}..0")
    await second.taps("Yes")
    with chat.writing() as session:
        session.execute(update(LinkRequest).values(expires_at=now() - MINUTES))
    assert "expired" in await first.taps_payload(f"linkdo.{public_id}..0")
    assert len(workers(chat)) == 1


async def test_a_second_account_that_shows_the_code_has_to_be_asked_again(
    chat: Chat, platforms: dict[str, FakeSurface]
) -> None:
    first = await member_on(chat, "telegram", "Ann")
    second, third = on(chat, "slack", "Annie"), on(chat, "slack", "Eve")
    code = await code_of(first)
    await second.says(f"/link {code}")
    await second.taps("Yes")
    await newest(chat, platforms["telegram"], first)
    await third.says(f"/link {code}")
    assert "This request is over" in await first.taps("Yes, that is me"), "it was asked about Annie"
    await third.taps("Yes")
    assert "The account Eve on Slack" in await newest(chat, platforms["telegram"], first)


async def test_few_codes_are_open_at_a_time(chat: Chat) -> None:
    ann = await chat.member("Ann")
    codes = {await code_of(ann) for _ in range(5)}
    assert len(codes) == 5
    assert "several open codes" in await ann.says("/link")
    with chat.writing() as session:
        stored = session.scalars(select(LinkRequest.code_hash)).all()
        assert not codes & set(stored), "only a hash is stored"
        session.execute(update(LinkRequest).values(expires_at=now() - MINUTES))
    await code_of(ann)


async def test_a_banned_account_cannot_slip_in_by_a_link(chat: Chat, platforms: dict[str, FakeSurface]) -> None:
    first, banned = await member_on(chat, "telegram", "Ann"), await member_on(chat, "slack", "Bob")
    with chat.writing() as session:
        mine = select(Identity.worker_id).where(Identity.surface == "slack")
        session.execute(update(Membership).where(Membership.worker_id.in_(mine)).values(status="banned"))
    await banned.says(f"/link {await code_of(first)}")
    assert banned.refused == "banned"


async def test_joining_in_the_middle_of_a_job_with_leases_on_both_sides(
    chat: Chat, platforms: dict[str, FakeSurface]
) -> None:
    """Random taps on three accounts of one person, and of others, with the accounts joined one after the other."""
    dice = random.Random(7)
    with chat.writing() as session:
        make_project(session, [f"text {number}" for number in range(14)], ("Good", "Bad"), min_overlap=2, max_overlap=4)
    mine = [await member_on(chat, surface, f"Ann-{surface}") for surface in ("telegram", "slack")]
    mine.append(await chat.member("Ann-web"))
    others = [await chat.member(f"Other-{number}") for number in range(2)]
    dealt: dict[str, set[str]] = {one.person.name: set() for one in mine}
    groups = [{one.person.name} for one in mine]

    async def tap(one: Someone) -> None:
        await one.says("/next")
        if "Good" not in one.buttons() or one.card is None or one.card.kind != "card":
            return
        text = one.card.parts[0].text
        together = next((group for group in groups if one.person.name in group), set())
        assert not any(text in dealt[name] for name in together), f"{text} came twice"
        if dice.random() < 0.7:
            await one.taps(dice.choice(["Good", "Bad"]))
            if one.person.name in dealt:
                dealt[one.person.name].add(text)

    for number in range(36):
        await tap(dice.choice([*mine, *others]))
        if number in (12, 24):
            second = mine[1] if number == 12 else mine[2]
            assert "one person now" in await joined(chat, platforms, mine[0], second)
            groups = [{one.person.name for one in mine[: 2 if number == 12 else 3]}]
        with chat.writing() as session:
            check_redundancy(session)
    with chat.writing() as session:
        assert session.scalar(select(func.count()).select_from(Worker).where(Worker.merged_into_id.is_not(None))) == 2
        twice = (
            select(Assignment.item_id)
            .where(Assignment.state == "submitted")
            .group_by(Assignment.item_id, Assignment.worker_id)
            .having(func.count() > 1)
        )
        superseded = select(func.count()).select_from(Annotation).where(Annotation.state == "superseded")
        assert len(session.scalars(twice).all()) == session.scalar(superseded)
        assert session.scalar(select(func.count()).select_from(Item).where(Item.submitted > 0))
