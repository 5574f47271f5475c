"""/quality and the aim of a job, as dialogues."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models import Project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.files import write
from tests.integration.dialogues.posting import at_the_hub, projects


async def with_a_job(chat: Chat, tmp_path: Path, options: str = "overlap=3-8") -> Someone:
    """A coordinator who has posted a job."""
    olga = await chat.member("Olga", "coordinator")
    await olga.uploads(write(tmp_path), f"/post How is the weather? | Good | Bad | {options}")
    return olga


def job(chat: Chat) -> Project:
    return projects(chat)[0]


async def test_one_card_says_what_makes_sure_of_the_labels(chat: Chat, tmp_path: Path) -> None:
    olga = await with_a_job(chat, tmp_path)
    heard = await olga.says("/quality")
    for words in ("an error costs as much as 20 answers", "3 to 8", "Known answers", "Quiz", "Rules", "Pilot"):
        assert words in heard
    assert olga.buttons() == ["Aim", "Known answers", "Rules", "Checks", "Pilot"]


async def test_an_aim_is_chosen_by_button_and_in_words(chat: Chat, tmp_path: Path) -> None:
    olga = await with_a_job(chat, tmp_path)
    await olga.says("/quality")
    await olga.taps("Aim")
    assert "95% right" in olga.buttons()
    heard = await olga.taps("95% right")
    assert "Saved" in heard
    assert (job(chat).aim, job(chat).target_accuracy) == ("accuracy", 0.95)
    assert "95% right" not in olga.buttons(), "what is chosen is not offered"
    await olga.says("at most 300 answers")
    assert (job(chat).aim, job(chat).answer_budget) == ("budget", 300)
    await olga.says("error 20")
    assert (job(chat).aim, job(chat).error_cost, job(chat).information) == ("error_cost", 20.0, None)
    heard = await olga.taps("Back")
    assert "an error costs as much as 20 answers" in heard


async def test_money_is_so_many_answers(chat: Chat, tmp_path: Path) -> None:
    olga = await with_a_job(chat, tmp_path, "price=0.05")
    await olga.says("/quality")
    await olga.taps("Aim")
    heard = await olga.says("at most 60 USD")
    assert job(chat).answer_budget == 1200
    assert "1,200 answers ($60.00)" in heard


@pytest.mark.parametrize(
    ("words", "reason"),
    [("good", "did not understand"), ("60 USD", "costs nothing"), ("100 %", "from 50% to 99.9%")],
)
async def test_what_cannot_be_is_said_and_nothing_changes(chat: Chat, tmp_path: Path, words: str, reason: str) -> None:
    olga = await with_a_job(chat, tmp_path)
    await olga.says("/quality")
    await olga.taps("Aim")
    assert reason in await olga.says(words)
    assert job(chat).aim == "error_cost"
    await olga.says("95 %")
    assert job(chat).aim == "accuracy", "the question still stands"


async def test_a_stale_button_a_worker_and_a_forged_one_change_nothing(chat: Chat, tmp_path: Path) -> None:
    olga = await with_a_job(chat, tmp_path)
    ann = await chat.member("Ann")
    await olga.says("/quality")
    await olga.taps("Aim")
    payload = olga.button("95% right").payload
    await olga.taps("90% right")
    await olga.taps_payload(payload)
    assert job(chat).target_accuracy == 0.9
    await ann.taps_payload(payload)
    await ann.says("/quality")
    await ann.taps_payload(f"quality.{job(chat).public_id}..0")
    await olga.taps_payload(f"aim.{job(chat).public_id}.77.{payload.rsplit('.', 1)[1]}")
    await olga.taps_payload("aim.nosuchjobnosuch2.1.1")
    assert job(chat).target_accuracy == 0.9
    assert all("What makes sure" not in line for line in ann.transcript)


async def test_plain_words_after_the_section_was_left_are_no_aim(chat: Chat, tmp_path: Path) -> None:
    olga = await with_a_job(chat, tmp_path)
    await olga.says("/quality")
    await olga.taps("Aim")
    await olga.taps("Back")
    await olga.says("95 %")
    assert job(chat).aim == "error_cost"


async def test_without_a_job_there_is_nothing_to_make_sure_of(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.says("/quality")
    assert "job" in heard
    assert olga.card is None or "Aim" not in olga.buttons()


async def test_posting_says_that_the_aim_decides_and_lets_it_be_changed(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    heard = await olga.taps("Answers per item")
    assert "the aim decides" in heard
    assert "an error costs as much as 20 answers" in heard
    await olga.taps("Aim")
    await olga.taps("95% right")
    await olga.taps("Answers per item")
    await olga.taps("3 to 5")
    await olga.taps("Preview")
    await olga.taps("Post")
    assert (job(chat).aim, job(chat).target_accuracy, job(chat).max_overlap) == ("accuracy", 0.95, 5)


async def test_a_caption_sets_the_aim_too(chat: Chat, tmp_path: Path) -> None:
    await with_a_job(chat, tmp_path, "aim=at most 500 answers")
    assert (job(chat).aim, job(chat).answer_budget) == ("budget", 500)
