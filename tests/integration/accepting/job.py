"""A job whose model may label by itself, with a holdout on which it was as right as a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from redis import Redis
from sqlalchemy import Engine, select

from core import accepting, retreating
from core.blind import is_apart, is_audited, is_held_out
from core.config import Settings
from core.db import reading
from core.labels import content_hash, text_content
from core.models import Item, ModelVersion, OutboxMessage, Project
from core.predictions import PRELABELED, PredictionRow, record
from core.runtime import Runtime
from tests.factories import make_artifact, make_runtime
from tests.integration.trainer_fixtures import NOON, Base
from tests.invariants import check_redundancy

LATER = NOON + timedelta(hours=1)
SURE, UNSURE = 0.99, 0.6
AUDIT = 0.3


def texts(wanted: int, fits: Callable[[str, str], bool], word: str = "text") -> list[str]:
    """Texts on the side that `fits` names."""
    found: list[str] = []
    for number in count():
        text = f"{word} {number}"
        if fits(text, content_hash(text_content(text))):
            found.append(text)
        if len(found) == wanted:
            return found
    raise AssertionError


def free_texts(wanted: int, word: str = "free") -> list[str]:
    """Texts of items that a model may label."""
    return texts(wanted, lambda text, hashed: not is_apart(text, hashed, 0.1), word)


class Accepting(Base):
    """Champion v1; its holdout has 300 items of which it got `wrong` wrong, all of them while it was unsure."""

    def __init__(self, engine: Engine, settings: Settings, redis: Redis, wrong: int = 60) -> None:
        super().__init__(engine)
        self.runtime: Runtime = make_runtime(settings, engine, redis)
        self.champion = self.version(self.run("done")).id
        with self.writing() as session:
            version = session.get_one(ModelVersion, self.champion)
            version.promoted_at, version.metrics = NOON, {PRELABELED: NOON.isoformat()}
        self.held = self.items(texts(300, is_held_out, "held"))
        self.decide(self.held, lambda place: "b" if place < wrong else "a")
        self.say(self.held, lambda place: UNSURE if place < wrong else SURE)
        self.set(accept=True, accept_audit=AUDIT)

    def say(self, ids: Sequence[int], sure: Callable[[int], float], label: str = "a", version: int = 0) -> None:
        """What the champion (or another version) says of items."""
        rows = [
            PredictionRow(item_id, label, sure(place), (sure(place), 1 - sure(place), 0.0), 0.0)
            for place, item_id in enumerate(ids)
        ]
        with self.writing() as session:
            record(session, version or self.champion, rows, NOON)

    def set(self, **values: Any) -> None:
        """Learning settings as stored."""
        with self.writing() as session:
            project = session.get_one(Project, self.project_id)
            project.learning = {**project.learning, **values}

    def open(self, number: int, sure: float = SURE, word: str = "free") -> list[int]:
        """Open items that a model may label, of which the champion is so sure."""
        ids = self.items(free_texts(number, word))
        self.say(ids, lambda _: sure)
        return ids

    def drawn(self, ids: Sequence[int], share: float = AUDIT) -> list[int]:
        """Those of them that audit the champion."""
        with reading(self.engine) as session:
            version = session.get_one(ModelVersion, self.champion).public_id
            items = [session.get_one(Item, item_id) for item_id in ids]
            return [item.id for item in items if is_audited(item.public_id, version, share)]

    def apply(self, version: int = 0) -> int:
        """The job that accepts labels, or takes them back."""
        retreating.carry_out(self.runtime, version or self.champion, lambda: LATER)
        labeled = accepting.apply(self.runtime, version or self.champion, lambda: LATER)
        retreating.carry_out(self.runtime, version or self.champion, lambda: LATER)
        return labeled

    def states(self, ids: Sequence[int]) -> list[str]:
        """The states of items."""
        with reading(self.engine) as session:
            return [session.get_one(Item, item_id).state for item_id in ids]

    def note(self) -> dict[str, Any]:
        """What the champion's metrics say."""
        with reading(self.engine) as session:
            return dict(session.get_one(ModelVersion, self.champion).metrics.get(accepting.ACCEPTING, {}))

    def check(self) -> None:
        """The invariants hold."""
        with reading(self.engine) as session:
            check_redundancy(session)

    def told(self) -> list[str]:
        """Kinds of the messages owed."""
        with reading(self.engine) as session:
            return list(session.scalars(select(OutboxMessage.kind).order_by(OutboxMessage.id)))


def model_directory(settings: Settings, version: ModelVersion) -> Path:
    """The directory of a version's files, made."""
    return make_artifact(settings.model_directory / version.artifact)
