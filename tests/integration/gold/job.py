"""A job with known items that were set aside, and what people do in it, beside the chat."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from core.assignment import next_assignment
from core.db import unit_of_work
from core.effects import Effect
from core.gold_pool import set_aside
from core.labeling import Submitted
from core.leases import Lease
from core.models import Annotation, Gold, Item, Participation, Project, Skill
from core.standing import change_standing
from tests.answering import give
from tests.factories import FakeClock, add_items, make_member, make_project
from tests.invariants import check_redundancy


class GoldJob:
    """Items to label, and after them `known` items whose right answers are Yes, No, Yes ..."""

    def __init__(self, engine: Engine, effects: list[Effect], ordinary: int = 6, known: int = 4, **options: Any):
        self.engine, self.effects, self.clock = engine, effects, FakeClock()
        self.checking = True
        with self.writing() as session:
            texts = [f"item {number}" for number in range(ordinary)]
            project = make_project(session, texts, min_overlap=2, max_overlap=3, **options)
            self.project_id, self.workspace_id, self.owner_id = project.id, project.workspace_id, project.created_by_id
            self.add_known(session, project, known)

    def add_known(self, session: Session, project: Project, known: int) -> None:
        """A batch of which less than half is known, set aside as its import does it."""
        texts = [f"known {number}" for number in range(known)] + [f"further {number}" for number in range(known + 1)]
        batch = add_items(session, project, texts)
        add_known_labels(session, project, batch.id, known)
        batch.item_count -= set_aside(session, project, batch.id)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One unit of work, and every invariant after it."""
        with unit_of_work(self.engine, self.effects.extend) as session:
            yield session
        if self.checking:
            with unit_of_work(self.engine, self.effects.extend) as session:
                check_redundancy(session)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Check the invariants once, after all of it: where so much is done that each look at all rows is felt."""
        self.checking = False
        yield
        self.checking = True
        with self.writing():
            pass

    def person(self, name: str = "Ann", role: str = "worker") -> int:
        """Somebody new."""
        with self.writing() as session:
            return make_member(session, name, role).id

    def make_due(self, worker_id: int) -> None:
        """The next item of this worker is a known one; they have been here before."""
        with self.writing() as session:
            change_standing(session, worker_id, self.project_id, since_gold=3, gold_due=3)

    def next(self, worker_id: int) -> Lease | None:
        """What they get next."""
        with self.writing() as session:
            project = session.get_one(Project, self.project_id)
            return next_assignment(session, project, worker_id, "web", self.clock())

    def answer(self, worker_id: int, lease: Lease, label_id: str = "a", after: float = 5.0) -> Submitted:
        """They answer it."""
        with self.writing() as session:
            return give(session, worker_id, lease, label_id, self.clock.forward(after))

    def known_lease(self, worker_id: int) -> Lease:
        """A known item in the hands of this worker, after what they held was answered."""
        self.make_due(worker_id)
        held = self.next(worker_id)
        if held is not None and self.purpose(held) == "label":
            self.answer(worker_id, held)
            self.make_due(worker_id)
            held = self.next(worker_id)
        assert held is not None
        assert self.purpose(held) == "gold"
        return held

    def purpose(self, lease: Lease) -> str:
        """Of the item that is leased."""
        with self.writing() as session:
            return session.get_one(Item, lease.item_id).purpose

    def gold(self, item_id: int) -> Gold:
        """What is known of an item."""
        with self.writing() as session:
            return session.scalars(select(Gold).where(Gold.item_id == item_id)).one()

    def right(self, lease: Lease) -> str:
        """The label that is right for a known item."""
        return self.gold(lease.item_id).label_id

    def wrong(self, lease: Lease) -> str:
        """The other one."""
        return "b" if self.right(lease) == "a" else "a"

    def standing(self, worker_id: int) -> Participation:
        """Where somebody stands."""
        with self.writing() as session:
            return session.get_one(Participation, (worker_id, self.project_id))

    def skill(self, worker_id: int) -> Skill:
        """What is known of how well somebody answers."""
        with self.writing() as session:
            return session.get_one(Skill, (worker_id, self.project_id))

    def annotations(self, state: str = "control") -> list[Annotation]:
        """All of a state, the oldest first."""
        with self.writing() as session:
            return list(session.scalars(select(Annotation).where(Annotation.state == state).order_by(Annotation.id)))

    def purposes(self) -> list[str]:
        """Of all items, by id."""
        with self.writing() as session:
            return list(session.scalars(select(Item.purpose).order_by(Item.id)))

    def expire(self) -> None:
        """Everybody lets their lease run out."""
        self.clock.forward(timedelta(seconds=601).total_seconds())

    def change(self, **quality: object) -> None:
        """Settings of the job's quality."""
        with self.writing() as session:
            session.execute(update(Project).where(Project.id == self.project_id).values(quality=quality))


def add_known_labels(session: Session, project: Project, batch_id: int, count: int) -> None:
    """Known labels for the first items of a batch: a, b, a, b ..."""
    first = select(Item).where(Item.batch_id == batch_id).order_by(Item.id).limit(count)
    for number, item in enumerate(session.scalars(first)):
        label_id = "ab"[number % 2]
        session.add(
            Gold(
                project_id=project.id,
                item_id=item.id,
                label_id=label_id,
                source="column",
                explanation="as everybody can see" if label_id == "a" else "",
                created_at=project.created_at,
            )
        )
    session.flush()
