"""RQ entry points: a few lines each, ids only, idempotent, counted in the transaction that ends them."""

from __future__ import annotations

from core.clock import now
from core.effects import add_effect
from core.errors import Conflict, LightworkError
from core.log import get_logger
from core.models import ModelVersion, TrainingRun
from core.predictions import fail_prelabel
from core.queue import CLAIM, TRAINING, note_in_job
from core.runtime import Runtime, process_runtime
from core.tally import count_job
from core.training_runs import (
    claim,
    end_cancelled,
    fail_run,
    release_run,
    retry_effect,
    unfinished_ids,
)
from trainer import cycle, ordering
from trainer import prelabel as prelabeling
from trainer.heartbeat import Heartbeat
from trainer.job_frame import find_champion, model_job, quiet
from trainer.limits import Limits
from trainer.run_folder import remove_ended
from trainer.settings import TrainingSettings
from trainer.stopping import RunStopped

HYPERPARAMETERS = TrainingSettings()

log = get_logger(__name__)


def retrain(run_id: int) -> None:
    """Carry out a training run that is due: this one, or one of another project whose turn it is.

    What a person can mend ends the run with a message to the coordinator; anything else is raised, for RQ to retry.
    """
    runtime = process_runtime()
    run = _claim(runtime, run_id)
    if run is None:
        _remove_ended(runtime)  # of an attempt that was killed between its end and this
        return
    note_in_job(CLAIM, [run.id, run.attempts])
    quiet()
    try:
        _carry_out(runtime, run)
    except BaseException:
        with runtime.writing() as session:
            release_run(session, run.id, run.attempts, now())
            count_job(session, TRAINING, "retrain", now(), failed=True)
        raise
    finally:
        _remove_ended(runtime)


def _carry_out(runtime: Runtime, run: TrainingRun) -> None:
    """Carry a run out to whatever end a person may know of."""
    settings = runtime.settings
    limits = Limits(settings.train_seconds, settings.train_memory_mb, lambda error: _fail(runtime, run, error))
    try:
        with Heartbeat(runtime, run.id), limits:
            cycle.carry_out(
                runtime, run, HYPERPARAMETERS, limits, lambda session: count_job(session, TRAINING, "retrain", now())
            )
    except RunStopped as stopped:
        log.info("training_stopped", reason=str(stopped))
        with runtime.writing() as session:
            end_cancelled(session, run.id, now())
            count_job(session, TRAINING, "retrain", now())
    except LightworkError as error:
        _fail(runtime, run, error)


def _fail(runtime: Runtime, run: TrainingRun, error: LightworkError) -> None:
    log.warning("training_failed", run_id=run.id, error=str(error))
    with runtime.writing() as session:
        fail_run(session, run.id, error.code, error.params, now())
        count_job(session, TRAINING, "retrain", now(), failed=True)


def _remove_ended(runtime: Runtime) -> None:
    def unfinished() -> set[str]:
        with runtime.reading() as session:
            return unfinished_ids(session)

    remove_ended(runtime.settings.run_directory, unfinished)


def _claim(runtime: Runtime, run_id: int) -> TrainingRun | None:
    """The run to carry out here and now, or None."""
    with runtime.writing() as session:
        if (claimed := claim(session, run_id, now())) is not None:
            return claimed
        run = session.get(TrainingRun, run_id)
        if run is not None and (again := retry_effect(run)) is not None:
            add_effect(session, again)
        count_job(session, TRAINING, "retrain", now())
    return None


def prelabel(version_id: int) -> None:
    """Let a champion speak on all open items. A version that is not the champion any more has nothing to say."""
    runtime = process_runtime()
    with model_job(runtime, "prelabel"):
        if (version := find_champion(runtime, version_id)) is not None:
            _prelabel(runtime, version)


def _prelabel(runtime: Runtime, version: ModelVersion) -> None:
    try:
        prelabeling.carry_out(runtime, version)
    except LightworkError as error:
        log.warning("prelabel_failed", version_id=version.id, error=str(error))
        if error.code != "model_replaced":
            with runtime.writing() as session:
                fail_prelabel(session, version, error.code, error.params, now())


def diversify(project_id: int) -> None:
    """Choose what is asked first in a project that has no model yet; where a model has come, nothing is left to do."""
    runtime = process_runtime()
    with model_job(runtime, "diversify"):
        try:
            ordering.start(runtime, project_id)
        except Conflict as error:
            log.info("start_dropped", project_id=project_id, error=str(error))
