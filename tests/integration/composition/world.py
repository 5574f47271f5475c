"""One job with its people, and what an outsider keeps of it: a journal of all that was acknowledged to somebody."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.surface import Person
from core.due import offer_effect
from core.effects import add_effect
from core.enrolment import Account, find_account
from core.errors import LightworkError
from core.gold_pool import set_aside
from core.models import Gold, Identity, Item, Project
from core.runtime import Runtime
from tests.factories import FakeClock, add_items, make_member, make_project

SURFACE = "web"
T = TypeVar("T")
LABELS = ("Yes", "No", "Maybe")
TRUE_LABELS = "ab"
"""Only two of the labels are ever true."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An answer that was acknowledged: whose, about which item, which label, at which price."""

    worker_id: int
    item_id: int
    label_id: str
    price: int


@dataclass(slots=True)
class Journal:
    """What people were told, written down when they were told it.

    answers: by the public id of the assignment. verdicts: by item, the label, or nothing where nobody can answer it.
    gold: by item, the known label. audited: public ids of annotations that an expert rejected.
    promoted: items among them whose label is known by a verdict. said: expert, item and stamp of the last verdict.
    shut_out: workers who were ever banned or paused in the job. taps: buttons that are still on somebody's screen.
    """

    answers: dict[str, Entry] = field(default_factory=dict)
    verdicts: dict[int, str | None] = field(default_factory=dict)
    gold: dict[int, str] = field(default_factory=dict)
    promoted: set[int] = field(default_factory=set)
    said: tuple[str, str, int] | None = None
    audited: set[str] = field(default_factory=set)
    shut_out: set[int] = field(default_factory=set)
    taps: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """A workspace with one job in which some labels are known, its people by account, and the clock.

    workers, experts: external ids of accounts; several may be one person's. look: called after each event.
    chance: what is not a step of the story, but the usual day.
    """

    runtime: Runtime
    clock: FakeClock
    look: Callable[[World, str], None]
    chance: random.Random
    workers: list[str] = field(default_factory=list)
    experts: list[str] = field(default_factory=list)
    owner: str = ""
    project_id: int = 0
    workspace_id: int = 0
    journal: Journal = field(default_factory=Journal)
    events: int = 0
    added: int = 0

    def do(self, name: str, act: Callable[[Session], T], told: Callable[[T], object] = lambda _: None) -> bool:
        """One event: one unit of work, then what was acknowledged is written down, then everything has to hold.

        False where it was refused; then nothing may have changed, and everything has to hold all the same.
        """
        try:
            with self.runtime.writing() as session:
                done = act(session)
        except LightworkError:
            accepted = False
        else:
            accepted = True
            told(done)
        self.events += 1
        self.look(self, name if accepted else f"{name}, refused")
        return accepted

    def project(self, session: Session) -> Project:
        """The job as it is now."""
        return session.get_one(Project, self.project_id)

    def worker_of(self, session: Session, account: str) -> int | None:
        """Whose account it is; nobody's once they had themselves erased."""
        mine = select(Identity.worker_id).where(Identity.surface == SURFACE, Identity.external_id == account)
        return session.scalars(mine).one_or_none()

    def account(self, session: Session, account: str) -> Account:
        """Who speaks there."""
        found = find_account(session, SURFACE, "", account)
        assert found is not None, f"{account} is nobody's"
        return found


def person(account: str) -> Person:
    """As a surface names them."""
    return Person(SURFACE, "", account, account)


def open_world(runtime: Runtime, look: Callable[[World, str], None], chance: random.Random) -> World:
    """An open job of 10 items to label and 5 known ones, 7 people who answer and two experts."""
    world = World(runtime, FakeClock(), look, chance)
    with runtime.writing() as session:
        owner = make_member(session, "Olga", "owner")
        world.owner = f"{SURFACE}-{owner.id}"
        world.experts = [join(session, world, name, "expert") for name in ("Eve", "Sam")]
        world.workers = [join(session, world, f"w{number}") for number in range(7)]
        texts = [f"text {number}" for number in range(4)]
        project = make_project(session, texts, LABELS, owner=owner, min_overlap=2, max_overlap=4, price=3)
        project.quality = {"gold_every": 3, "gold_rarest": 6}
        world.project_id, world.workspace_id = project.id, project.workspace_id
        add_known(session, world, 5)
        add_effect(session, offer_effect(project.id, world.clock()))
    return world


def join(session: Session, world: World, name: str, role: str = "worker") -> str:
    """Somebody new; their account."""
    return f"{SURFACE}-{make_member(session, name, role, world.clock()).id}"


def add_known(session: Session, world: World, known: int) -> None:
    """A batch of items of which `known` and hardly half have a known label, loaded as the import does it."""
    project = world.project(session)
    world.added += 1
    texts = [f"known {world.added} {number}" for number in range(2 * known + 1)]
    batch = add_items(session, project, texts, world.clock())
    items = session.scalars(select(Item).where(Item.batch_id == batch.id).order_by(Item.id).limit(known))
    for number, item in enumerate(items):
        label = true_label(item.id) if number else other_label(item.id)  # the first known label is a mistake
        world.journal.gold[item.id] = label
        session.add(
            Gold(project_id=project.id, item_id=item.id, label_id=label, source="column", created_at=world.clock())
        )
    session.flush()
    batch.item_count -= set_aside(session, project, batch.id)


def true_label(item_id: int) -> str:
    """What is right."""
    return TRUE_LABELS[item_id % 2]


def other_label(item_id: int) -> str:
    """What is wrong."""
    return TRUE_LABELS[1 - item_id % 2]
