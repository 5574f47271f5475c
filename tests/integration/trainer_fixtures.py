"""Rows for the tests of the learning cycle: a project, its coordinator, batches and items in any state."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.config import Settings
from core.db import reading, unit_of_work
from core.effects import Effect, EnqueueJob
from core.labels import content_hash, text_content
from core.models import Batch, Item, ModelVersion, Project, TrainingRun, Worker, Workspace
from core.ranks import ORDINARY, make_rank, take_sequences
from core.runtime import Runtime
from core.training_runs import start_run

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LABELS = ("a", "b", "c")


class Base:
    """One project on an engine, with the effects that its transactions had."""

    def __init__(self, engine: Engine, labels: Sequence[str] = LABELS) -> None:
        self.engine = engine
        self.effects: list[Effect] = []
        with self.writing() as session:
            workspace, worker = Workspace(name="Lab", created_at=NOON), Worker(name="Ada", created_at=NOON)
            session.add_all([workspace, worker])
            session.flush()
            project = Project(
                workspace_id=workspace.id,
                name="Weather",
                question="What does the author say?",
                label_schema={"kind": "choice", "labels": [{"id": label, "name": label} for label in labels]},
                min_overlap=2,
                max_overlap=8,
                retrain_threshold=20,
                cron_checked_at=NOON,
                created_by_id=worker.id,
                created_at=NOON,
            )
            session.add(project)
            session.flush()
            self.project_id, self.worker_id = project.id, worker.id

    def writing(self) -> AbstractContextManager[Session]:
        """A unit of work whose effects are kept in `effects`."""
        return unit_of_work(self.engine, self.effects.extend)

    def jobs(self) -> list[EnqueueJob]:
        """The RQ jobs asked for so far."""
        return [effect for effect in self.effects if isinstance(effect, EnqueueJob)]

    def items(self, texts: Sequence[str], *, published: bool = True, purpose: str = "label") -> list[int]:
        """Open items in a batch of their own; returns their ids."""
        with self.writing() as session:
            batch = Batch(
                project_id=self.project_id,
                state="published" if published else "loading",
                mapping={},
                bad_rows=[],
                created_by_id=self.worker_id,
                created_at=NOON,
            )
            session.add(batch)
            session.flush()
            first = take_sequences(session, self.project_id, len(texts))
            rows = [
                Item(
                    project_id=self.project_id,
                    batch_id=batch.id,
                    content=text_content(text),
                    content_hash=content_hash(text_content(text)),
                    purpose=purpose,
                    overlap=2,
                    rank=make_rank(ORDINARY, first + place),
                    created_at=NOON,
                )
                for place, text in enumerate(texts)
            ]
            session.add_all(rows)
            session.flush()
            return [row.id for row in rows]

    def decide(self, item_ids: Sequence[int], label: Callable[[int], str], state: str = "agreed") -> None:
        """Decide items as consensus would leave them; `label` gives the label id by place."""
        with self.writing() as session:
            for place, item_id in enumerate(item_ids):
                item = session.get_one(Item, item_id)
                item.state, item.label_id, item.confidence, item.decided_at = state, label(place), 0.97, NOON

    def decided(self, count: int, **batch: object) -> list[int]:
        """`count` new items, decided for the three labels in turn."""
        ids = self.items([f"text {number}" for number in range(count)], **batch)  # type: ignore[arg-type]
        self.decide(ids, lambda place: LABELS[place % 3])
        return ids

    def run(self, state: str = "running") -> TrainingRun:
        """A training run in a state."""
        with self.writing() as session:
            run = TrainingRun(project_id=self.project_id, trigger="button", state=state, created_at=NOON)
            session.add(run)
            session.flush()
        return run

    def start(self, run_id: int) -> int:
        """Claim a due run; returns its id."""
        with self.writing() as session:
            assert start_run(session, run_id, NOON)
        return run_id

    def stored(self, run_id: int) -> TrainingRun:
        """A run as it is now."""
        with reading(self.engine) as session:
            return session.get_one(TrainingRun, run_id)

    def version(self, run: TrainingRun, number: int = 1, state: str = "champion") -> ModelVersion:
        """A model version that a run made."""
        with self.writing() as session:
            version = ModelVersion(
                project_id=self.project_id,
                training_run_id=run.id,
                number=number,
                state=state,
                base_model="tiny",
                artifact=f"somewhere/{number}",
                snapshot_hash="0" * 64,
                metrics={},
                created_at=NOON,
            )
            session.add(version)
            session.flush()
        return version


@contextmanager
def trainer_runtime(base: Base, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The runtime that the trainer's jobs find: on the CPU, without Redis; effects are kept in `base.effects`."""
    settings.device = "cpu"
    redis = Redis(port=1)
    found = Runtime(settings, base.engine, redis, base.effects.extend)
    monkeypatch.setattr("trainer.jobs.process_runtime", lambda: found)
    yield found
    redis.close()


def killed_while_writing(folder: Path) -> Callable[..., None]:
    """Stands in for a step of a command that writes into `folder`."""

    def killed(*_: object) -> None:
        assert list(folder.glob(".draft-*")), "it is being written"
        os.kill(os.getpid(), signal.SIGTERM)

    return killed
