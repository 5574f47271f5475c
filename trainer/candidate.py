"""The candidate of a run: trained in the ways that are worth it, watched, and gone on with after a kill."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from core.log import get_logger
from core.models import Project, TrainingRun
from core.runtime import Runtime
from core.training_runs import note_progress
from trainer import artifacts, continual, train
from trainer.checkpoints import Checkpoints
from trainer.continual import Way
from trainer.dataset import Dataset, Example
from trainer.heads import Head
from trainer.limits import MB, Limits, peak_bytes
from trainer.measuring import Reigning, Speaker
from trainer.run_folder import RunFolder, inputs_hash
from trainer.settings import BaseModel, Device, TrainingSettings
from trainer.stopping import Watch
from trainer.tracking import Safe

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """A run in the hands of this process, with all that does not change on its way.

    number: of the version that it will make. settings: hyperparameters of the project.
    """

    runtime: Runtime
    run: TrainingRun
    project: Project
    number: int
    head: Head
    settings: TrainingSettings
    device: Device
    folder: RunFolder
    limits: Limits
    tracker: Safe


def make(work: Work, data: Dataset, base: BaseModel, reigning: Reigning | None) -> tuple[Speaker, dict[str, Any]]:
    """Train a candidate; returns it, and what is kept of its training in the version's metrics.

    Raises:
        LightworkError: the base model cannot be loaded, or a limit was broken.
        RunStopped: the run is not to go on here.
    """
    started, before = time.monotonic(), 0.0
    learned, validation = continual.split(data.train)
    plan = continual.start(
        None if reigning is None else artifacts.manifest(_artifact(work, reigning)),
        base,
        work.head.label_ids,
        guidelines_version=work.project.guidelines_version,
        validation=len(validation),
        number=work.number,
        seconds_left=work.limits.left(),
    )

    def fit(way: Way) -> Speaker:
        nonlocal before
        progress = _progress(work, plan.ways.index(way), len(plan.ways))
        speaker, earlier = _fit(work, way, learned, base, reigning, progress)
        before += earlier
        return speaker

    speaker, ways = continual.best(plan, fit, validation, work.device)
    return speaker, _account(work, ways, before + time.monotonic() - started)


def settings_of(work: Work, way: Way) -> TrainingSettings:
    """The hyperparameters that a run uses on its way from scratch, or from a champion."""
    return continual.gentler(work.settings) if way == "champion" else work.settings


def _artifact(work: Work, reigning: Reigning) -> Path:
    return work.runtime.settings.model_directory / reigning.version.artifact


def _account(work: Work, ways: dict[str, Any], seconds: float) -> dict[str, Any]:
    device = work.device
    used = {"device": device.type, "autocast": str(device.autocast or "none"), "peak_memory_mb": peak_bytes() // MB}
    return used | {"seconds": round(seconds, 1), "attempts": work.run.attempts, "start": ways}


def _fit(
    work: Work,
    way: Way,
    learned: Sequence[Example],
    base: BaseModel,
    reigning: Reigning | None,
    progress: train.Progress,
) -> tuple[Speaker, float]:
    """One way, from a champion's artifact or from the base; returns the seconds of earlier attempts at it, too."""
    start = None
    if way == "champion" and reigning is not None:
        start = BaseModel(base.name, str(_artifact(work, reigning)))
        learned = continual.replayed(learned, reigning.new, work.settings.seed)
    settings = settings_of(work, way)
    inputs = inputs_hash(learned, base, start, settings, work.device, work.head.label_ids)
    checkpoints = _checkpoints(work, way, inputs)
    earlier = work.limits.spent
    work.limits.spent = lambda: earlier() + checkpoints.seconds_before
    model, tokenizer = train.fit(
        [one.text for one in learned],
        [one.target for one in learned],
        work.head,
        base,
        settings,
        work.device,
        progress,
        checkpoints=checkpoints,
        start_from=start,
        observe=work.tracker.observer(way),
        weights=[one.weight for one in learned],
    )
    return Speaker(model, tokenizer, settings.max_length, work.head), checkpoints.seconds_before


def _progress(work: Work, place: int, ways: int) -> train.Progress:
    watch = Watch(work.runtime, work.run.id, work.run.attempts, place=place, ways=ways)

    def progress(step: int, steps: int) -> None:
        work.limits.check()
        watch(step, steps)

    return progress


def _checkpoints(work: Work, way: Way, inputs: str) -> Checkpoints:
    run = work.run

    def saved() -> None:
        try:
            with work.runtime.writing() as session:
                note_progress(session, run.id, run.attempts)
        except SQLAlchemyError as error:
            log.warning("progress_not_noted", run_id=run.id, error=type(error).__name__)

    return work.folder.checkpoints(way, inputs, work.runtime.settings.checkpoint_seconds, saved)
