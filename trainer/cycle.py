"""One training run from labels to a recorded model version. Transactions are short; none is open while it trains."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from sqlalchemy.orm import Session

from core.champions import add_version, champion, promote_if_better
from core.clock import now
from core.db import is_sqlite
from core.errors import Conflict
from core.ids import new_public_id
from core.log import get_logger
from core.models import ModelVersion, Project, TrainingRun
from core.predictions import pieces
from core.runtime import Runtime
from core.training import due_by_threshold
from core.training_runs import finish_run
from trainer import artifacts, dataset, evaluate, predict, train
from trainer.dataset import Dataset
from trainer.heads import Head, head_for
from trainer.settings import Device, TrainingSettings, base_model, choose_device

PAUSE_SECONDS = 0.01
"""Between two pieces of writing on SQLite, so that taps get through."""

log = get_logger(__name__)


def carry_out(
    runtime: Runtime, run_id: int, hyperparameters: TrainingSettings, end: Callable[[Session], None]
) -> ModelVersion | None:
    """Train, evaluate, save and record; returns the version, or None where another process had ended the run.

    Args:
        end: called in the transaction that ends the run.

    Raises:
        LightworkError: what a person can mend: too few labels, a base model or device that is not there, no memory.
    """
    device = choose_device(runtime.settings.device)
    base = base_model(runtime.settings)
    with runtime.reading() as session:
        run = session.get_one(TrainingRun, run_id)
        project = session.get_one(Project, run.project_id)
        reigning = champion(session, project.id)
    head = head_for(project.label_schema)
    data = _freeze_and_read(runtime, project, head, hyperparameters.holdout_share)

    started = time.monotonic()
    try:
        texts, targets = [one.text for one in data.train], [one.target for one in data.train]
        model, tokenizer = train.fit(texts, targets, head, base, hyperparameters, device, _progress(run_id))
        seconds = time.monotonic() - started
        metrics = _metrics(runtime, data, head, device, (model, tokenizer, hyperparameters.max_length), reigning)
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise Conflict("training_out_of_memory", device=device.type) from error
    metrics |= {"seconds": round(seconds, 1), "device": device.type, "autocast": str(device.autocast or "none")}

    manifest = {
        "base_model": base.name,
        "label_schema": project.label_schema,
        "label_ids": list(head.label_ids),
        "settings": hyperparameters.as_dict(),
        "snapshot_hash": data.snapshot_hash,
        "trigger": run.trigger,
        "metrics": metrics,
    }
    artifact = f"{project.public_id}/{new_public_id()}"
    directory = runtime.settings.model_directory / artifact
    artifacts.remove_half_written(directory.parent)
    artifacts.save(directory, model, tokenizer, manifest)
    version = None
    try:
        version = _record(runtime, run, base.name, artifact, data.snapshot_hash, metrics, end)
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


def _metrics(
    runtime: Runtime,
    data: Dataset,
    head: Head,
    device: Device,
    candidate: tuple[Any, Any, int],
    reigning: ModelVersion | None,
) -> dict[str, Any]:
    texts, truth = [one.text for one in data.holdout], [one.label_id for one in data.holdout]
    train_texts, train_labels = [one.text for one in data.train], [one.label_id for one in data.train]
    model, tokenizer, max_length = candidate

    def measured(model: Any, tokenizer: Any, max_length: int) -> dict[str, Any]:
        said = predict.probabilities(model, tokenizer, texts, head, device, max_length)
        return evaluate.score(said, truth, head.label_ids)

    mine = measured(model, tokenizer, max_length)
    return {
        "accuracy": mine["accuracy"],
        "holdout": mine,
        "champion": _rival(runtime.settings.model_directory, reigning, head, measured),
        "majority_class_accuracy": evaluate.majority_class_accuracy(train_labels, truth),
        "tfidf_logreg_accuracy": evaluate.tfidf_logreg_accuracy(train_texts, train_labels, texts, truth),
        "train_items": len(data.train),
        "holdout_items": len(data.holdout),
        "holdout_published": data.holdout_items,
        "holdout_coverage": data.holdout_coverage,
    }


def _rival(
    models: Path, reigning: ModelVersion | None, head: Head, measured: Callable[[Any, Any, int], dict[str, Any]]
) -> dict[str, Any] | None:
    """The champion's scores on this holdout; only its id where its artifact is lost or knows other labels."""
    if reigning is None:
        return None
    known = {"version_id": reigning.id, "number": reigning.number}
    try:
        model, tokenizer, manifest = artifacts.load(models / reigning.artifact)
    except Conflict as error:
        log.warning("champion_lost", version_id=reigning.id, error=str(error))
        return known
    if manifest["label_ids"] != list(head.label_ids):
        return known
    return known | measured(model, tokenizer, int(manifest["settings"]["max_length"]))


def _record(
    runtime: Runtime,
    run: TrainingRun,
    base_name: str,
    artifact: str,
    snapshot_hash: str,
    metrics: dict[str, Any],
    end: Callable[[Session], None],
) -> ModelVersion | None:
    moment = now()
    with runtime.writing() as session:
        end(session)
        if not finish_run(session, run.id, moment):
            return None
        version = add_version(
            session,
            run,
            base_model=base_name,
            artifact=artifact,
            snapshot_hash=snapshot_hash,
            metrics=metrics,
            now=moment,
        )
        promoted = promote_if_better(session, run, version, moment)
        # What was decided while this run kept the next one from starting may be enough by itself.
        due_by_threshold(session, run.project_id, moment)
    log.info("training_done", run_id=run.id, version=version.number, promoted=promoted, seconds=metrics["seconds"])
    return version


def _progress(run_id: int) -> train.Progress:
    def report(step: int, steps: int) -> None:
        if step % max(1, steps // 10) == 0:
            log.info("training_progress", run_id=run_id, step=step, steps=steps)

    return report


def pause(runtime: Runtime) -> None:
    """Let others write, where there is one writer at a time."""
    if is_sqlite(runtime.engine):
        time.sleep(PAUSE_SECONDS)
