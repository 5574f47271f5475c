"""/cancel leaves whatever somebody is typing, and says so where there is nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models import Dialogue
from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.posting import at_the_hub, projects


def standing(chat: Chat) -> list[str]:
    """The dialogues that somebody stands in."""
    with chat.writing() as session:
        return [dialogue.name for dialogue in session.query(Dialogue)]


async def test_a_job_that_is_being_posted(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    assert standing(chat) == ["post"]
    assert await olga.says("/cancel") == "Cancelled. Nothing was posted."
    assert standing(chat) == []
    assert projects(chat) == []
    assert "nothing to cancel" in await olga.says("/cancel"), "the second time"
    await olga.taps("Preview")
    assert olga.refused == "no_dialogue", "a button of what was cancelled"


async def test_a_change_of_a_job(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        project = make_project(session, name="Weather")
    await olga.says(f"/edit {project.public_id}")
    await olga.taps("Name")
    assert standing(chat) == ["edit"]
    assert "Cancelled." in await olga.says("/cancel")
    await olga.says("Another name")
    with chat.writing() as session:
        assert session.get_one(type(project), project.id).name == "Weather"


@pytest.mark.parametrize("role", ["worker", "owner"])
async def test_nothing_is_being_typed(chat: Chat, role: str) -> None:
    ann = await chat.member("Ann", role)
    assert await ann.says("/cancel") == "There is nothing to cancel. Send /help to see what you can do here."
    assert "/cancel" not in await ann.says("/help")
