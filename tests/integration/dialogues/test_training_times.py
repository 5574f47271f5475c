"""Coordinators say when a model is trained by itself, after the job was posted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.clock import now
from core.models import Project
from core.training import due_by_cron
from tests.fakes.chat import Chat
from tests.integration.dialogues.test_learning_settings import opened

pytestmark = pytest.mark.usefixtures("chat")
LONG_CRON = ",".join(map(str, range(60))) + " * * * *"


def times(chat: Chat, project_id: int) -> tuple[int, str]:
    """The threshold and the cron string as they are kept."""
    with chat.writing() as session:
        project = session.get_one(Project, project_id)
        return project.retrain_threshold, project.retrain_cron


async def test_the_card_says_both_and_each_is_changed_and_undone(chat: Chat) -> None:
    olga, project_id, _ = await opened(chat)
    heard = "\n".join(olga.transcript)
    assert "Trains by itself after 200 newly decided items, once that is also 20% more than last time." in heard
    assert "Trains by itself each night at 03:00 UTC, where there are new labels." in heard
    assert "Now: 200." in await olga.taps("After how many items")
    assert "after 50 newly decided items" in await olga.taps("50")
    assert times(chat, project_id)[0] == 50
    assert "after 200 newly decided items" in await olga.taps("↩ Undo")
    assert "Now: each night at 03:00 UTC." in await olga.taps("At set times")
    heard = await olga.taps("Off")
    assert "✓ Saved" in heard
    assert "Does not train by the clock." in heard
    await olga.taps("After how many items")
    assert "Send /train when you want a new model" in await olga.taps("Off")
    assert times(chat, project_id) == (0, "")
    log = await olga.says("/log")
    assert "newly decided items: 50" in log
    assert "training times: off" in log


async def test_other_values_are_written_as_in_a_caption(chat: Chat) -> None:
    olga, project_id, _ = await opened(chat)
    await olga.taps("After how many items")
    await olga.says("0")
    assert olga.refused == "bad_option"
    await olga.says("retrain = 300")
    assert times(chat, project_id)[0] == 300
    await olga.taps("At set times")
    for wrong in ("at night", "@daily", "0 3 * *", LONG_CRON):
        await olga.says(wrong)
        assert olga.refused == "bad_cron", wrong
    assert "at 30 6 * * 1-5 (cron, UTC)" in await olga.says("30  6 * * 1-5")
    await olga.taps("At set times")
    await olga.taps("Each hour")
    assert "at 30 6 * * 1-5 (cron, UTC)" in await olga.taps("↩ Undo")
    assert times(chat, project_id) == (300, "30 6 * * 1-5")


async def test_a_second_tap_changes_nothing_and_the_way_back_ends_the_step(chat: Chat) -> None:
    olga, project_id, job = await opened(chat)
    await olga.taps("After how many items")
    payload = olga.button("50").payload
    await olga.taps_payload(payload)
    undo = olga.button("↩ Undo").payload
    assert "✓ Saved" not in await olga.taps_payload(payload)
    await olga.taps_payload(undo)
    assert olga.refused in ("stale_button", "no_dialogue")
    await olga.taps("At set times")
    await olga.taps("Back")
    await olga.says("0 0 * * *")
    assert times(chat, project_id) == (50, "0 3 * * *")
    for argument in ("cron-never", "retrain-7", "colour-1", "undo"):
        await olga.taps_payload(f"learnwhen.{job}.{argument}.0")
        assert olga.refused in ("unknown_button", "no_dialogue"), argument


async def test_only_coordinators_of_the_workspace_may(chat: Chat) -> None:
    _, project_id, job = await opened(chat)
    ann = await chat.member("Ann")
    await ann.taps_payload(f"learnwhen.{job}.retrain-50.0")
    assert ann.refused == "unknown_button"
    oskar = await chat.member("Oskar", "coordinator")
    await oskar.taps_payload("learnwhen.aaaaaaaaaaaa.retrain-50.0")
    assert oskar.refused == "project_unknown"
    assert times(chat, project_id) == (200, "0 3 * * *")


async def test_the_form_has_both(chat: Chat) -> None:
    olga, project_id, job = await opened(chat)
    olga.person = replace(olga.person, forms=True)
    await olga.says(f"/learning {job}")
    await olga.taps("All in one form")
    await olga.fills(retrain_threshold="many", retrain_cron="never", accept="1")
    assert set(olga.problems) == {"retrain_threshold", "retrain_cron"}
    assert times(chat, project_id) == (200, "0 3 * * *")
    assert "✓ Saved" in await olga.fills(retrain_threshold="off", retrain_cron="0 3 * * 1")
    assert times(chat, project_id) == (0, "0 3 * * 1")


async def test_a_new_time_counts_from_now_and_a_new_threshold_is_looked_at(chat: Chat) -> None:
    olga, project_id, _ = await opened(chat)
    with chat.writing() as session:
        session.get_one(Project, project_id).cron_checked_at = now() - timedelta(days=30)
    await olga.taps("At set times")
    await olga.taps("Each Monday at 03:00 UTC")
    with chat.writing() as session:
        project = session.get_one(Project, project_id)
        seen = project.cron_checked_at
        assert seen > now() - timedelta(minutes=5)
        due_by_cron(session, project, seen)
        assert project.cron_checked_at == seen, "it has not fired since"
    await olga.taps("After how many items")
    await olga.taps("50")
    assert chat.redis.keys(f"rq:job:reestimate-{project_id}-*")
