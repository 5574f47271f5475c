"""One training run from labels to a recorded model version. Transactions are short; none is open while it trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core import learning
from core.champions import add_version, champion, models, next_number, promote_if_better, unseen_labels
from core.clock import now
from core.db import let_others_write
from core.ids import new_public_id
from core.log import get_logger
from core.models import ModelVersion, Project, TrainingRun
from core.predictions import pieces
from core.retired_models import kept_artifacts
from core.runtime import Runtime
from core.training import due_by_threshold, label_counts, note_learned
from core.training_runs import end_cancelled, finish_run, note_snapshot
from trainer import artifacts, candidate, dataset, redaction, report, tracking
from trainer.base_models import base_for
from trainer.candidate import Work
from trainer.dataset import Dataset
from trainer.heads import head_for
from trainer.limits import Limits, bounded_memory
from trainer.measuring import Reigning, Speaker, load_speaker, measure
from trainer.model_card import PICTURE
from trainer.run_folder import RunFolder
from trainer.settings import BaseModel, TrainingSettings, choose_device, for_project

log = get_logger(__name__)


def carry_out(
    runtime: Runtime,
    run: TrainingRun,
    hyperparameters: TrainingSettings,
    limits: Limits,
    end: Callable[[Session], None],
) -> ModelVersion | None:
    """Train, evaluate, save and record; returns the version, or None where the run was ended meanwhile.

    Args:
        run: as it was claimed. What an earlier attempt has left of it is gone on with.
        hyperparameters: of projects that have not chosen their own.
        limits: of time and memory, being watched.
        end: called in the transaction that ends the run.

    Raises:
        LightworkError: what a person can mend: too few labels, a base model or device that is not there, no memory,
            a full disk, a limit that was broken.
        RunStopped: the run was cancelled while it trained, or another process has taken it over.
    """
    work = _take_up(runtime, run, hyperparameters, limits)
    with bounded_memory(runtime.settings.train_memory_mb, work.device.type):
        data = work.folder.data() or _freeze(work)
        base = base_for(runtime.settings, [one.text for one in data.train])
        _make_room(work, base)
        with runtime.reading() as session:
            reigning = _reigning(session, work.project.id)
        made, trained = candidate.make(work, data, base, reigning)
        measured, temperature = _measure(work, data, made, reigning)
        measured |= report.outlook(data, work.head.label_ids, base, measured["accuracy"], work.device)
        limits.check()
        manifest = _manifest(work, data, base, made, measured | trained, temperature)
        return _keep(work, made, data, base, manifest, end)


def _take_up(runtime: Runtime, run: TrainingRun, hyperparameters: TrainingSettings, limits: Limits) -> Work:
    with runtime.reading() as session:
        project = session.get_one(Project, run.project_id)
        number = next_number(session, project.id)
    return Work(
        runtime=runtime,
        run=run,
        project=project,
        number=number,
        head=head_for(project.label_schema),
        settings=for_project(hyperparameters, learning.load(project.learning)),
        device=choose_device(runtime.settings.device, runtime.settings.threads),
        folder=RunFolder(runtime.settings.run_directory, run.public_id),
        limits=limits,
        tracker=tracking.tracker_for(runtime.settings, project.public_id, number, run.public_id),
    )


def _freeze(work: Work) -> Dataset:
    # Marked first, read after: a label that is undone in between is then either refused or not read.
    runtime, project = work.runtime, work.project
    with runtime.reading() as session:
        new = dataset.unmarked(session, project.id)
    for piece in pieces(new):
        with runtime.writing() as session:
            dataset.mark_trained(session, project.id, piece, now())
        let_others_write(runtime.engine)
    redact = redaction.load(runtime.settings.redaction)
    with runtime.reading() as session:
        data = dataset.build(session, project, work.head, work.settings.holdout_share, redact)
        decided = sum(label_counts(session, project.id).values())
    with runtime.writing() as session:
        note_snapshot(session, work.run.id, dataset.describe(data, project, work.head.label_ids))
        note_learned(session, project.id, decided)
    work.folder.keep(data)
    return data


def _make_room(work: Work, base: BaseModel) -> None:
    """Clear what killed processes left and nobody goes back to, and look whether there is room for another model."""
    directory = work.runtime.settings.model_directory
    own = directory / work.project.public_id
    with work.runtime.writing() as session:
        artifacts.set_aside(own, {Path(artifact).name for artifact in kept_artifacts(session, work.project.id)})
    artifacts.remove_half_written(own)
    artifacts.require_space(directory, Path(base.source))


def _reigning(session: Session, project_id: int) -> Reigning | None:
    version = champion(session, project_id)
    if version is None:
        return None
    cuts = tuple((one.number, one.created_at) for one in models(session, project_id))
    return Reigning(version, unseen_labels(session, version), cuts)


def _measure(
    work: Work, data: Dataset, made: Speaker, reigning: Reigning | None
) -> tuple[dict[str, Any], float | None]:
    rival = None
    if reigning is not None:
        rival = load_speaker(work.runtime.settings.model_directory, reigning.version, work.project.label_schema)
    return measure(data, made, reigning, rival, work.device)


def _manifest(
    work: Work, data: Dataset, base: BaseModel, made: Speaker, metrics: dict[str, Any], temperature: float | None
) -> dict[str, Any]:
    return {
        "base_model": base.name,
        "label_schema": work.project.label_schema,
        "label_ids": list(work.head.label_ids),
        "guidelines_version": work.project.guidelines_version,
        "settings": candidate.settings_of(work, metrics["start"]["way"]).as_dict(),
        "method": getattr(made.model.config, "training_method", work.settings.method),
        "temperature": temperature,
        "snapshot_hash": data.snapshot_hash,
        "trigger": work.run.trigger,
        "metrics": metrics,
    }


def _keep(
    work: Work,
    made: Speaker,
    data: Dataset,
    base: BaseModel,
    manifest: dict[str, Any],
    end: Callable[[Session], None],
) -> ModelVersion | None:
    """Save the artifact and record the version: both, or neither."""
    settings = work.runtime.settings
    artifact = f"{work.project.public_id}/{new_public_id()}"
    directory = settings.model_directory / artifact
    files = report.files(settings, work.project, data, work.number, manifest, base)
    artifacts.save(directory, made.model, made.tokenizer, manifest, files)
    version = None
    try:
        version = _record(work.runtime, work.run, artifact, manifest, end)
    finally:
        if version is None:
            artifacts.remove(directory)
    work.tracker.write(work.number, tracking.scalars(manifest["metrics"]))
    work.tracker.close(manifest["settings"])
    return version


def _record(
    runtime: Runtime, run: TrainingRun, artifact: str, manifest: dict[str, Any], end: Callable[[Session], None]
) -> ModelVersion | None:
    moment = now()
    with runtime.writing() as session:
        end(session)
        if not finish_run(session, run.id, moment, run.attempts):
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
        picture = (runtime.settings.model_directory / artifact / PICTURE).resolve()
        promoted = promote_if_better(session, run, version, moment, str(picture))
        # What was decided while this run kept the next one from starting may be enough by itself.
        due_by_threshold(session, run.project_id, moment)
    gate = version.metrics["gate"]
    log.info("training_done", run_id=run.id, version=version.number, promoted=promoted, reason=gate["reason"])
    return version
