"""Coordinators look at the report on a model: its picture, what to label next, the whole card as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.surface import Edit, MessageRef, Tapped
from bot.tokens import make
from core.champions import promote_if_better
from core.clock import now
from core.config import Settings
from core.models import ModelVersion, TrainingRun, Workspace
from tests.factories import make_project
from tests.fakes.chat import Chat, Someone
from tests.integration.dialogues.test_models import Learned, scores

ADVICE = {"kind": "class", "count": 120, "label_id": "b", "gain": 0.021, "rest": 0.003}


def measured(advice: dict[str, Any] | None = ADVICE) -> dict[str, Any]:
    """What a run measures, as far as a report shows it."""
    base = scores(0.84)
    held = base["holdout"] | {"accuracy_low": 0.79, "accuracy_high": 0.88, "n": 210}
    gate = {"promote": True, "reason": "gate_first", "params": {}}
    return base | {"holdout": held, "gate": gate} | ({"advice": advice} if advice else {})


async def replaces(someone: Someone, payload: str) -> bool:
    """Whether what a button brings takes the place of the message that it stands under."""
    outcome = await someone.chat.dispatch(Tapped(someone.person, payload, MessageRef(someone.person.address, "1")))
    assert outcome.replies
    return any(isinstance(reply, Edit) for reply in outcome.replies)


@pytest.fixture
def learned(chat: Chat, settings: Settings) -> Learned:
    """A job with three versions without a report, and a fourth with one."""
    made = Learned(chat, settings)
    made.add(4, "held", measured())
    (made.directory(4) / "model-card.md").write_text("# A card")
    (made.directory(4) / "model-card.png").write_bytes(b"png")
    return made


async def test_a_version_with_a_card_has_a_report(learned: Learned) -> None:
    olga = await learned.chat.member("Olga", "coordinator")
    await olga.says("/models")
    assert [text for text in olga.buttons() if text.startswith("Report")] == ["Report on v4"]
    said = await olga.taps("Report on v4")
    assert "model v4 was right on 84.0% of 210 items" in said
    assert "likely between 79% and 88%" in said
    assert "120 more of “" in said
    assert "would help most, by about 2.1 points; 120 more of the rest would add about 0.3 points" in said
    assert "Everything about model v4" in said


async def test_a_report_says_whether_the_version_is_in_use(learned: Learned) -> None:
    olga = await learned.chat.member("Olga", "coordinator")
    await olga.says("/models")
    assert "It is not in use now; v2 is." in await olga.taps("Report on v4")
    with learned.chat.writing() as session:
        versions = {one.number: one for one in session.scalars(select(ModelVersion))}
        versions[2].state = "retired"
    await olga.says("/models")
    assert "It is not in use now; no model is." in await olga.taps("Report on v4")
    with learned.chat.writing() as session:
        version = session.get_one(ModelVersion, versions[4].id)
        version.state = "champion"
    await olga.says("/models")
    assert "It is in use now." in await olga.taps("Report on v4")
    held = {"promote": False, "reason": "held_unproven", "params": {"won": 1, "lost": 1}}
    with learned.chat.writing() as session:
        version = session.get_one(ModelVersion, versions[4].id)
        version.metrics = version.metrics | {"gate": held}
    await olga.says("/models")
    assert "in use now, because somebody chose it" in await olga.taps("Report on v4")


async def test_what_a_report_leads_to_leaves_it_where_it_is(learned: Learned) -> None:
    olga = await learned.chat.member("Olga", "coordinator")
    await olga.says("/models")
    await olga.taps("Report on v4")
    assert not await replaces(olga, olga.button("Models").payload)


async def test_a_picture_that_is_lost_leaves_the_words(learned: Learned) -> None:
    olga = await learned.chat.member("Olga", "coordinator")
    (learned.directory(4) / "model-card.png").unlink()
    await olga.says("/models")
    assert "120 more of" in await olga.taps("Report on v4")


async def test_a_card_that_is_gone_is_said(learned: Learned) -> None:
    olga = await learned.chat.member("Olga", "coordinator")
    await olga.says("/models")
    (learned.directory(4) / "model-card.md").unlink()
    assert "no report on model v4 any more" in await olga.taps("Report on v4")
    assert "no report on model v1 any more" in await olga.taps_payload(make("modelcard", learned.job, "1"))


@pytest.mark.parametrize("number", ["9", "x", ""])
async def test_a_forged_number_finds_nothing(learned: Learned, number: str) -> None:
    olga = await learned.chat.member("Olga", "coordinator")
    assert "There is no such model" in await olga.taps_payload(make("modelcard", learned.job, number))


async def test_workers_and_other_workspaces_see_nothing(learned: Learned) -> None:
    payload = make("modelcard", learned.job, "4")
    walt = await learned.chat.member("Walt")
    assert "84.0%" not in await walt.taps_payload(payload)
    olga = await learned.chat.member("Olga", "coordinator")
    with learned.chat.writing() as session:
        elsewhere = Workspace(name="Elsewhere", created_at=now())
        session.add(elsewhere)
        session.flush()
        other = make_project(session, ["one"], name="Other")
        other.workspace_id = elsewhere.id
        job = other.public_id
    assert "84.0%" not in await olga.taps_payload(make("modelcard", job, "4"))


async def test_the_report_comes_after_a_run(learned: Learned, settings: Settings, tmp_path: Path) -> None:
    chat = learned.chat
    olga = await chat.member("Olga", "coordinator")
    picture = learned.directory(4) / "model-card.png"
    with chat.writing() as session:
        version = session.scalars(select(ModelVersion).where(ModelVersion.number == 4)).one()
        run = session.get_one(TrainingRun, version.training_run_id)
        promote_if_better(session, run, version, now(), str(picture))
    await chat.deliver()
    message = chat.surface.sent[-1][1]
    assert "is right on 84.0%" in message.text
    assert "120 more of" in message.text
    assert message.attachment is not None
    assert message.attachment.path == str(picture)
    use, versions = (button for row in message.buttons for button in row)
    assert (use.text, versions.text) == ("Use v4", "Models")
    assert not await replaces(olga, use.payload)
    assert not await replaces(olga, versions.payload)
    await olga.says("/models")
    assert await replaces(olga, olga.button("Use v4").payload)
