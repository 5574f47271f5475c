"""A crowd whose answers are audited."""

from __future__ import annotations

import random

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.answers import last_answer
from core.assignment import next_assignment
from core.audit_sample import AuditCase
from core.audit_sample import draw as draw_next
from core.auditing import reject
from core.models import Annotation, Assignment, Project
from core.runtime import Runtime
from tests.answering import give, undo_answer
from tests.factories import FakeClock, make_member, make_project
from tests.invariants import check_redundancy

SURFACE = "web"


class Bench:
    """A crowd that answers while experts settle and audit."""

    def __init__(self, runtime: Runtime, seed: int = 0, items: int = 8, error_cost: float = 15.0) -> None:
        self.runtime, self.clock = runtime, FakeClock()
        self.random = random.Random(seed)
        with self.runtime.writing() as session:
            self.experts = [make_member(session, name, "expert").id for name in ("Eve", "Sam")]
            self.workers = [make_member(session, f"w{number}").id for number in range(6)]
            texts = [f"text {number}" for number in range(items)]
            project = make_project(session, texts, ("A", "B", "C"), min_overlap=2, max_overlap=4, error_cost=error_cost)
            self.project_id, self.workspace_id = project.id, project.workspace_id

    def answer(self, worker: int, label: str) -> str | None:
        """The worker's next answer, by the annotation's public id; nothing where nothing is left for them."""
        with self.runtime.writing() as session:
            project = session.get_one(Project, self.project_id)
            lease = next_assignment(session, project, worker, SURFACE, self.clock())
            if lease is None:
                return None
            give(session, worker, lease, label, self.clock())
            given = select(Annotation.public_id).where(Annotation.assignment_id == lease.assignment_id)
            return session.scalars(given.order_by(Annotation.id.desc()).limit(1)).one()

    def reject(self, public_id: str, expert: int = 0, reason: str = "careless") -> None:
        """An audit that fails the answer."""
        with self.runtime.writing() as session:
            reject(session, self.workspace_id, self.experts[expert], public_id, reason, self.clock())

    def check(self) -> None:
        """Counters equal rows."""
        with self.runtime.reading() as session:
            check_redundancy(session)


def draw(session: Session, workspace_id: int, auditor_id: int, after: str = "") -> AuditCase | None:
    """What an expert is shown next."""
    return draw_next(session, workspace_id, auditor_id, after=after)[1]


def take_back(bench: Bench, worker: int) -> None:
    """Undo the worker's last answer."""
    with bench.runtime.writing() as session:
        last = last_answer(session, worker, bench.workspace_id)
        if last is not None:
            assignment = session.get_one(Assignment, last.assignment_id)
            undo_answer(session, worker, assignment, bench.clock())
