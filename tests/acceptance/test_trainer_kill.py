"""The trainer is killed with -9 at random moments: each run ends once, with the model that it would have made anyway.

Real processes on SQLite and Valkey. A moment is an event of the trainer's process, drawn by seed (see `striking`), in a
run or in the predictions after it. `LIGHTWORK_KILLS` and `LIGHTWORK_KILLS_SEED` choose how many and which.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq.registry import ScheduledJobRegistry, StartedJobRegistry
from sqlalchemy import Engine, func, select, update

from core.config import Settings
from core.db import reading, unit_of_work
from core.models import Item, ModelVersion, OutboxMessage, Prediction, Project, TrainingRun
from core.predictions import LABEL_ERRORS, PRELABELED
from core.queue import TRAINING, enqueue, queue, waiting_counts
from core.training import request_training
from core.training_runs import retrain_effect
from tests.acceptance.striking.sitecustomize import RECORD
from tests.integration.trainer_fixtures import NOON, Base
from tests.processes import ROOT, end, start
from tests.tiny_encoder import save_tiny_encoder
from tests.waiting import eventually
from trainer import artifacts
from trainer.neighbours import index_path

KILLS = int(os.environ.get("LIGHTWORK_KILLS", "5"))
SEED = int(os.environ.get("LIGHTWORK_KILLS_SEED", "1"))
WHOLE = 5
"""Of so many kills one hits the whole trainer, the others its process of the moment."""
LABELS = ("good", "bad")
PATIENCE_SECONDS = 90.0

pytestmark = pytest.mark.timeout(120 + 90 * KILLS)


@dataclass
class Trainer:
    """A trainer and a schedule that are kept alive, in one home."""

    home: Path
    settings: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def keep_alive(self) -> None:
        """Start what does not run."""
        for name in ("trainer", "schedule"):
            if name not in self.processes or self.processes[name].poll() is not None:
                self.processes[name] = start(self.home, name, **self.settings)

    def stop(self) -> None:
        """End all."""
        for process in self.processes.values():
            end(process)


@pytest.fixture
def trainer(settings: Settings, redis_url: str, tmp_path: Path) -> Iterator[Trainer]:
    """The processes, with a tiny base model and a checkpoint after every step."""
    base = save_tiny_encoder(tmp_path / "tiny")
    striking = Path(__file__).parent / "striking"
    found = Trainer(
        settings.home,
        {
            "PYTHONPATH": f"{striking}{os.pathsep}{ROOT}",
            "REDIS_URL": redis_url,
            "LIGHTWORK_BASE_MODEL": str(base),
            "LIGHTWORK_DEVICE": "cpu",
            "LIGHTWORK_CHECKPOINT_SECONDS": "0",
            "OMP_NUM_THREADS": "1",
        },
    )
    found.keep_alive()
    yield found
    found.stop()


@dataclass
class Round:
    """One project, its one run, and what its processes have done."""

    engine: Engine
    redis: Redis
    home: Path
    project_id: int = 0
    run_id: int = 0

    def begin(self, strike: dict[str, object] | None) -> None:
        """Make a project with forty decided and ten open items, and ask for a run."""
        (self.home / "events").write_bytes(b"")
        if strike is not None:
            (self.home / "strike").write_text(json.dumps(strike))
        base = Base(self.engine, LABELS)
        texts = [f"the {('sun is nice', 'rain is bad')[place % 2]} today {place}" for place in range(50)]
        base.decide(base.items(texts)[:40], lambda place: LABELS[place % 2])
        with unit_of_work(self.engine, base.effects.extend) as session:
            session.get_one(Project, base.project_id).learning = {"method": "full", "epochs": 3}
            run = request_training(session, base.project_id, "button", NOON)
        assert run is not None
        self.project_id, self.run_id = base.project_id, run.id
        enqueue(self.redis, retrain_effect(run))

    def events(self) -> list[int]:
        """The pid of each event so far."""
        return [int(line) for line in (self.home / "events").read_text().split()]

    def is_over(self) -> bool:
        """Whether the run has ended, its model has spoken and looked for doubtful labels, and no job is left."""
        with reading(self.engine) as session:
            run = session.get_one(TrainingRun, self.run_id)
            assert run.state != "failed", run.error_code
            versions = session.scalars(select(ModelVersion).where(ModelVersion.project_id == self.project_id))
            spoken = [{PRELABELED, LABEL_ERRORS} <= version.metrics.keys() for version in versions]
        counts = waiting_counts(self.redis)[TRAINING]
        left = counts["waiting"] or counts["running"] or self._retried().count
        return run.state == "done" and spoken == [True] and not left

    def skip_pauses(self) -> None:
        """What is to be retried after a pause is due."""
        self._age(self._retried().key)

    def grow_silent(self) -> None:
        """Nothing has been heard of the killed trainer for long."""
        self._age(StartedJobRegistry(queue=queue(TRAINING, self.redis)).key)
        with unit_of_work(self.engine, lambda _: None) as session:
            session.execute(update(TrainingRun).where(TrainingRun.state == "running").values(heartbeat_at=NOON))

    def _retried(self) -> ScheduledJobRegistry:
        return ScheduledJobRegistry(queue=queue(TRAINING, self.redis))

    def _age(self, key: str) -> None:
        members: Any = self.redis.zrange(key, 0, -1)
        if members:
            self.redis.zadd(key, dict.fromkeys(members, 1), xx=True)


def carry_out(one: Round, trainer: Trainer, strike: dict[str, object] | None = None) -> list[int]:
    """One round to its end; returns the pid of each event."""
    one.begin(strike)

    def is_over() -> bool:
        if trainer.processes["trainer"].poll() is not None:
            one.grow_silent()
        trainer.keep_alive()
        one.skip_pauses()
        return one.is_over()

    eventually(is_over, PATIENCE_SECONDS, f"the end of {strike}")
    assert not (one.home / "strike").exists(), "the moment came"
    return one.events()


def weights(one: Round) -> bytes:
    """The one model of a round, whole, in use, and told of once; nothing else is left of the run."""
    with reading(one.engine) as session:
        (run,) = session.scalars(select(TrainingRun).where(TrainingRun.project_id == one.project_id))
        (version,) = session.scalars(select(ModelVersion).where(ModelVersion.project_id == one.project_id))
        project = session.get_one(Project, one.project_id)
        told = session.scalars(select(OutboxMessage.kind).where(OutboxMessage.dedupe_key.endswith(f"-{run.id}")))
        open_items = select(Item.id).where(Item.project_id == one.project_id, Item.state == "open")
        spoken = select(func.count()).select_from(Prediction).where(Prediction.item_id.in_(open_items))
        assert session.scalar(spoken) == 10
        assert list(told) == ["training_done"]
    assert (run.state, version.state, version.training_run_id) == ("done", "champion", run.id)
    directory = one.home / "models" / version.artifact
    kept = {path.name for path in (one.home / "models" / project.public_id).iterdir()}
    assert kept == {directory.name, index_path(directory).name}
    assert list((one.home / "runs").iterdir()) == []
    artifacts.load(directory)
    return (directory / "model.safetensors").read_bytes()


def test_whatever_is_killed_one_model_comes_of_it(sqlite_engine: Engine, redis: Redis, trainer: Trainer) -> None:
    carry_out(Round(sqlite_engine, redis, trainer.home), trainer)  # some things happen once in the life of a home
    calm = Round(sqlite_engine, redis, trainer.home)
    total = len(carry_out(calm, trainer))
    model = weights(calm)
    moments = random.Random(SEED).sample(range(1, total + 1), KILLS)
    for number, at in enumerate(moments, start=1):
        strike: dict[str, object] = {"at": at, "whom": "trainer" if number % WHOLE == 0 else "horse"}
        one = Round(sqlite_engine, redis, trainer.home)
        pids = carry_out(one, trainer, strike)
        assert weights(one) == model, f"another model after {strike}"
        processes = [pid for pid, _ in groupby(pids)]
        assert len(processes) == len(set(processes)), f"two at once after {strike}"
        assert len(processes) >= 3, f"nobody was killed by {strike}"
    assert RECORD * len(pids) == (trainer.home / "events").stat().st_size
