"""A training run is known to be alive as long as its heart beats, and a beat that fails costs nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from core import training_runs
from core.config import Settings
from core.db import reading
from core.models import TrainingRun
from core.runtime import Runtime
from tests.integration.trainer_fixtures import NOON, Base, trainer_runtime
from trainer import heartbeat as heartbeats


@pytest.fixture
def base(sqlite_engine: Engine) -> Base:
    """A project."""
    return Base(sqlite_engine)


@pytest.fixture
def runtime(base: Base, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The runtime of a trainer."""
    with trainer_runtime(base, settings, monkeypatch) as found:
        yield found


def _runs(base: Base) -> list[TrainingRun]:
    with reading(base.engine) as session:
        return list(session.scalars(select(TrainingRun)))


def test_the_heart_beats_until_the_end(base: Base, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    run = base.run("running")
    beaten = threading.Event()
    beat = training_runs.beat

    def noted(*args: Any) -> None:
        beat(*args)
        beaten.set()

    monkeypatch.setattr("trainer.heartbeat.beat", noted)
    with heartbeats.Heartbeat(runtime, run.id, seconds=0.01):
        assert beaten.wait(10)
    (stored,) = _runs(base)
    assert stored.heartbeat_at is not None
    assert stored.heartbeat_at > NOON
    assert not [thread for thread in threading.enumerate() if thread.name == f"heartbeat-{run.id}"]


def test_a_beat_that_fails_does_not_end_the_run(base: Base, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[int] = []
    thrice = threading.Event()

    def fail(*_: object) -> None:
        failures.append(1)
        if len(failures) == 3:
            thrice.set()
        raise SQLAlchemyError("away")

    monkeypatch.setattr("trainer.heartbeat.beat", fail)
    with heartbeats.Heartbeat(runtime, 1, seconds=0.01):
        assert thrice.wait(10)
