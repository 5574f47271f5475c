"""One person with Telegram and Slack: linked in the middle of a job, they never get the same item twice."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import func, select

from core.models import Annotation, Worker
from tests.factories import make_project
from tests.integration.day.conftest import PhoneOf
from tests.integration.day.phone import Phone
from tests.integration.day.stage import Stage
from tests.invariants import check_redundancy

ITEMS = 14


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_who_links_in_the_middle_of_a_job_never_sees_an_item_twice(
    stage: Stage, telegram_phones: PhoneOf, slack_phones: PhoneOf, seed: int
) -> None:
    chance = random.Random(seed)
    with stage.writing() as session:
        make_project(session, [f"item {number:02}" for number in range(ITEMS)], ("Good", "Bad"), min_overlap=2)
    ann, slack = await telegram_phones("Ann"), await slack_phones("Ann")
    for phone in (ann, slack):
        await phone.says(f"/start {stage.invite('worker')}")
        await phone.taps("I agree")
        await phone.taps("Start")
        await phone.sees("[Good]")
    seen: set[str] = set()
    for _ in range(chance.randint(4, 7)):
        seen.add(await answer(chance.choice((ann, slack)), chance))

    await ann.says("/link")
    code = (await ann.sees("/link ")).partition("/link ")[2][:16]
    await slack.says(f"/link {code}")
    await slack.sees("[Yes]")
    await slack.taps("Yes")
    await slack.sees("Almost there")
    await stage.work()
    await ann.taps("Yes, that is me")
    await ann.sees("one person now")
    await stage.work()
    await slack.sees("one person now")

    later: list[str] = []
    while True:
        phone = chance.choice((ann, slack))
        await phone.says("/next")
        if "[Good]" not in await phone.sees_one_of("[Good]", "Nothing left"):
            break
        later.append(await answer(phone, chance))
    assert sorted(later) == sorted(set(later)), "nothing came twice after the link"
    assert not seen & set(later), "nothing came again that either account had answered"
    assert seen | set(later) == {f"item {number:02}" for number in range(ITEMS)}
    with stage.writing() as session:
        check_redundancy(session)
        standing = select(func.count()).select_from(Annotation).where(Annotation.state.in_(("counted", "surplus")))
        assert session.scalar(standing) == ITEMS
        workers = select(Worker.id).join(Annotation, Annotation.worker_id == Worker.id).distinct()
        assert len(session.scalars(workers).all()) == 1


async def answer(phone: Phone, chance: random.Random) -> str:
    """Answer the card in hand; returns the text of its item."""
    text = await phone.sees("[Good]")
    label = chance.choice(("Good", "Bad"))
    await phone.taps(label)
    await phone.sees(f"✓ {label}")
    start = text.rindex("item ")
    return text[start : start + 7]
