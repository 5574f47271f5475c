"""Two accounts of one person in one job: they take items, and are joined."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from core.assignment import next_assignment
from core.db import reading, unit_of_work
from core.merging import merge
from core.models import Project
from tests.answering import give
from tests.factories import START, make_member, make_project
from tests.invariants import check_redundancy


def two_workers(engine: Engine, *texts: str, **options: object) -> tuple[int, int, int]:
    """Ids of two workers and of a project."""
    with unit_of_work(engine, lambda _: None) as session:
        keep, other = make_member(session, "Keep"), make_member(session, "Other", surface="telegram")
        project = make_project(session, texts or ("one", "two"), **options)  # type: ignore[arg-type]
        return keep.id, other.id, project.id


def take(engine: Engine, project_id: int, worker_id: int, label: str = "", seconds: float = 0) -> tuple[str, int]:
    """Lease the next item, and answer it where a label is given; the assignment's public id and the item."""
    now = START + timedelta(seconds=seconds)
    with unit_of_work(engine, lambda _: None) as session:
        lease = next_assignment(session, session.get_one(Project, project_id), worker_id, "web", now)
        assert lease is not None
        if label:
            give(session, worker_id, lease, label, now)
        return lease.public_id, lease.item_id


def join(engine: Engine, keep: int, other: int, seconds: float = 100) -> None:
    """Merge the two workers; all counts are exact afterwards."""
    with unit_of_work(engine, lambda _: None) as session:
        merge(session, keep, other, START + timedelta(seconds=seconds))
    with reading(engine) as session:
        check_redundancy(session)
