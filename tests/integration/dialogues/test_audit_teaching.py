"""An audit with the right label: the answer is rejected, and what its worker is taken for learns from it."""

from __future__ import annotations

from sqlalchemy import select

from core.audit_evidence import audit_evidence
from core.dispute_order import AUDITED
from core.models import Adjudication, Annotation, Project, Skill
from tests.fakes.chat import Chat
from tests.integration.dialogues.test_auditing import answered


def accuracy(chat: Chat) -> float:
    """The estimated accuracy of the only worker."""
    with chat.writing() as session:
        found = session.scalars(select(Skill.accuracy)).one()
        assert found is not None
        return found


async def test_the_right_label_is_one_tap(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("one",))
    before = accuracy(chat)
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    await eve.taps("Reject")
    payload = eve.button("Bad").payload
    heard = await eve.taps("Bad")
    assert heard.startswith("(✓ Rejected)")
    with chat.writing() as session:
        annotation = session.scalars(select(Annotation)).one()
        assert (annotation.state, annotation.audit_reason) == ("rejected", "wrong")
        said = session.scalars(select(Adjudication)).one()
        assert (said.label_id, said.reason) == ("b", AUDITED)
        [evidence] = audit_evidence(session, session.scalars(select(Project)).one())
        assert (evidence.answer, evidence.belief) == (0, (0.0, 1.0)), "they said Good, it was Bad"
    assert accuracy(chat) < before
    assert "was rejected before" in await eve.taps_payload(payload), "the second tap changes nothing"
    with chat.writing() as session:
        assert len(session.scalars(select(Adjudication)).all()) == 1


async def test_an_accepted_answer_teaches_that_it_was_right(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("one",))
    before = accuracy(chat)
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    await eve.taps("Accept")
    assert accuracy(chat) > before
    with chat.writing() as session:
        [evidence] = audit_evidence(session, session.scalars(select(Project)).one())
        assert evidence.belief == (1.0, 0.0)


async def test_without_the_right_label_it_is_any_other(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("one",))
    before = accuracy(chat)
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    await eve.taps("Reject")
    await eve.taps("Careless")
    assert accuracy(chat) < before
    with chat.writing() as session:
        [evidence] = audit_evidence(session, session.scalars(select(Project)).one())
        assert evidence.belief == (0.0, 1.0), "there is one other"


async def test_a_label_that_was_given_or_that_there_is_not_is_refused(chat: Chat) -> None:
    await answered(chat, "Ann", texts=("one",))
    eve, wally = await chat.member("Eve", "expert"), await chat.member("Wally")
    await eve.says("/audit")
    await eve.taps("Reject")
    payload = eve.button("Bad").payload
    assert "That is the label that was given" in await eve.taps_payload(payload.replace(".b.", ".a."))
    await eve.taps_payload(payload.replace(".b.", ".zz."))
    assert eve.refused == "unknown_label"
    await wally.taps_payload(payload)
    assert wally.refused == "unknown_button"
    with chat.writing() as session:
        assert session.scalars(select(Annotation.audit_state)).all() == ["unaudited"]
        assert session.scalars(select(Adjudication)).all() == []


async def test_many_labels_come_in_pages(chat: Chat) -> None:
    from tests.factories import make_project

    with chat.writing() as session:
        make_project(session, ("one",), [f"L{number}" for number in range(60)], min_overlap=1, max_overlap=1)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("L0")
    eve = await chat.member("Eve", "expert")
    await eve.says("/audit")
    await eve.taps("Reject")
    assert "L0" not in eve.buttons()
    assert "L59" not in eve.buttons()
    await eve.taps("›")
    assert "✓ Rejected" in await eve.taps("L59")


async def test_one_job_stays_one_job(chat: Chat) -> None:
    first = await answered(chat, "Ann", texts=("a1", "a2"))
    await answered(chat, "Bob", texts=("b1",))
    eve = await chat.member("Eve", "expert")
    await eve.says(f"/audit {first}")
    await eve.taps("Reject")
    assert "a" in (await eve.taps("Bad")).splitlines()[3]
    await eve.taps("Accept")
    assert "no answer left to audit in “Is it?”" in (await eve.says(f"/audit {first}"))
