"""Two workspaces side by side: no command and no button of one reaches a row of the other."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, func, select, update

from bot.routes import COMMANDS, TAPS
from bot.tokens import make
from core.assignment import next_assignment
from core.clock import now
from core.config import Settings
from core.db import reading
from core.db.tables import table_of
from core.enrolment import ROLES, create_invite
from core.labeling import skip, submit
from core.labels import choice
from core.models import (
    Assignment,
    Base,
    Batch,
    Dialogue,
    ExportRequest,
    Identity,
    Item,
    Membership,
    OutboxMessage,
    Participation,
    Project,
    TrainingRun,
    Upload,
    Worker,
    Workspace,
)
from core.projects import create_project
from tests.factories import add_items
from tests.fakes.chat import Chat, Someone

SECRET = "sunken treasure"
"""In every text of the other workspace; nobody here may ever read it."""
ROWS_OF_THE_SPEAKER = {"identity", "dialogue"}
WITHOUT_IDS = {
    "about",
    "again",
    "agree",
    "begin",
    "currency",
    "decline",
    "goal",
    "invite",
    "jobs",
    "locale",
    "log",
    "noerase",
    "postform",
    "quiet",
    "reads",
    "resume",
    "sample",
    "speak",
    "workers",
    "zone",
}
"""Verbs of buttons that name nothing but the person themselves."""


@dataclass
class Other:
    """The other workspace: a project with an item in each state, people who hold and have answered, a file."""

    workspace_id: int
    project_id: int
    project: str
    items: dict[str, str]
    assignments: dict[str, str]
    upload: str

    @property
    def ids(self) -> list[str]:
        """Every public id there is."""
        return [self.project, *self.items.values(), *self.assignments.values(), self.upload]


@pytest.fixture
async def chat(settings: Settings, engine: Engine, redis: Redis) -> AsyncIterator[Chat]:
    """A bot with its own database and Valkey."""
    made = Chat(settings, engine, redis)
    yield made
    made.close()


async def join(chat: Chat, workspace_id: int, name: str, role: str) -> Someone:
    """A new member of a workspace."""
    with chat.writing() as session:
        code = create_invite(session, workspace_id, role, 1, now())
    person = chat.someone(name)
    await person.says(f"/start {code}")
    await person.agrees()
    assert person.refused is None
    person.transcript.clear()
    return person


async def make_other(chat: Chat, tmp_path: Path) -> Other:
    """The other workspace, with people of every role."""
    with chat.writing() as session:
        here, there = (Workspace(name=name, created_at=now()) for name in ("Here", SECRET))
        session.add(here)
        session.flush()
        session.add(there)
        session.flush()
        workspace_id = there.id
    people = {role: await join(chat, workspace_id, f"there-{role}", role) for role in ROLES}
    file = tmp_path / "secret.csv"
    file.write_text(f"id,text\n1,{SECRET} in a file\n")
    await people["owner"].uploads(file)
    worker_id = {role: _worker_id(chat, person) for role, person in people.items()}
    with chat.writing() as session:
        project = create_project(
            session,
            workspace_id=workspace_id,
            worker_id=worker_id["owner"],
            question=f"Where is the {SECRET}?",
            schema=choice.make(("Yes", "No")),
            now=now(),
            min_overlap=1,
            max_overlap=2,
        )
        add_items(session, project, [f"{SECRET} {number}" for number in range(6)], now())
        assignments = _answers(session, project, worker_id["worker"], worker_id["expert"])
        disputed = session.scalars(select(Item).where(Item.project_id == project.id).order_by(Item.id.desc())).first()
        assert disputed is not None
        disputed.state = "disputed"
        session.flush()
        items = {item.state: item.public_id for item in session.scalars(select(Item).order_by(Item.id))}
        upload = session.scalars(select(Upload.public_id)).one()
        return Other(workspace_id, project.id, project.public_id, items, assignments, upload)


def _answers(session: Any, project: Project, worker_id: int, second_id: int) -> dict[str, str]:
    """One assignment in each state that a tap could change."""
    made = {}
    for state in ("submitted", "skipped", "active"):
        lease = next_assignment(session, project, worker_id, "web", now())
        assert lease is not None
        keys: dict[str, Any] = {
            "worker_id": worker_id,
            "assignment_public_id": lease.public_id,
            "version": 1,
            "now": now(),
        }
        if state == "submitted":
            submit(session, label_id="a", **keys)
        elif state == "skipped":
            skip(session, **keys)
        made[state] = lease.public_id
    expired = next_assignment(session, project, second_id, "web", now())
    assert expired is not None
    session.execute(update(Assignment).where(Assignment.id == expired.assignment_id).values(state="expired"))
    session.execute(update(Item).where(Item.id == expired.item_id).values(leased=Item.leased - 1))
    return made | {"expired": expired.public_id}


def _worker_id(chat: Chat, person: Someone) -> int:
    with reading(chat.engine) as session:
        found = select(Identity.worker_id).where(Identity.external_id == person.person.external_id)
        return session.scalars(found).one()


def snapshot(engine: Engine, workspace_id: int | None = None) -> dict[str, list[Any]]:
    """All rows of all tables, or of those that belong to a workspace, without what a person's own visit changes."""
    rows = {}
    with reading(engine) as session:
        for table in Base.metadata.sorted_tables:
            if table.name in ROWS_OF_THE_SPEAKER | {"job_tally"}:
                continue
            statement = select(table).order_by(*table.primary_key)
            if workspace_id is not None and "workspace_id" in table.c:
                statement = statement.where(table.c.workspace_id == workspace_id)
            elif workspace_id is not None and "project_id" in table.c:
                project = table_of(Project)
                inside = select(project.c.id).where(project.c.workspace_id == workspace_id)
                statement = statement.where(table.c.project_id.in_(inside))
            elif workspace_id is not None:
                continue
            rows[table.name] = [tuple(row) for row in session.execute(statement)]
    return rows


