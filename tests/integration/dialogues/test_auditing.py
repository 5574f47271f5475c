"""What experts say and hear while they audit a sample of answers."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from core.clock import now
from core.models import Annotation, Dialogue, Item, LogEntry, Skill
from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.members import outsider


async def answered(chat: Chat, *people: str, texts: tuple[str, ...] = ("one", "two")) -> str:
    """A job in which these people have answered everything with Good, named by its public id."""
    with chat.writing() as session:
        project = make_project(session, texts, ("Good", "Bad"), min_overlap=len(people), max_overlap=len(people))
        public_id = project.public_id
    for name in people:
        person = await chat.member(name)
        await person.says(f"/next {public_id}")
        for _ in texts:
            await person.taps("Good")
    return public_id


def audits(chat: Chat) -> list[tuple[str, str, str]]:
    """State, audit state and reason of all annotations, the audited first."""
    with chat.writing() as session:
        rows = session.scalars(select(Annotation).order_by(Annotation.audited_at.is_(None), Annotation.audited_at))
        return [(row.state, row.audit_state, row.audit_reason) for row in rows]


async def test_auditing_by_tap(chat: Chat) -> None:
    await answered(chat, "Ann")
    eve = await chat.member("Eve", "expert")
    heard = await eve.says("/audit")
    assert heard.startswith("Is it?")
    assert "The answer: Good" in heard
    assert "Ann" not in heard
    assert "audited" not in heard, "nothing is said of an empty sample"
    assert heard == await eve.says("/audit"), "the same until something is audited"
    heard = await eve.taps("Accept")
    assert heard.startswith("(✓ Accepted)")
    assert "1 audited: 1 accepted" in heard
    assert "%" not in heard, "one look says nothing of all answers"
    assert "Too early to say how many of all answers are wrong: that takes 10 looks." in heard
    heard = await eve.taps("Reject")
    assert "Which label is right?" in heard
    assert "Rejecting is final." in heard
    assert eve.buttons() == ["Bad", "Wrong, not sure which", "Against the guidelines", "Careless", "Other …", "Back"]
    assert "Accept" in (await eve.taps("Back"), *eve.buttons())
    await eve.taps("Reject")
    heard = await eve.taps("Careless")
    assert heard.startswith("(✓ Rejected)")
    assert "There is no answer left to audit right now." in heard
    assert "2 audited: 1 accepted" in heard
    assert audits(chat) == [("counted", "accepted", ""), ("rejected", "rejected", "careless")]
    with chat.writing() as session:
        assert session.scalars(select(LogEntry.act).where(LogEntry.act == "audit")).all() == ["audit", "audit"]


async def test_an_acceptance_can_be_taken_back_on_the_next_card(chat: Chat) -> None:
    await answered(chat, "Ann")
    eve, sam = await chat.member("Eve", "expert"), await chat.member("Sam", "expert")
    await eve.says("/audit")
    assert "Undo Accept" not in eve.buttons()
    with chat.writing() as session:
        before = session.scalars(select(Skill.counts)).one()
    first = await eve.says("/audit")
    await eve.taps("Accept")
    undo = eve.button("Undo Accept").payload
    assert "cannot be taken back" in await sam.taps_payload(undo), "by nobody else"
    heard = await eve.taps("Undo Accept")
    assert "✓ Not accepted any more" in heard
    assert first.splitlines()[1] in heard, "the same answer again"
    with chat.writing() as session:
        assert session.scalars(select(Skill.counts)).one() == before
    assert [state for _, state, _ in audits(chat)] == ["unaudited", "unaudited"]
    assert "cannot be taken back" in await eve.taps_payload(undo), "the second tap"
    await eve.taps("Accept")
    assert "1 audited: 1 accepted" in await eve.says("/audit"), "once, although it was accepted twice"
    assert "Undo Accept" not in eve.buttons()
    await eve.taps("Accept")
    assert "no answer left" in (eve.card.text if eve.card else "")
    last = eve.button("Undo Accept").payload
    with chat.writing() as session:
        session.execute(update(Annotation).values(audited_at=now() - timedelta(minutes=11)))
    assert "cannot be taken back" in await eve.taps_payload(last)
    assert [state for _, state, _ in audits(chat)] == ["accepted", "accepted"]


async def test_a_rejected_answer_is_asked_of_somebody_else(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("one",))
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    await eve.taps("Reject")
    await eve.taps("Wrong, not sure which")
    with chat.writing() as session:
        assert session.scalars(select(Item.state)).all() == ["open"]
    ann = chat.someone("Ann")
    assert "one" not in await ann.says("/next"), "it never comes back to the same person"
    assert "cannot be taken back" in await ann.says("/undo")
    bob = await chat.member("Bob")
    assert "one" in await bob.says("/next")
    await bob.taps("Bad")
    with chat.writing() as session:
        item = session.scalars(select(Item)).one()
        assert (item.state, item.label_id) == ("agreed", "b")


async def test_a_reason_in_the_auditors_own_words(chat: Chat) -> None:
    await answered(chat, "Ann")
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    await eve.taps("Reject")
    payload = eve.button("Other").payload
    assert "Send it as a message" in await eve.taps("Other")
    await eve.taps("Back")
    with chat.writing() as session:
        assert session.scalars(select(Dialogue)).all() == [], "the way back leads out of the question"
    await eve.taps_payload(payload)
    assert "has 400 characters; at most 300 fit" in await eve.says("x" * 400)
    heard = await eve.says("It is  sarcasm.")
    assert "✓ Rejected" in heard
    assert "The answer: Good" in heard, "the next one follows"
    assert ("rejected", "rejected", "It is  sarcasm.") in audits(chat)
    with chat.writing() as session:
        assert session.scalars(select(Dialogue)).all() == []


async def test_a_second_expert_is_too_late(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("one",))
    eve, sam = await chat.member("Eve", "expert"), await chat.member("Sam", "expert")
    await eve.says("/audit")
    await sam.says("/audit")
    await sam.taps("Reject")
    await sam.taps("Other")
    await eve.taps("Accept")
    heard = await sam.says("wrong, I think")
    assert "was accepted before; that is final" in heard
    assert "no answer left" in heard
    assert audits(chat) == [("counted", "accepted", "")]


async def test_old_buttons_say_what_happened(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("one",))
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    accept, other = eve.button("Accept").payload, eve.button("Accept").payload.replace("accept", "other")
    await eve.taps("Reject")
    await eve.taps("Careless")
    assert "(This answer was rejected before; that is final.)" in await eve.taps_payload(accept)
    assert "This answer was rejected before" in await eve.taps_payload(other)
    assert "no answer left" in await eve.taps_payload(accept.replace("accept", "reject"))
    await eve.taps_payload(accept.replace("accept", "nonsense"))
    assert eve.refused == "unknown_button"


async def test_an_answer_that_was_taken_back_meanwhile(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("one",))
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    await chat.someone("Ann").says("/undo")
    heard = await eve.taps("Accept")
    assert "(This answer was taken back meanwhile.)" in heard
    assert "no answer left" in heard


async def test_passing_over_and_the_only_one_left(chat: Chat) -> None:
    await answered(chat, "Ann")
    eve = await chat.member("Eve", "expert")
    first = await eve.says("/audit")
    second = await eve.taps("Skip for now")
    assert second != first
    assert await eve.taps("Skip for now") == first
    heard = await eve.taps("Accept")
    assert "(This is the only one left for now.)" in await eve.taps("Skip for now")
    assert heard.startswith("(✓ Accepted)")


async def test_one_job_or_all(chat: Chat) -> None:
    first = await answered(chat, "Ann", texts=("a1", "a2"))
    second = await answered(chat, "Bob", texts=("b1",))
    eve = await chat.member("Eve", "expert")
    assert "b1" in await eve.says(f"/audit {second}")
    heard = await eve.taps("Accept")
    assert "There is no answer left to audit in “Is it?” right now." in heard
    assert "1 audited: 1 accepted" in heard
    heard = await eve.says(f"/audit {first}")
    assert "audited" not in heard, "the counts are those of the job"
    await eve.taps("Accept")
    await eve.taps("Accept")
    assert "no answer left to audit right now" in await eve.says("/audit")
    assert "There is no job" in await eve.says("/audit nosuchjobatall22")


async def test_nobody_audits_their_own_answers(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("one",))
    with chat.writing() as session:
        public_id = session.scalars(select(Annotation.public_id)).one()
    ann = chat.someone("Ann")
    await ann.says(f"/start {chat.invite('expert')}")
    assert "no answer left" in await ann.says("/audit")
    assert "That answer is your own" in await ann.taps_payload(f"audit.{public_id}.accept.0")
    assert audits(chat) == [("counted", "unaudited", "")]


async def test_the_whole_of_a_long_item_and_the_workers_note(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("word " * 600 + "the very end",))
    with chat.writing() as session:
        session.scalars(select(Annotation)).one().note = "because it rains"
    eve = await chat.member("Eve", "expert")
    heard = await eve.says("/audit")
    assert "the very end" not in heard
    assert "Why: “because it rains”" in heard
    heard = await eve.taps("Show all")
    assert "the very end" in heard
    assert "(✓ Accepted)" in await eve.taps("Accept"), "the card follows the text"


async def test_nothing_is_told_to_those_without_the_role_or_of_another_workspace(chat: Chat) -> None:
    public_id = await answered(chat, "Ann", texts=("one",))
    eve, wally = await chat.member("Eve", "expert"), await chat.member("Wally")
    await eve.says("/audit")
    payloads = [
        eve.button("Accept").payload.replace("accept", act) for act in ("accept", "reject", "wrong", "other", "full")
    ]
    assert "I do not know /audit" in await wally.says("/audit")
    sam = await outsider(chat, "Sam", "expert")
    assert "no answer left" in await sam.says("/audit")
    assert "There is no job" in await sam.says(f"/audit {public_id}")
    for payload in payloads:
        await wally.taps_payload(payload)
        assert wally.refused == "unknown_button", payload
        await sam.taps_payload(payload)
        assert sam.refused == "audit_unknown", payload
    assert audits(chat) == [("counted", "unaudited", "")]


async def test_who_is_no_expert_any_more_cannot_finish_a_rejection(chat: Chat) -> None:
    from core.models import Membership, Worker

    await answered(chat, "Ann", texts=("one",))
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    await eve.taps("Reject")
    await eve.taps("Other")
    with chat.writing() as session:
        membership = session.scalars(select(Membership).join(Worker).where(Worker.name == "Eve")).one()
        membership.role = "worker"
    assert "takes the role of expert" in await eve.says("wrong")
    assert audits(chat) == [("counted", "unaudited", "")]
