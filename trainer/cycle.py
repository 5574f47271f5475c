"""One training run from labels to a recorded model version. Transactions are short; none is open while it trains."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from sqlalchemy.orm import Session

from core.champions import add_version, champion, promote_if_better, unseen_labels
from core.clock import now
from core.db import is_sqlite
from core.errors import Conflict
from core.ids import new_public_id
from core.log import get_logger
from core.models import ModelVersion, Project, TrainingRun
from core.predictions import pieces
from core.runtime import Runtime
from core.training import due_by_threshold
from core.training_runs import end_cancelled, finish_run
from trainer import artifacts, dataset, train
from trainer.dataset import Dataset
from trainer.heads import Head, head_for
from trainer.measuring import Reigning, Speaker, load_speaker, measure
from trainer.settings import Device, TrainingSettings, base_model, choose_device
from trainer.stopping import Watch

PAUSE_SECONDS = 0.01
"""Between two pieces of writing on SQLite, so that taps get through."""

log = get_logger(__name__)


def carry_out(
    runtime: Runtime, run: TrainingRun, hyperparameters: TrainingSettings, end: Callable[[Session], None]
) -> ModelVersion | None:
    """Train, evaluate, save and record; returns the version, or None where the run was ended meanwhile.

    Args:
        run: as it was claimed.
        end: called in the transaction that ends the run.

    Raises:
        LightworkError: what a person can mend: too few labels, a base model or device that is not there, no memory.
        RunStopped: the run was cancelled while it trained, or another process has taken it over.
    """
    device = choose_device(runtime.settings.device)
    base = base_model(runtime.settings)
    with runtime.reading() as session:
        project = session.get_one(Project, run.project_id)
    head = head_for(project.label_schema)
    data = _freeze_and_read(runtime, project, head, hyperparameters.holdout_share)
    with runtime.reading() as session:
        reigning = _reigning(session, project.id)

    started = time.monotonic()
    try:
        texts, targets = [one.text for one in data.train], [one.target for one in data.train]
        watch = Watch(runtime, run.id, run.attempts)
        model, tokenizer = train.fit(texts, targets, head, base, hyperparameters, device, watch)
        seconds = time.monotonic() - started
        candidate = Speaker(model, tokenizer, hyperparameters.max_length, head)
        metrics, temperature = _measure(runtime, project, data, candidate, reigning, device)
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise Conflict("training_out_of_memory", device=device.type) from error
    metrics |= {"seconds": round(seconds, 1), "device": device.type, "autocast": str(device.autocast or "none")}

    manifest = {
        "base_model": base.name,
        "label_schema": project.label_schema,
        "label_ids": list(head.label_ids),
        "settings": hyperparameters.as_dict(),
        "temperature": temperature,
        "snapshot_hash": data.snapshot_hash,
        "trigger": run.trigger,
        "metrics": metrics,
    }
    return _keep(runtime, run, project, candidate, manifest, end)


def _keep(
    runtime: Runtime,
    run: TrainingRun,
    project: Project,
    made: Speaker,
    manifest: dict[str, Any],
    end: Callable[[Session], None],
) -> ModelVersion | None:
    """Save the artifact and record the version: both, or neither."""
    artifact = f"{project.public_id}/{new_public_id()}"
    directory = runtime.settings.model_directory / artifact
    artifacts.remove_half_written(directory.parent)
    artifacts.save(directory, made.model, made.tokenizer, manifest)
    version = None
    try:
        version = _record(runtime, run, artifact, manifest, end)
    finally:
        if version is None:
            artifacts.remove(directory)
    return version


def _freeze_and_read(runtime: Runtime, project: Project, head: Head, holdout_share: float) -> Dataset:
    # Marked first, read after: a label that is undone in between is then either refused or not read.
    with runtime.reading() as session:
        new = dataset.unmarked(session, project.id)
    for piece in pieces(new):
        with runtime.writing() as session:
            dataset.mark_trained(session, project.id, piece, now())
        pause(runtime)
    with runtime.reading() as session:
        return dataset.build(session, project, head, holdout_share)


def _reigning(session: Session, project_id: int) -> Reigning | None:
    version = champion(session, project_id)
    return None if version is None else Reigning(version, unseen_labels(session, version))


def _measure(
    runtime: Runtime,
    project: Project,
    data: Dataset,
    candidate: Speaker,
    reigning: Reigning | None,
    device: Device,
) -> tuple[dict[str, Any], float | None]:
    rival = None
    if reigning is not None:
        rival = load_speaker(runtime.settings.model_directory, reigning.version, project.label_schema)
    return measure(data, candidate, reigning, rival, device)


def _record(
    runtime: Runtime, run: TrainingRun, artifact: str, manifest: dict[str, Any], end: Callable[[Session], None]
) -> ModelVersion | None:
    moment = now()
    with runtime.writing() as session:
        end(session)
        if not finish_run(session, run.id, moment):
            end_cancelled(session, run.id, moment)
            return None
        version = add_version(
            session,
            run,
            base_model=manifest["base_model"],
            artifact=artifact,
            snapshot_hash=manifest["snapshot_hash"],
            metrics=manifest["metrics"],
            temperature=manifest["temperature"],
            now=moment,
        )
        promoted = promote_if_better(session, run, version, moment)
        # What was decided while this run kept the next one from starting may be enough by itself.
        due_by_threshold(session, run.project_id, moment)
    gate = version.metrics["gate"]
    log.info("training_done", run_id=run.id, version=version.number, promoted=promoted, reason=gate["reason"])
    return version


def pause(runtime: Runtime) -> None:
    """Let others write, where there is one writer at a time."""
    if is_sqlite(runtime.engine):
        time.sleep(PAUSE_SECONDS)
