"""A job with true labels, and people who say them as well as they can."""

from __future__ import annotations

import random

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.aims import Aim
from core.allotting import allot
from core.assignment import expire_leases, next_assignment
from core.budget import spent
from core.leases import Lease, active_lease
from core.models import Annotation, Assignment, Item, Participation, Project
from core.reestimation import reestimate
from core.runtime import Runtime
from core.steering import set_aim
from tests.answering import give
from tests.factories import FakeClock, items_of, make_member, make_project

LABELS = ("Yes", "No")


class Crowd:
    """People by id, and what is true of each item. `skill`: how often somebody is right; 1 where nothing is said."""

    def __init__(self, runtime: Runtime, items: int = 20, workers: int = 4, seed: int = 0, **options: object) -> None:
        self.runtime, self.clock, self.random = runtime, FakeClock(), random.Random(seed)
        self.skill: dict[int, float] = {}
        with runtime.writing() as session:
            self.workers = [make_member(session, f"w{number}").id for number in range(workers)]
            project = make_project(session, [f"text {n}" for n in range(items)], LABELS, **options)  # type: ignore[arg-type]
            self.id, self.owner = project.id, project.created_by_id
            self.truth = {item.id: number % 2 for number, item in enumerate(items_of(session, project.id))}

    def project(self, session: Session) -> Project:
        """As it is now."""
        return session.get_one(Project, self.id)

    def aims(self, aim: Aim) -> None:
        """The coordinator sets another aim, and the background follows."""
        with self.runtime.writing() as session:
            set_aim(session, self.project(session), aim, self.owner, self.clock())
        self.background()

    def background(self) -> None:
        """What the job of re-estimation does."""
        reestimate(self.runtime.engine, self.id, self.runtime.run_effects, self.clock)
        allot(self.runtime.engine, self.id, self.runtime.run_effects, self.clock)

    def next(self, worker: int) -> Lease | None:
        """Lease an item."""
        with self.runtime.writing() as session:
            return next_assignment(session, self.project(session), worker, "web", self.clock())

    def answer(self, worker: int) -> int | None:
        """Answer the next item, as well as this person can; its id, or nothing where there was none."""
        if (lease := self.next(worker)) is None:
            return None
        right = self.random.random() < self.skill.get(worker, 1.0)
        self.say(lease, worker, self.truth[lease.item_id] if right else 1 - self.truth[lease.item_id])
        return lease.item_id

    def say(self, lease: Lease, worker: int, answer: int) -> None:
        """Submit an answer, the label of this index."""
        with self.runtime.writing() as session:
            label = self.project(session).label_schema["labels"][answer]["id"]
            give(session, worker, lease, label, self.clock())
        self.clock.forward(5)

    def expire(self) -> None:
        """Leases end whose time is over."""
        with self.runtime.writing() as session:
            expire_leases(session, self.id, self.clock())

    def claimed(self) -> int:
        """Answers given, in hand, and places that may be taken."""
        with self.runtime.reading() as session:
            return spent(session, self.id).claimed

    def used(self) -> int:
        """Answers that stand and leases in hand, from the rows themselves."""
        with self.runtime.reading() as session:
            given = select(func.count()).where(
                Annotation.project_id == self.id, Annotation.state.in_(("counted", "surplus", "control"))
            )
            held = select(func.count()).where(Assignment.project_id == self.id, Assignment.state == "active")
            return (session.scalar(given) or 0) + (session.scalar(held) or 0)

    def states(self) -> list[str]:
        """Of all items."""
        with self.runtime.reading() as session:
            return [item.state for item in items_of(session, self.id)]

    def items(self) -> list[Item]:
        """All items as they are now."""
        with self.runtime.reading() as session:
            return items_of(session, self.id)

    def restriction(self, worker: int) -> str:
        """What keeps somebody from the usual items."""
        with self.runtime.reading() as session:
            return session.get_one(Participation, (worker, self.id)).restriction

    def holds(self, worker: int) -> Lease | None:
        """The lease in somebody's hands."""
        with self.runtime.reading() as session:
            return active_lease(session, worker, self.id)
