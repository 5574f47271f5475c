"""Practice and quizzes in the chat: begun at the person's word, told at the end, tried again, and passed by hand."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from core.clock import now
from core.models import Participation, Worker
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import inbox
from tests.integration.dialogues.known import answers_rightly, item_text, never_due, posted, right_label
from tests.integration.dialogues.work import GOOD_BAD, kept, post


def qualification(chat: Chat, name: str) -> str:
    """Where somebody stands in the only job they have been to."""
    with chat.writing() as session:
        mine = select(Participation.qualification).join(Worker, Worker.id == Participation.worker_id)
        return session.scalars(mine.where(Worker.name == name)).one()


async def test_a_quiz_comes_first_is_blind_and_lets_in_who_passes(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path, quiz=3)
    ann = await chat.member("Ann")
    assert "a short quiz of 3 items. 70% must be right" in await ann.says("/next")
    assert ann.buttons() == ["Start", "Other work"]
    assert "Quiz 1 of 3" in await ann.taps("Start")
    never_due(chat)
    heard = await answers_rightly(chat, ann, wrong=True)
    assert "Quiz 2 of 3" in heard
    assert "would say" not in heard
    await ann.taps("Undo")
    heard = await answers_rightly(chat, ann)
    assert "Quiz 2 of 3" in heard
    await answers_rightly(chat, ann)
    heard = await answers_rightly(chat, ann)
    assert "Passed: 3 of 3 right" in heard
    assert "Quiz" not in heard.split("Passed")[1]
    assert right_label(chat, item_text(ann)) is None, "the first item of the job follows"
    assert qualification(chat, "Ann") == "passed"
    await ann.says("/undo")
    assert ann.refused == "too_late_to_undo"


async def test_who_fails_is_told_kindly_tries_again_and_is_let_in_by_hand(chat: Chat, tmp_path: Path) -> None:
    olga, public_id = await posted(chat, tmp_path, quiz=2, quiz_pass=1.0)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Start")
    await answers_rightly(chat, ann, wrong=True)
    heard = await answers_rightly(chat, ann)
    assert "1 of 2 right" in heard
    assert "guidelines" not in heard, "there are none"
    assert "100%" in heard
    assert ann.buttons() == ["Try again", "Other work"]
    again = ann.button("Try again").payload
    assert "Quiz 1 of 2" in await ann.taps("Try again")
    first = item_text(ann)
    await ann.taps_payload(again)
    assert item_text(ann) == first, "a second tap changes nothing"
    await ann.says("/undo")
    assert ann.refused == "too_late_to_undo", "an answer of the first attempt does not become one of the second"
    await answers_rightly(chat, ann, wrong=True)
    heard = await answers_rightly(chat, ann, wrong=True)
    assert "Thank you for trying" in heard
    assert ann.buttons() == ["Ask to be let in", "Other work"]
    await ann.taps_payload(again)
    assert "no attempt is left" in ann.transcript[-1]
    assert "The quiz of this job was not passed" in await ann.says("/jobs")
    assert "quiz" not in (await ann.says("/next")).lower(), "they are not asked about it any more"
    section = await olga.taps_payload(f"goldset.{public_id}..0")
    assert "1 person has not passed the quiz" in section
    never_due(chat)
    await olga.taps("Who has not passed")
    assert "Ann can work on it now" in await olga.taps("Let Ann in")
    assert "A coordinator has let you in" in (await inbox(chat, ann))[-1]
    await ann.says("/next")
    assert right_label(chat, item_text(ann)) is None
    assert "let in without the quiz" in await olga.says("/log")


async def test_practice_tells_the_answer_after_each_item_and_then_the_job_begins(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path, practice=2)
    ann = await chat.member("Ann")
    assert "2 items to practise on" in await ann.says("/next")
    assert "Practice 1 of 2" in await ann.taps("Start")
    never_due(chat)
    first = item_text(ann)
    heard = await answers_rightly(chat, ann)
    assert f"✓ “{first}”: right, “" in heard
    assert "Practice 2 of 2" in heard
    second = item_text(ann)
    heard = await answers_rightly(chat, ann, wrong=True)
    assert f"Just before: “{second}” is “" in heard
    assert "You said “" in heard
    assert heard.index("Just before") < heard.index(item_text(ann)), "it stands above the next item"
    assert "Practice" not in ann.transcript[-1]
    assert right_label(chat, item_text(ann)) is None
    assert qualification(chat, "Ann") == "passed"
    with chat.writing() as session:
        assert session.scalars(select(Participation.gold_count)).all() == [0], "practice is no test"


async def test_practice_and_then_a_quiz(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path, practice=1, quiz=2)
    ann = await chat.member("Ann")
    assert "Then comes a quiz of 2 items" in await ann.says("/next")
    await ann.taps("Start")
    assert "Quiz 1 of 2" in await answers_rightly(chat, ann)
    await answers_rightly(chat, ann)
    assert "Passed: 2 of 2" in await answers_rightly(chat, ann)


async def test_what_was_passed_is_asked_again_after_its_time(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path, quiz=1, qualification_days=30)
    ann = await chat.member("Ann")
    await ann.says("/next")
    await ann.taps("Start")
    await answers_rightly(chat, ann)
    await ann.taps("Good")
    held = item_text(ann)
    with chat.writing() as session:
        session.execute(update(Participation).values(qualified_at=now() - timedelta(days=31)))
    assert item_text(ann) == held
    assert "It is a while since you passed the quiz" in await ann.taps("Good"), "what was in hand could be answered"
    await ann.taps("Start")
    assert "Passed: 1 of 1" in await answers_rightly(chat, ann)


async def test_experts_and_those_at_work_need_no_quiz(chat: Chat, tmp_path: Path) -> None:
    olga, public_id = await posted(chat, tmp_path)
    ann, eva = await chat.member("Ann"), await chat.member("Eva", "expert")
    await ann.says("/next")
    await ann.taps("Good")
    await olga.taps_payload(f"goldset.{public_id}.quiz-1.0")
    await ann.taps("Good")
    assert "quiz" not in ann.transcript[-1].lower()
    assert "quiz" not in (await eva.says("/next")).lower()
    assert eva.buttons()[:2] == list(GOOD_BAD)
    bob = await chat.member("Bob")
    assert "short quiz" in await bob.says("/next")


async def test_a_job_with_a_quiz_keeps_nobody_from_other_work(chat: Chat, tmp_path: Path) -> None:
    _, public_id = await posted(chat, tmp_path, quiz=2)
    post(chat, "another job")
    ann = await chat.member("Ann")
    assert "another job" in await ann.says("/next")
    assert "short quiz" in await ann.says(f"/next {public_id}")
    await ann.taps("Start")
    assert "Quiz 1 of 2" in ann.transcript[-1]


async def test_a_job_without_known_items_can_ask_for_no_quiz(chat: Chat, tmp_path: Path) -> None:
    await posted(chat, tmp_path, "text\none\ntwo\n", quiz=5)
    ann = await chat.member("Ann")
    await ann.says("/next")
    assert item_text(ann) in ("one", "two")
    await ann.taps("Good")
    assert len(kept(chat)) == 1


async def test_start_buttons_of_other_workspaces_and_of_the_paused_do_nothing(chat: Chat, tmp_path: Path) -> None:
    _, public_id = await posted(chat, tmp_path, quiz=2)
    ann, olive = await chat.member("Ann"), await chat.member("Olive", "owner")
    await olive.says("/workspace new Birds")
    await olive.taps_payload(f"qualify.{public_id}..0")
    assert olive.refused == "project_unknown"
    await ann.says("/pause")
    await ann.taps_payload(f"qualify.{public_id}..0")
    assert ann.refused == "membership_paused"
    await ann.taps_payload("qualify.x..0")
    assert ann.refused is not None
