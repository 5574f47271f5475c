"""A few verdicts are looked at again by another expert, who cannot tell; where they differ a coordinator decides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from core import dispute_order
from core.clock import now
from core.costs import spent
from core.dispute_order import FINAL, SECOND
from core.feedback import feedback_of
from core.models import Adjudication, Annotation, Gold, Item, Project
from core.second_looks import expert_agreement
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.members import outsider
from tests.integration.dialogues.test_settling import disputed, states


@pytest.fixture(autouse=True)
def every_verdict_is_looked_at_again(no_second_looks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of a few."""
    monkeypatch.setattr(dispute_order, "SECOND_BELOW", "~")


async def settled(chat: Chat, *verdicts: str) -> tuple[Someone, Someone]:
    """Eve has settled everything as these labels, Sam has seen nothing yet."""
    await disputed(chat, ("one", "two")[: len(verdicts)])
    eve, sam = await chat.member("Eve", "expert"), await chat.member("Sam", "expert")
    await eve.says("/settle")
    for verdict in verdicts:
        await eve.taps(verdict)
    return eve, sam


def reasons(chat: Chat) -> list[tuple[str, str]]:
    """Reason and label of all that experts did, in order."""
    with chat.writing() as session:
        return [(row.reason, row.label_id) for row in session.scalars(select(Adjudication).order_by(Adjudication.id))]


async def test_the_second_expert_sees_what_the_first_saw(chat: Chat) -> None:
    await disputed(chat, ("one",))
    eve, sam = await chat.member("Eve", "expert"), await chat.member("Sam", "expert")
    first, buttons = await eve.says("/settle"), eve.buttons()
    await eve.taps("Good")
    assert await sam.says("/settle") == first, "not a word tells that it was settled"
    assert sam.buttons() == buttons
    heard = await sam.taps("Good")
    assert heard.startswith("(✓ Good)")
    assert "Nothing is disputed" in heard
    assert sam.buttons() == ["Undo “Good”"], "and nothing to make gold of"
    assert states(chat) == [("adjudicated", "a")]
    assert reasons(chat) == [("", "a"), (SECOND, "a")]


async def test_nobody_looks_twice_and_two_are_enough(chat: Chat) -> None:
    eve, sam = await settled(chat, "Good")
    assert "Nothing is disputed" in await eve.says("/settle"), "not their own verdict"
    await sam.says("/settle")
    payload = sam.button("Good").payload
    await sam.taps("Good")
    assert "You have settled this item already" in await sam.taps_payload(payload)
    pat = await chat.member("Pat", "expert")
    assert "Nothing is disputed" in await pat.says("/settle")
    assert "Somebody has settled this item already" in await pat.taps_payload(payload)
    assert len(reasons(chat)) == 2


async def test_how_far_experts_agree_is_told_when_all_is_settled(chat: Chat) -> None:
    _, sam = await settled(chat, "Good", "Bad")
    await sam.says("/settle")
    await sam.taps("Good")
    heard = await sam.taps("Good")
    assert "agreed on 1 of 2 (95% interval: 9% to 91%)" in heard
    with chat.writing() as session:
        project = session.scalars(select(Project)).one()
        found = expert_agreement(session, project.workspace_id, project.id)
        assert (found.compared, found.same) == (2, 1)
        assert spent(session, project).verdicts.count == 4, "a second look is work too"


async def test_where_they_differ_the_coordinator_has_the_last_word(chat: Chat) -> None:
    olga = await chat.member("Olga", "owner")
    _, sam = await settled(chat, "Good")
    with chat.writing() as session:
        item = session.scalars(select(Item)).one()
        session.add(Gold(project_id=item.project_id, item_id=item.id, label_id="a", source="verdict", created_at=now()))
    await sam.says("/settle")
    await sam.taps("Bad")
    assert states(chat) == [("adjudicated", "a")], "the engine takes no verdict back"
    await chat.deliver()
    told = [message for address, message in chat.surface.sent if "Two experts differ" in message.text]
    assert len(told) == 1
    assert "one says “Good”, another “Bad”" in told[0].text
    assert not {"Eve", "Sam"} & set(told[0].plain().split())
    assert "Nothing is disputed" in await olga.says("/settle")
    assert "Two experts differ" in await olga.taps("Experts differ: decide")
    payload = olga.button("Bad").payload
    heard = await olga.taps("Bad")
    assert "(✓ Bad)" in heard
    assert "No item waits for your last word." in heard
    assert states(chat) == [("adjudicated", "b")]
    assert reasons(chat)[-1] == (FINAL, "b")
    with chat.writing() as session:
        assert session.scalars(select(Gold.label_id)).all() == ["b"], "what was kept as known follows"
    assert "The last word on this item has been spoken" in await olga.taps_payload(payload)
    assert len(reasons(chat)) == 3