def changed(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[str]:
    """Names of the tables whose rows differ."""
    return [name for name in before if before[name] != after[name]]


async def test_buttons_about_oneself_take_no_notice_of_ids(chat: Chat, tmp_path: Path) -> None:
    other = await make_other(chat, tmp_path)
    stranger = await join(chat, other.workspace_id - 1, "here", "owner")
    before = snapshot(chat.engine, other.workspace_id)
    for payload in payloads(other, WITHOUT_IDS):
        assert SECRET not in await stranger.taps_payload(payload)
    assert changed(before, snapshot(chat.engine, other.workspace_id)) == []


def payloads(other: Other, verbs: Iterable[str]) -> list[str]:
    """Every verb with every id of the other workspace, and every argument that any card uses."""
    arguments = ("", "a", "add", "post")
    return [
        make(verb, public_id, argument, version)
        for verb in sorted(verbs)
        for public_id in other.ids
        for argument in arguments
        for version in (1, 2)
    ]


@pytest.mark.parametrize("role", ROLES)
async def test_every_button_with_ids_of_another_workspace_is_refused(chat: Chat, tmp_path: Path, role: str) -> None:
    other = await make_other(chat, tmp_path)
    stranger = await join(chat, other.workspace_id - 1, f"here-{role}", role)
    before = snapshot(chat.engine)
    for payload in payloads(other, set(TAPS) - WITHOUT_IDS):
        heard = await stranger.taps_payload(payload)
        assert SECRET not in heard
        assert stranger.refused is not None, f"{payload} was answered: {heard}"
    assert changed(before, snapshot(chat.engine)) == []


COMMANDS_THAT_NAME_A_PROJECT = {
    "start",
    "next",
    "status",
    "export",
    "train",
    "edit",
    "close",
    "open",
    "settle",
    "audit",
}


@pytest.mark.parametrize("role", ROLES)
async def test_every_command_with_ids_of_another_workspace_reaches_nothing(
    chat: Chat, tmp_path: Path, role: str
) -> None:
    other = await make_other(chat, tmp_path)
    stranger = await join(chat, other.workspace_id - 1, f"here-{role}", role)
    before = snapshot(chat.engine, other.workspace_id)
    for name in COMMANDS:
        for argument in ("", *other.ids, f"annotations jsonl {other.project}"):
            heard = await stranger.says(f"/{name} {argument}".strip())
            assert SECRET not in heard, f"/{name} {argument}"
            if argument and name in COMMANDS_THAT_NAME_A_PROJECT:
                assert stranger.refused is not None, f"/{name} {argument} was answered: {heard}"
    assert changed(before, snapshot(chat.engine, other.workspace_id)) == []
    with reading(chat.engine) as session:
        for model in (ExportRequest, TrainingRun):
            assert session.scalar(select(func.count()).select_from(model)) == 0
        mine = select(Participation).where(Participation.worker_id == _worker_id(chat, stranger))
        assert session.scalars(mine).all() == []


async def test_files_of_another_workspace_cannot_be_posted_and_its_jobs_not_added_to(
    chat: Chat, tmp_path: Path
) -> None:
    other = await make_other(chat, tmp_path)
    stranger = await join(chat, other.workspace_id - 1, "here-owner", "owner")
    file = tmp_path / "mine.csv"
    file.write_text("id,text\n1,mine\n")
    before = snapshot(chat.engine, other.workspace_id)
    assert "no job" in (await stranger.uploads(file, f"/add {other.project}")).lower()
    assert stranger.refused == "project_unknown"
    with chat.writing() as session:  # a job of their own, so that they are asked whether to add to it
        own = {"question": "Mine?", "schema": choice.make(("Yes", "No")), "now": now()}
        worker_id = _worker_id(chat, stranger)
        create_project(session, workspace_id=other.workspace_id - 1, worker_id=worker_id, **own)  # type: ignore[arg-type]
    await stranger.uploads(file)
    forged = re.sub(r"^post\.[^.]*\.[^.]*", f"post.{other.project}.add", stranger.button("New job").payload)
    await stranger.taps_payload(forged)
    assert stranger.refused == "project_unknown"
    await stranger.taps("New job")
    await stranger.says("Mine?")
    await stranger.says("Yes | No")
    with chat.writing() as session:  # a dialogue that was tampered with, or whose person has moved
        mine = select(Identity.id).where(Identity.external_id == stranger.person.external_id)
        dialogue = session.get_one(Dialogue, session.scalars(mine).one())
        dialogue.data = dialogue.data | {"upload": other.upload}
    await stranger.taps("Preview")
    await stranger.taps("Post")
    assert stranger.refused == "upload_gone"
    with reading(chat.engine) as session:
        assert session.scalars(select(Batch.id).where(Batch.state == "loading")).all() == []
    assert changed(before, snapshot(chat.engine, other.workspace_id)) == []


async def member_of_both(chat: Chat, first_id: int, second_id: int) -> Someone:
    """Somebody who joined the first workspace, and then the second, in which they act now."""
    person = await join(chat, first_id, "both", "worker")
    with chat.writing() as session:
        code = create_invite(session, second_id, "worker", 1, now())
    first = await person.says("/next")
    assert SECRET in first
    card = person.card
    await person.says(f"/start {code}")
    await person.agrees()
    person.card = card
    return person


async def test_a_card_of_the_workspace_one_has_left_is_refused_and_gives_nothing_new(
    chat: Chat, tmp_path: Path
) -> None:
    other = await make_other(chat, tmp_path)
    both = await member_of_both(chat, other.workspace_id, other.workspace_id - 1)
    before = snapshot(chat.engine, other.workspace_id)
    for button in ("Yes", "Skip"):
        heard = await both.taps(button)
        assert both.refused == "not_your_assignment"
        assert SECRET not in heard
    assert SECRET not in await both.says("/next")
    assert SECRET not in await both.says("/undo")
    assert "Where is" not in await both.says("/stats")
    assert changed(before, snapshot(chat.engine, other.workspace_id)) == []


async def test_a_pause_in_one_workspace_leaves_the_other_alone(chat: Chat, tmp_path: Path) -> None:
    other = await make_other(chat, tmp_path)
    both = await member_of_both(chat, other.workspace_id, other.workspace_id - 1)
    before = snapshot(chat.engine, other.workspace_id)
    assert both.refused is None
    await both.says("/pause")
    assert changed(before, snapshot(chat.engine, other.workspace_id)) == []
    with reading(chat.engine) as session:
        states = select(Membership.status).where(Membership.worker_id == _worker_id(chat, both))
        assert sorted(session.scalars(states)) == ["active", "paused"]


async def test_offers_stay_within_the_workspace(chat: Chat, tmp_path: Path) -> None:
    from core.offers import offer_work

    other = await make_other(chat, tmp_path)
    stranger = await join(chat, other.workspace_id - 1, "here-worker", "worker")
    both = await member_of_both(chat, other.workspace_id, other.workspace_id - 1)
    with chat.writing() as session:
        session.execute(update(Participation).values(state="idle"))
        session.execute(update(Assignment).where(Assignment.state == "active").values(state="released"))
        session.execute(update(Item).values(leased=0))
    with chat.writing() as session:
        offer_work(session, other.project_id, now())
        asked = set(session.scalars(select(OutboxMessage.worker_id)))
    assert asked
    assert not asked & {_worker_id(chat, stranger), _worker_id(chat, both)}


@pytest.mark.parametrize("role", ["coordinator", "owner"])
async def test_people_and_communities_of_another_workspace_are_not_to_be_had(
    chat: Chat, tmp_path: Path, role: str
) -> None:
    other = await make_other(chat, tmp_path)
    stranger = await join(chat, other.workspace_id - 1, f"here-{role}", role)
    before = snapshot(chat.engine)
    with reading(chat.engine) as session:
        there = select(Membership.worker_id).where(Membership.workspace_id == other.workspace_id)
        people = session.scalars(select(Worker.public_id).where(Worker.id.in_(there))).all()
        workspace = session.scalars(select(Workspace.public_id).where(Workspace.id == other.workspace_id)).one()
    verbs = {"member": [""], "mact": ["suspend", "ban", "ban-sure", "reask", "reask-sure"], "mrole": ["", *ROLES]}
    taps = [make(verb, one, what) for verb, whats in verbs.items() for what in whats for one in people]
    for payload in [*taps, *(make("erase", one) for one in people), make("inws", workspace)]:
        heard = await stranger.taps_payload(payload)
        assert stranger.refused is not None, f"{payload} was answered: {heard}"
        assert "there-" not in heard
    for said in ("/workers", "/workers there", "/role", "/log", "/workspace"):
        heard = await stranger.says(said)
        assert SECRET not in heard, said
        assert not re.search("there-(worker|expert|coordinator|owner)", heard), said
    assert changed(before, snapshot(chat.engine)) == []


async def test_somebody_in_both_workspaces_sees_the_people_of_the_one_they_act_in(chat: Chat, tmp_path: Path) -> None:
    other = await make_other(chat, tmp_path)
    both = await join(chat, other.workspace_id - 1, "both", "owner")
    with chat.writing() as session:
        code = create_invite(session, other.workspace_id, "owner", 1, now())
    await both.says(f"/start {code}")
    assert "there-worker" in await both.says("/workers")
    await both.says("/workspace")
    await both.taps("Here")
    for said in ("/workers", "/log", "/status", "/jobs", "/next", "/stats"):
        heard = await both.says(said)
        assert SECRET not in heard, said
        assert "there-" not in heard, said
