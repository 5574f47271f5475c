"""A workspace whose coordinator posts files, and the steps of an import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core import labels
from core.clock import now
from core.config import Settings
from core.db import reading, unit_of_work
from core.effects import Effect
from core.importing import create_batch, load_batch, receive, store
from core.labels import choice
from core.models import Batch, Item, OutboxMessage, Project, Worker, Workspace

TEXT_ONLY = {"text": "text", "id": None, "gold": None}


class House:
    """A workspace with a coordinator and a project, and the steps of an import."""

    def __init__(self, engine: Engine, settings: Settings, effects: list[Effect], directory: Path) -> None:
        self.engine, self.settings, self.effects, self.directory = engine, settings, effects, directory
        with self.writing() as session:
            self.workspace_id = add(session, Workspace(name="w", created_at=now()))
            self.worker_id = add(session, Worker(name="coordinator", created_at=now()))
            self.project_id = self.new_project(session)

    def new_project(self, session: Session) -> int:
        """A project that asks for three answers about Yes and No."""
        schema = labels.dump(choice.make(["Yes", "No"]))
        project = Project(
            workspace_id=self.workspace_id,
            name="p",
            question="?",
            label_schema=schema,
            min_overlap=3,
            max_overlap=5,
            cron_checked_at=now(),
            created_by_id=self.worker_id,
            created_at=now(),
        )
        return add(session, project)

    def writing(self) -> Any:
        """One unit of work that collects effects."""
        return unit_of_work(self.engine, self.effects.extend)

    def post(self, data: str, name: str = "items.csv", mapping: dict[str, Any] | None = None) -> int:
        """Receive, store and ask for loading, as the coordinator's chat does; returns the batch id."""
        path = self.directory / "upload"
        path.write_bytes(data.encode())
        received = receive(path, name)
        with self.writing() as session:
            upload = store(session, self.settings, self.workspace_id, self.worker_id, path, received, now())
            project = session.get_one(Project, self.project_id)
            return create_batch(session, project, upload, mapping or TEXT_ONLY, self.worker_id, now()).id

    def load(self, batch_id: int) -> Batch:
        """Run the job and give back the batch."""
        load_batch(self.engine, self.settings, batch_id, self.effects.extend)
        return self.batch(batch_id)

    def batch(self, batch_id: int) -> Batch:
        """The batch as it stands."""
        with reading(self.engine) as session:
            return session.get_one(Batch, batch_id)

    def items(self, batch_id: int | None = None) -> list[Item]:
        """All items, or those of one batch, by rank."""
        statement = select(Item).order_by(Item.rank)
        if batch_id is not None:
            statement = statement.where(Item.batch_id == batch_id)
        with reading(self.engine) as session:
            return list(session.scalars(statement))

    def texts(self) -> list[str]:
        """Texts of all items by rank."""
        return [labels.item_text(item.content) for item in self.items()]

    def messages(self) -> list[OutboxMessage]:
        """What is owed."""
        with reading(self.engine) as session:
            return list(session.scalars(select(OutboxMessage)))


def add(session: Session, row: Any) -> int:
    """Insert a row; returns its id."""
    session.add(row)
    session.flush()
    return int(row.id)


def rows(numbers: Sequence[int] | range) -> str:
    """A CSV file with one text for each number."""
    return "id,text\n" + "".join(f"n{number},text number {number}\n" for number in numbers)
