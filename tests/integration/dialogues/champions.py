"""A model in use, for dialogues that speak of one: its row and what it has said, without files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from core.clock import now
from core.models import Item, ModelVersion, Prediction, Project, TrainingRun
from tests.fakes.chat import Chat


def crown(chat: Chat, job: str, said: Mapping[str, tuple[str, float]], metrics: Mapping[str, Any] | None = None) -> int:
    """Make version 3 the champion of a job; returns its id.

    Args:
        job: public id. said: by text of an item, the label id that it says, and how sure it is.
    """
    with chat.writing() as session:
        project = session.scalars(select(Project).where(Project.public_id == job)).one()
        run = TrainingRun(project_id=project.id, trigger="button", state="done", created_at=now())
        session.add(run)
        session.flush()
        version = ModelVersion(
            project_id=project.id,
            training_run_id=run.id,
            number=3,
            state="champion",
            base_model="tiny",
            artifact="nowhere",
            snapshot_hash="0" * 64,
            metrics=dict(metrics or {}),
            created_at=now(),
            promoted_at=now(),
        )
        session.add(version)
        session.flush()
        for item in session.scalars(select(Item).where(Item.project_id == project.id)):
            text = item.content[0]["text"]
            if text in said:
                label_id, confidence = said[text]
                session.add(
                    Prediction(
                        item_id=item.id,
                        model_version_id=version.id,
                        label_id=label_id,
                        confidence=confidence,
                        probabilities=[1 - confidence, confidence],
                        created_at=now(),
                    )
                )
        return version.id
