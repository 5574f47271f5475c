"""A job that changes while people answer, and a journal of what was acknowledged to them."""

from __future__ import annotations

import random
from collections.abc import Callable

from sqlalchemy import select

from core.assignment import next_assignment
from core.changes import apply_overlap, change_overlap, unfinished_overlaps
from core.effects import Effect
from core.leases import active_lease
from core.models import Annotation, Project
from core.runtime import Runtime
from tests.answering import give
from tests.factories import FakeClock, items_of, make_member, make_project
from tests.invariants import check_redundancy

LABELS = ("A", "B", "C")


class Job:
    """A job with its crowd, and a journal of what was acknowledged to people."""

    def __init__(self, runtime: Runtime, items: int = 6, workers: int = 6, seed: int = 0, **options: object) -> None:
        self.runtime, self.clock, self.random = runtime, FakeClock(), random.Random(seed)
        self.journal: dict[tuple[int, int], str] = {}
        self.ceilings: dict[int, int] = {}
        self.most = 0
        with runtime.writing() as session:
            self.workers = [make_member(session, f"w{number}").id for number in range(workers)]
            texts = [f"text {number}" for number in range(items)]
            project = make_project(session, texts, LABELS, **{"error_cost": 15.0, **options})  # type: ignore[arg-type]
            self.id, self.owner, self.workspace_id = project.id, project.created_by_id, project.workspace_id

    def next(self, worker: int) -> None:
        """Lease an item."""
        with self.runtime.writing() as session:
            next_assignment(session, session.get_one(Project, self.id), worker, "web", self.clock())

    def answer(self, worker: int, *labels: str) -> bool:
        """Answer the item in hand, or the next one, with the label of its place; false where there is none."""
        self.next(worker)
        with self.runtime.reading() as session:
            lease = active_lease(session, worker, self.id)
            places = [item.id for item in items_of(session, self.id)]
        if lease is None:
            return False
        label = labels[places.index(lease.item_id) % len(labels)]
        with self.runtime.writing() as session:
            give(session, worker, lease, label, self.clock())
        self.journal[(worker, lease.item_id)] = label
        return True

    def overlap(self, minimum: int, maximum: int) -> None:
        """Change the range; items follow with `follow`."""
        with self.runtime.writing() as session:
            project = session.get_one(Project, self.id)
            self.most = max(self.most, project.max_overlap, maximum)
            change_overlap(session, project, minimum, maximum, self.owner, self.clock())

    def follow(self, between: Callable[[list[Effect]], None] = lambda effects: None) -> int:
        """What the RQ job does; `between` is called after each of its transactions."""
        changed = apply_overlap(self.runtime.engine, self.id, between, self.clock)
        with self.runtime.reading() as session:
            if not unfinished_overlaps(session, self.clock()):
                self.ceilings = {item.id: item.submitted + item.leased for item in items_of(session, self.id)}
                self.most = 0
        return changed

    def states(self) -> list[tuple[str, int, int]]:
        """State, overlap and answers of each item."""
        with self.runtime.reading() as session:
            return [(item.state, item.overlap, item.submitted) for item in items_of(session, self.id)]

    def check(self) -> None:
        """All invariants, and the journal."""
        with self.runtime.reading() as session:
            ceilings = {item.id: max(self.most, self.ceilings.get(item.id, 0)) for item in items_of(session, self.id)}
            check_redundancy(session, ceilings)
            rows = session.execute(
                select(Annotation.worker_id, Annotation.item_id, Annotation.label_id).where(
                    Annotation.state.in_(("counted", "surplus"))
                )
            )
            assert {(worker, item): label for worker, item, label in rows} == self.journal
