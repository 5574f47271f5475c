"""Jobs that have run for a while, without anybody having worked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.db import unit_of_work
from core.models import Annotation, Assignment, Item, Project, Worker
from tests.factories import START, items_of

NOON = START + timedelta(hours=3)


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A unit of work without effects."""
    with unit_of_work(engine, lambda effects: None) as session:
        yield session


def answer(
    session: Session, item: Item, worker: Worker, at: datetime, label_id: str = "a", state: str = "counted"
) -> None:
    """An annotation, and the count of its item."""
    assignment = Assignment(
        project_id=item.project_id,
        item_id=item.id,
        worker_id=worker.id,
        state="submitted",
        guidelines_version=1,
        surface="web",
        leased_at=at,
        expires_at=at,
    )
    session.add(assignment)
    session.flush()
    session.add(
        Annotation(
            project_id=item.project_id,
            item_id=item.id,
            worker_id=worker.id,
            assignment_id=assignment.id,
            label_id=label_id,
            value={"choice": label_id},
            state=state,
            guidelines_version=1,
            duration_ms=1000,
            created_at=at,
        )
    )
    if state == "counted":
        item.submitted += 1


def decide(item: Item, at: datetime, state: str = "agreed", submitted: int | None = None) -> None:
    """Give an item a state as if people had decided it."""
    item.state, item.label_id, item.decided_at = state, "a", at
    if submitted is not None:
        item.submitted = submitted


def texts(count: int) -> list[str]:
    return [f"text {number}" for number in range(count)]


def steady(session: Session, project: Project, workers: Sequence[Worker], start: datetime, seconds: int) -> None:
    """Each item of a project answered once, one every so many seconds, by workers in turn."""
    for number, item in enumerate(items_of(session, project.id)):
        answer(session, item, workers[number % len(workers)], start + timedelta(seconds=number * seconds))
