"""Who may post, and to which jobs."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select, update

from core.models import LogEntry, Membership, Project, Workspace
from tests.factories import make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.files import write
from tests.integration.dialogues.members import outsider
from tests.integration.dialogues.posting import at_the_hub, projects


async def test_workers_neither_post_nor_learn_of_it(chat: Chat, tmp_path: Path) -> None:
    ann = await chat.member("Ann")
    assert "do not know /post" in await ann.says("/post")
    assert "takes the role of coordinator" in await ann.uploads(write(tmp_path))
    for payload in ("post..new.1", "post..post.1", "postform...0", "sample...0"):
        await ann.taps_payload(payload)
        assert ann.refused == "unknown_button"
    assert projects(chat) == []


async def test_who_is_no_coordinator_any_more_cannot_go_on(chat: Chat, tmp_path: Path) -> None:
    olga = await at_the_hub(chat, tmp_path)
    payload = olga.button("Preview").payload
    with chat.writing() as session:
        session.execute(update(Membership).values(role="worker"))
    assert "/next" in await olga.says("1-2")
    await olga.taps_payload(payload)
    assert olga.refused == "unknown_button"


async def test_the_jobs_of_another_workspace_are_not_offered(chat: Chat, tmp_path: Path) -> None:
    with chat.writing() as session:
        theirs = make_project(session, ["one"], ("Good", "Bad"), name="Theirs")
    olga = await outsider(chat, "Olga", "coordinator")
    assert "What is the question?" in await olga.uploads(write(tmp_path)), "there is nothing to add to"
    assert "no job with the id" in await olga.uploads(write(tmp_path), f"/add {theirs.public_id}")
    await olga.uploads(write(tmp_path), "/post Mine? | Good | Bad")
    with chat.writing() as session:
        other_id = session.scalars(select(Workspace.id).where(Workspace.name == "Elsewhere")).one()
        assert session.scalars(select(Project.workspace_id).order_by(Project.id.desc())).first() == other_id
        posted = session.scalars(select(LogEntry.workspace_id).where(LogEntry.act == "post")).all()
    assert posted[-1] == other_id