async def test_the_first_verdict_may_be_confirmed(chat: Chat) -> None:
    olga = await chat.member("Olga", "owner")
    _, sam = await settled(chat, "Good")
    await sam.says("/settle")
    await sam.taps("Unanswerable")
    assert states(chat) == [("adjudicated", "a")]
    await olga.says("/settle")
    assert "another “nobody can answer it”" in await olga.taps("Experts differ")
    await olga.taps("Good")
    assert states(chat) == [("adjudicated", "a")]
    assert "Experts differ: decide" not in (await olga.says("/settle"), *olga.buttons())


async def test_the_last_word_may_be_that_nobody_can_answer(chat: Chat) -> None:
    olga = await chat.member("Olga", "owner")
    _, sam = await settled(chat, "Good")
    await sam.says("/settle")
    await sam.taps("Unanswerable")
    await olga.says("/settle")
    await olga.taps("Experts differ")
    assert "✓ Unanswerable" in await olga.taps("Unanswerable")
    assert states(chat) == [("withdrawn", None)]


async def test_the_last_word_is_for_coordinators_of_this_workspace(chat: Chat) -> None:
    olga = await chat.member("Olga", "owner")
    eve, sam = await settled(chat, "Good")
    await sam.says("/settle")
    await sam.taps("Bad")
    assert "Experts differ: decide" not in (await eve.says("/settle"), *eve.buttons())
    await olga.says("/settle")
    await olga.taps("Experts differ")
    payload = olga.button("Bad").payload
    await eve.taps_payload(payload)
    assert eve.refused == "unknown_button"
    pat = await outsider(chat, "Pat", "owner")
    assert "That item does not exist here" in await pat.taps_payload(payload)
    assert "That item does not exist here" in await pat.taps_payload(payload.replace("finalset", "final"))
    assert states(chat) == [("adjudicated", "a")]


async def test_old_verdicts_closed_jobs_and_own_answers_are_left_alone(chat: Chat) -> None:
    _, sam = await settled(chat, "Good")
    with chat.writing() as session:
        session.execute(update(Adjudication).values(created_at=now() - timedelta(days=15)))
    assert "Nothing is disputed" in await sam.says("/settle")
    with chat.writing() as session:
        session.execute(update(Adjudication).values(created_at=now()))
        session.execute(update(Project).values(state="closed"))
    assert "Nothing is disputed" in await sam.says("/settle")
    with chat.writing() as session:
        session.execute(update(Project).values(state="open"))
    assert "one" in await sam.says("/settle")
    bob = chat.someone(next(name for name in ("Bob1", "Bob2") if name))
    await bob.says(f"/start {chat.invite('expert')}")
    assert "Nothing is disputed" in await bob.says("/settle"), "Bob has answered it himself"


async def test_workers_hear_the_verdict_that_stands_once(chat: Chat) -> None:
    olga = await chat.member("Olga", "owner")
    _, sam = await settled(chat, "Good")
    await sam.says("/settle")
    await sam.taps("Bad")
    await olga.says("/settle")
    await olga.taps("Experts differ")
    await olga.taps("Bad")
    with chat.writing() as session:
        worker_id = session.scalars(select(Annotation.worker_id).where(Annotation.label_id == "b")).one()
        workspace_id = session.scalars(select(Project.workspace_id)).one()
        found = feedback_of(session, worker_id, workspace_id, now() - timedelta(days=1))
        assert found is not None
        assert (found.count, found.same) == (1, 1)
