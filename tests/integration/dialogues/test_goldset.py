"""Known answers in /quality: each setting by a tap, doubts, who may, and what is stale."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core.clock import now
from core.gold_doubts import retire_doubtful
from core.models import Annotation, Gold, Item, Participation, Project, Skill, Worker
from core.quality import load
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.known import posted
from tests.integration.dialogues.work import post, public_id


def settings(chat: Chat) -> dict[str, object]:
    """What differs from the defaults."""
    with chat.writing() as session:
        return dict(session.scalars(select(Project.quality)).one())


async def opens(chat: Chat, tmp_path: Path) -> tuple[Someone, str]:
    """The section of a job with eight known items."""
    olga, job = await posted(chat, tmp_path)
    await olga.says(f"/quality {job}")
    await olga.taps_payload(f"goldset.{job}..0")
    return olga, job


async def test_the_section_says_what_the_known_answers_do(chat: Chat, tmp_path: Path) -> None:
    olga, _ = await opens(chat, tmp_path)
    heard = olga.transcript[-1]
    for words in ("The answers of 8 items are known", "8 of them check people", "about every 8 answers", "No practice"):
        assert words in heard
    assert olga.buttons() == [
        "Only compare",
        "Tell the answer",
        "How often",
        "Practice",
        "Quiz",
        "Least accuracy",
        "Back",
    ]
    assert "gets labels you can trust" in await olga.taps("Back")


async def test_each_setting_is_a_tap_or_two(chat: Chat, tmp_path: Path) -> None:
    olga, _job = await opens(chat, tmp_path)
    await olga.taps("How often")
    assert "✓ About every 8" in olga.buttons()
    fifteen = olga.button("About every 15").payload
    assert "(Saved)" in await olga.taps("About every 15")
    await olga.taps_payload(fifteen)
    assert settings(chat) == {"gold_every": 15}, "a second tap changes nothing"
    await olga.taps("Tell the answer")
    assert "people are told the right answer" in olga.transcript[-1]
    await olga.taps("Quiz")
    await olga.taps("5 items")
    assert "The quiz has 5 items, 70% must be right. Attempts: 2." in olga.transcript[-1]
    assert "Only 8 known items are there" in olga.transcript[-1]
    for name, choice in (("Must be right", "90%"), ("Attempts", "1 attempt"), ("Valid for", "90 days")):
        await olga.taps(name)
        await olga.taps(choice)
    assert settings(chat) == {
        "gold_every": 15,
        "teaches": True,
        "quiz": 5,
        "quiz_pass": 0.9,
        "quiz_attempts": 1,
        "qualification_days": 90,
    }
    await olga.taps("Only compare")
    assert "only compared with the result" in olga.transcript[-1]
    assert "quality gold_use measure" in await olga.says("/log")
    assert load(settings(chat)).gold_use == "measure"


async def test_a_job_without_known_answers_says_how_to_get_some(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    job = public_id(chat, post(chat))
    assert "No answer of this job is known yet" in await olga.taps_payload(f"goldset.{job}..0")
    assert "still at it" in await olga.taps_payload(f"goldset.{job}.failed.0")


@pytest.mark.parametrize("argument", ["quiz-9", "owner-1", "nonsense", "gold_use-1", "quiz-"])
async def test_forged_settings_are_refused(chat: Chat, tmp_path: Path, argument: str) -> None:
    olga, job = await opens(chat, tmp_path)
    await olga.taps_payload(f"goldset.{job}.{argument}.0")
    assert olga.refused == "unknown_button"
    assert settings(chat) == {}


async def test_only_coordinators_of_the_workspace(chat: Chat, tmp_path: Path) -> None:
    _, job = await opens(chat, tmp_path)
    eva, olive = await chat.member("Eva", "expert"), await chat.member("Olive", "owner")
    await olive.says("/workspace new Birds")
    with chat.writing() as session:
        item, worker = (
            session.scalars(select(Item.public_id)).first(),
            session.scalars(select(Worker.public_id)).first(),
        )
    for payload in (f"goldset.{job}.measure.0", f"golddoubt.{item}.keep.0", f"goldpass.{job}.{worker}.0"):
        await eva.taps_payload(payload)
        assert eva.refused == "unknown_button"
        await olive.taps_payload(payload)
        assert olive.refused in ("project_unknown", "item_unknown")
    assert settings(chat) == {}


async def test_a_doubtful_answer_is_shown_and_corrected(chat: Chat, tmp_path: Path) -> None:
    olga, job = await opens(chat, tmp_path)
    item = await _doubted(chat)
    assert "1 known answer looks wrong" in await olga.taps_payload(f"goldset.{job}..0")
    heard = await olga.taps("Answers that look wrong")
    assert "The known answer is “Good”, but 5 of 5 good people said “Bad”" in heard
    assert olga.buttons() == ["Right is “Bad”", "“Good” is right", "Let people decide", "Back"]
    fix = olga.button("Right is").payload
    heard = await olga.taps("Right is")
    assert "Corrected" in heard
    assert "look" not in heard.split("Known answers")[1].split("known")[0]
    with chat.writing() as session:
        gold = session.scalars(select(Gold).join(Item, Item.id == Gold.item_id).where(Item.public_id == item)).one()
        assert (gold.label_id, gold.state) == ("b", "active")
    assert "Somebody has decided this already" in await olga.taps_payload(fix)
    assert "known answer: " in await olga.says("/log")


async def test_people_can_be_left_to_decide(chat: Chat, tmp_path: Path) -> None:
    olga, job = await opens(chat, tmp_path)
    item = await _doubted(chat)
    await olga.taps_payload(f"goldset.{job}.doubt.0")
    assert "asked like any other item" in await olga.taps("Let people decide")
    with chat.writing() as session:
        assert session.scalars(select(Item.purpose).where(Item.public_id == item)).one() == "label"


async def _doubted(chat: Chat) -> str:
    """Five good people have contradicted the first known answer; its item."""
    for number in range(5):
        person = await chat.member(f"Person {number}")
        await person.says("/next")
        with chat.writing() as session:
            first = session.scalar(select(func.min(Gold.item_id)))
            session.execute(update(Gold).where(Gold.item_id != first).values(state="retired", missed=0))
            session.execute(update(Participation).values(since_gold=1, gold_due=1))
        await person.taps("Bad")
        await person.taps("Bad")
    with chat.writing() as session:
        assert session.scalar(select(func.count()).where(Annotation.state == "control")) == 5
        session.execute(update(Skill).values(accuracy=0.9))
        project = session.scalars(select(Project)).one()
        assert retire_doubtful(session, project.id, now()) == 1
        return session.scalars(select(Item.public_id).where(Item.id == first)).one()


async def test_the_overview_says_only_what_holds(chat: Chat, tmp_path: Path) -> None:
    olga, job = await posted(chat, tmp_path, practice=2, quiz=5)
    heard = await olga.says(f"/quality {job}")
    assert "Known answers: 8. 4 of them check people without their noticing." in heard, "the other four are practice"
    assert "a quiz of 5 items" in heard
    assert "Whoever only guesses is taken off the usual items for a while." in heard
    await olga.taps("Known answers")
    assert "Least accuracy: Better than guessing" in olga.transcript[-1]
    await olga.taps("Tell the answer")
    await olga.taps("Least accuracy")
    heard = await olga.taps("60%")
    assert "Least accuracy: 60%" in heard
    heard = await olga.taps("Back")
    assert "4 of them check people, who are told the right answer afterwards." in heard
    assert "Whoever is right less than 60% of the time" in heard
    await olga.taps("Known answers")
    heard = await olga.taps("Only compare")
    assert "The quiz has" not in heard
    assert "nobody gets it" in heard
    heard = await olga.taps("Back")
    assert "Known answers: 8 items, only compared with the result." in heard
    assert "nobody gets it" in heard
    assert "quiz of 5" not in heard
