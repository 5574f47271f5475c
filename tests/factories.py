"""Rows for tests, as small as the tables allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.config import Settings
from core.enrolment import CONSENT_VERSION, ensure_workspace
from core.labels import choice, content_hash, text_content
from core.models import Batch, Identity, Item, Membership, Project, Worker
from core.projects import create_project
from core.queue import EffectRunner
from core.ranks import ORDINARY, make_rank, take_sequences
from core.runtime import Runtime

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    moment: datetime = field(default=START)

    def __call__(self) -> datetime:
        """The present moment."""
        return self.moment

    def forward(self, seconds: float) -> datetime:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)
        return self.moment


def make_runtime(settings: Settings, engine: Engine, redis: Redis) -> Runtime:
    """The runtime of a test's own database and Valkey."""
    return Runtime(settings, engine, redis, EffectRunner(redis))


def make_member(
    session: Session, name: str = "Ann", role: str = "worker", now: datetime = START, surface: str = "web"
) -> Worker:
    """A worker with one identity and a membership in the first workspace, who has agreed to what is stored."""
    workspace = ensure_workspace(session, now)
    worker = Worker(name=name, locale="en", created_at=now)
    session.add(worker)
    session.flush()
    session.add(
        Identity(
            worker_id=worker.id,
            surface=surface,
            external_id=f"{surface}-{worker.id}",
            address=f"{surface}-{worker.id}",
            workspace_id=workspace.id,
            created_at=now,
            last_seen_at=now,
        )
    )
    session.add(
        Membership(
            workspace_id=workspace.id,
            worker_id=worker.id,
            role=role,
            consented_at=now,
            consent_version=CONSENT_VERSION,
            created_at=now,
        )
    )
    session.flush()
    return worker


def make_project(
    session: Session,
    texts: Sequence[str] = ("one", "two", "three"),
    labels: Sequence[str] = ("Yes", "No"),
    now: datetime = START,
    owner: Worker | None = None,
    **options: object,
) -> Project:
    """An open project whose items are published."""
    owner = owner or make_member(session, "Olga", "owner", now)
    project = create_project(
        session,
        workspace_id=ensure_workspace(session, now).id,
        worker_id=owner.id,
        question="Is it?",
        schema=choice.make(labels),
        now=now,
        **options,  # type: ignore[arg-type]  # tests pass columns of the project
    )
    add_items(session, project, texts, now)
    return project


def add_items(
    session: Session, project: Project, texts: Sequence[str], now: datetime = START, state: str = "published"
) -> Batch:
    """One batch of text items."""
    first = take_sequences(session, project.id, max(1, len(texts)))
    batch = Batch(
        project_id=project.id,
        state=state,
        mapping={},
        bad_rows=[],
        item_count=len(texts),
        first_rank=make_rank(ORDINARY, first),
        last_rank=make_rank(ORDINARY, first + max(1, len(texts)) - 1),
        created_by_id=project.created_by_id,
        created_at=now,
    )
    session.add(batch)
    session.flush()
    for number, text in enumerate(texts):
        content = text_content(text)
        session.add(
            Item(
                project_id=project.id,
                batch_id=batch.id,
                content=content,
                content_hash=content_hash(content),
                external_id=str(number + 1),
                overlap=project.min_overlap,
                rank=make_rank(ORDINARY, first + number),
                created_at=now,
            )
        )
    session.flush()
    return batch


def make_artifact(directory: Path) -> Path:
    """What a version's files look like from outside: the directory, with a manifest and weights in it."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("training.json", "model.safetensors"):
        (directory / name).touch()
    return directory


def items_of(session: Session, project_id: int) -> list[Item]:
    """A project's items in the order they were made, as they are now."""
    statement = select(Item).where(Item.project_id == project_id).order_by(Item.id)
    return list(session.scalars(statement.execution_options(populate_existing=True)))
