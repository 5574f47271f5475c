"""Coordinators say what the model of a job may do, read what it has done, and take that back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from core.accepting import ACCEPTING
from core.clock import now
from core.learning import load
from core.models import Item, LogEntry, ModelVersion, Prediction, Project, TrainingRun
from core.predictions import PRELABELED
from core.queue import ACCEPT, DEFAULT, queue
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.work import post, public_id

pytestmark = pytest.mark.usefixtures("chat")


async def opened(chat: Chat) -> tuple[Someone, int, str]:
    """Olga at the settings of a job."""
    project_id = post(chat, "sun", "rain", name="Weather")
    olga, job = await chat.member("Olga", "coordinator"), public_id(chat, project_id)
    await olga.says(f"/learning {job}")
    return olga, project_id, job


def stored(chat: Chat, project_id: int) -> dict[str, object]:
    """The settings as they are kept."""
    with chat.writing() as session:
        return dict(session.get_one(Project, project_id).learning)


def labeled(chat: Chat, project_id: int, state: str = "champion") -> int:
    """A champion that has labeled the first item of a job; its id."""
    with chat.writing() as session:
        run = TrainingRun(project_id=project_id, trigger="button", state="done", created_at=now())
        session.add(run)
        session.flush()
        note = {"threshold": 0.9, "held": 300, "bound": 0.05, "audit": 0.05, "count": 240, "wrong": 3, "may": True}
        version = ModelVersion(
            project_id=project_id,
            training_run_id=run.id,
            number=1,
            state=state,
            base_model="tiny",
            artifact="x/1",
            snapshot_hash="0" * 64,
            metrics={"holdout": {"accuracy": 0.8}, PRELABELED: now().isoformat(), ACCEPTING: note},
            created_at=now(),
            promoted_at=now(),
        )
        session.add(version)
        item = session.scalars(select(Item).where(Item.project_id == project_id).order_by(Item.id)).first()
        assert item is not None
        session.flush()
        label = session.get_one(Project, project_id).label_schema["labels"][0]["id"]
        session.add(
            Prediction(
                item_id=item.id,
                model_version_id=version.id,
                label_id=label,
                confidence=0.95,
                probabilities=[0.95, 0.05],
                created_at=now(),
            )
        )
        session.flush()
        item.state, item.label_id, item.confidence, item.decided_at = "accepted", label, 0.95, now()
        return version.id


async def test_all_settings_are_said_and_each_is_changed_and_undone(chat: Chat) -> None:
    olga, project_id, _ = await opened(chat)
    heard = "\n".join(olga.transcript)
    assert "What the model of “Weather” may do" in heard
    assert "All labels come from people" in heard
    assert "10% of all items" in heard
    assert "may the model label" in (await olga.taps("Labeling by itself")).lower()
    heard = await olga.taps("On")
    assert "✓ Saved" in heard
    assert "at most 5% of its labels are wrong" in heard
    assert stored(chat, project_id) == {"accept": True}
    await olga.taps("Wrong at most")
    assert "at most 2% of its labels are wrong" in await olga.taps("2%")
    heard = await olga.taps("↩ Undo")
    assert "at most 5% of its labels are wrong" in heard
    assert stored(chat, project_id) == {"accept": True}
    await olga.taps("How it learns")
    await olga.taps("Small parts (LoRA)")
    assert stored(chat, project_id) == {"accept": True, "method": "lora"}
    log = await olga.says("/log")
    assert "changed “Weather” what the model may do: labeling by itself on" in log
    assert "what the model may do: how it learns small parts (LoRA)" in log


async def test_a_second_tap_changes_nothing_and_offers_no_undo(chat: Chat) -> None:
    olga, project_id, _ = await opened(chat)
    await olga.taps("Hints")
    payload = olga.button("On").payload
    await olga.taps_payload(payload)
    heard = await olga.taps_payload(payload)
    assert "✓ Saved" not in heard
    assert not any(text.startswith("↩") for text in olga.buttons())
    assert load(stored(chat, project_id)).hints
    with chat.writing() as session:
        assert len(session.scalars(select(LogEntry).where(LogEntry.act == "edit")).all()) == 1


async def test_forged_buttons_change_nothing(chat: Chat) -> None:
    olga, project_id, job = await opened(chat)
    for argument in ("accept", "", "colour-1", "error-", "error-x", "error-999", "method-magic", "blind-2000"):
        await olga.taps_payload(f"learnset.{job}.{argument}.0")
        assert olga.refused in ("unknown_button", "bad_learning"), argument
    await olga.taps_payload(f"learning.{job}.colour.0")
    assert olga.refused == "unknown_button"
    assert stored(chat, project_id) == {}


async def test_only_coordinators_of_the_workspace_may(chat: Chat) -> None:
    _, project_id, job = await opened(chat)
    ann = await chat.member("Ann")
    await ann.says(f"/learning {job}")
    assert ann.refused == "unknown_command"
    for payload in (f"learnset.{job}.accept-1.0", f"untake.{job}.sure.0", f"learnform.{job}..0", f"learning.{job}..0"):
        await ann.taps_payload(payload)
        assert ann.refused == "unknown_button", payload
    olga = await chat.member("Oskar", "coordinator")
    for payload in ("learnset.aaaaaaaaaaaa.accept-1.0", "untake.aaaaaaaaaaaa.sure.0", "learning.aaaaaaaaaaaa..0"):
        await olga.taps_payload(payload)
        assert olga.refused == "project_unknown", payload
    assert stored(chat, project_id) == {}


async def test_the_form_changes_all_or_says_what_is_wrong(chat: Chat) -> None:
    olga, project_id, job = await opened(chat)
    assert "All in one form" not in olga.buttons()
    olga.person = replace(olga.person, forms=True)
    await olga.says(f"/learning {job}")
    await olga.taps("All in one form")
    await olga.fills(accept="1", accept_error="lots", blind_share="300")
    assert set(olga.problems) == {"accept_error", "blind_share"}
    assert stored(chat, project_id) == {}
    heard = await olga.fills(accept="1", accept_error="2.5 %", method="frozen")
    assert "✓ Saved" in heard
    assert stored(chat, project_id) == {"accept": True, "accept_error": 0.025, "method": "frozen"}


async def test_a_change_is_carried_out_by_a_job(chat: Chat) -> None:
    olga, project_id, _ = await opened(chat)
    version_id = labeled(chat, project_id)
    queue(DEFAULT, chat.redis).empty()
    await olga.taps("Wrong at most")
    await olga.taps("1%")
    jobs = queue(DEFAULT, chat.redis).jobs
    assert [(job.func_name, job.args) for job in jobs] == [(ACCEPT, [version_id])]


async def test_labels_are_taken_back_after_one_question(chat: Chat) -> None:
    olga, project_id, job = await opened(chat)
    version_id = labeled(chat, project_id)
    heard = await olga.says(f"/learning {job}")
    assert "Model v1 has labeled 1 item by itself" in heard
    assert "Model v1 has labeled 1 item by itself" in await olga.says(f"/status {job}")
    await olga.says(f"/learning {job}")
    assert "Take back all labels" in await olga.taps("Take its labels back")
    heard = await olga.taps("Yes, take them back")
    assert "(The labels are being taken back.)" in heard
    assert "as you wished" in heard
    assert load(stored(chat, project_id)).accept is False
    with chat.writing() as session:
        assert session.get_one(ModelVersion, version_id).metrics[ACCEPTING]["retreat"]["reason"] == "button"
    assert "(There was nothing to take back.)" in await olga.taps_payload(f"untake.{job}.sure.0")
    assert "took back the labels of the model of “Weather”" in await olga.says("/log")
