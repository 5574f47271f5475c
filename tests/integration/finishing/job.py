"""A job and the looks that background jobs take at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.cards import render
from bot.owed import view_of
from bot.surface import Message
from core.config import Settings
from core.db import reading
from core.exporting import export_for_chat, unfinished_exports
from core.finishing import look_for_end
from core.models import OutboxMessage, Project, TrainingRun
from tests.factories import START, items_of, make_member, make_project, make_runtime

NOON = START + timedelta(hours=3)


class Job:
    """One job of Olga's with three items, and the looks that background jobs take at it."""

    def __init__(self, settings: Settings, engine: Engine, redis: Redis) -> None:
        self.settings, self.engine, self.runtime = settings, engine, make_runtime(settings, engine, redis)
        with self.runtime.writing() as session:
            self.olga = make_member(session, "Olga", "coordinator").id
            self.project_id = make_project(session, price=5, min_overlap=1).id
            session.get_one(Project, self.project_id).created_by_id = self.olga

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A unit of work."""
        with self.runtime.writing() as session:
            yield session

    def turn(self, *states: str) -> None:
        """Give the items these states, in order."""
        with self.writing() as session:
            for item, state in zip(items_of(session, self.project_id), states, strict=True):
                item.state, item.submitted = state, 0 if state == "open" else 2
                item.label_id = "a" if state in ("agreed", "adjudicated") else None

    def train(self, hours: int) -> None:
        """A training run of so many hours, at 0.15 each."""
        with self.writing() as session:
            session.get_one(Project, self.project_id).quality = {"training_price": 15}
            end = START + timedelta(hours=hours)
            times = {"created_at": START, "started_at": START, "finished_at": end}
            session.add(TrainingRun(project_id=self.project_id, trigger="button", state="done", **times))

    def ends(self, now: datetime = NOON) -> bool:
        """Whether a look finds that it has come to its end."""
        with self.writing() as session:
            return look_for_end(session, self.project_id, now)

    def write_exports(self, now: datetime = NOON) -> None:
        """What the RQ job does for each export that is owed."""
        with reading(self.engine) as session:
            owed = [effect.args[0] for effect in unfinished_exports(session)]
        for request_id in owed:
            export_for_chat(self.runtime, int(request_id), now)

    def messages(self) -> list[tuple[str, int]]:
        """Kinds of what is owed, and to whom."""
        with reading(self.engine) as session:
            rows = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))
            return [(row.kind, row.worker_id) for row in rows]

    def shown(self, locale: str = "en") -> Message | None:
        """The last message that is owed, as it would be sent now."""
        with reading(self.engine) as session:
            owed = session.scalars(select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(1)).one()
            view = view_of(session, owed, locale)
        return None if view is None else render(view, locale)
