"""Offers in a chat over days: one that nobody answers stands alone until the person speaks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from core.clock import now
from core.models import Participation, Project, Worker, Workspace
from core.offers import offer_work
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone


def post(chat: Chat, name: str, **options: Any) -> None:
    """A job of one item."""
    with chat.writing() as session:
        make_project(session, [f"{name}'s item"], labels=("Good", "Bad"), name=name, **options)


async def hours_pass(chat: Chat) -> None:
    """All that is due about offers is done a few times over a day; what was offered is a day old then."""
    for _ in range(3):
        with chat.writing() as session:
            for project_id in session.scalars(select(Project.id).order_by(Project.id)).all():
                offer_work(session, project_id, now())
        await chat.deliver()
        with chat.writing() as session:
            for row in session.scalars(select(Participation).where(Participation.offered_at.is_not(None))):
                row.offered_at = (row.offered_at or now()) - timedelta(hours=8)


def offered(chat: Chat, person: Someone) -> list[str]:
    """The jobs that somebody was offered, in order; nothing else is sent unasked."""
    sent = [message.plain() for address, message in chat.surface.sent if address == person.person.address]
    assert all(text.startswith("There is work in ") for text in sent), sent
    return [text.partition("“")[2].partition("”")[0] for text in sent]


async def test_who_answers_no_offer_has_one_after_three_days_of_new_jobs(chat: Chat) -> None:
    ann, bob = await chat.member("Ann"), await chat.member("Bob")
    for day in range(3):
        post(chat, f"Job {day}", min_overlap=2, max_overlap=2)
        await hours_pass(chat)
        await bob.says("/next")
        await bob.taps("Good")
        await hours_pass(chat)
    assert offered(chat, ann) == ["Job 0"]
    assert offered(chat, bob) == ["Job 0", "Job 1", "Job 2"], "who answers hears of each new job"


async def test_the_offer_that_stands_leads_to_the_newest_work_and_ends_the_silence(chat: Chat) -> None:
    ann = await chat.member("Ann")
    post(chat, "Job 0", min_overlap=1, max_overlap=1)
    await hours_pass(chat)
    [(_, offer)] = chat.surface.sent
    post(chat, "Job 1", min_overlap=1, max_overlap=1)
    with chat.writing() as session:
        session.scalars(select(Project).order_by(Project.id)).first().state = "closed"  # type: ignore[union-attr]
    await hours_pass(chat)
    assert len(chat.surface.sent) == 1
    assert "Job 1's item" in await ann.taps_payload(offer.buttons[0][0].payload)
    assert "Nothing left for you" in await ann.taps("Good")
    post(chat, "Job 2")
    await hours_pass(chat)
    assert offered(chat, ann) == ["Job 0", "Job 2"]


async def test_who_asked_for_work_when_there_was_none_is_told_of_new_work(chat: Chat) -> None:
    """All jobs in which they were left in peace are over: to have spoken counts, although nothing was there."""
    ann = await chat.member("Ann")
    post(chat, "Job 0")
    await hours_pass(chat)
    with chat.writing() as session:
        session.execute(update(Project).values(state="closed"))
    assert "There is no open job" in await ann.says("/next")
    post(chat, "Job 1")
    await hours_pass(chat)
    assert offered(chat, ann) == ["Job 0", "Job 1"]


async def test_silence_in_one_workspace_is_none_in_another(chat: Chat) -> None:
    ann = await chat.member("Ann")
    post(chat, "Job 0")
    await hours_pass(chat)
    with chat.writing() as session:
        other = Workspace(name="Elsewhere", created_at=now())
        session.add(other)
        session.flush()
        session.execute(update(Project).values(workspace_id=other.id))
        assert session.scalars(select(Participation.state).join(Worker).where(Worker.name == "Ann")).all() == ["away"]
    post(chat, "Job 1")
    await hours_pass(chat)
    assert offered(chat, ann) == ["Job 0", "Job 1"]
