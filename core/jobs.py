"""RQ entry points. Each takes ids only, is idempotent, and is counted in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import or_, select

from core import accepting, allotting, changes, forgetting, importing, recollection, reestimation, retreating
from core.assignment import expire_leases
from core.audit_digest import remind_experts
from core.clock import now
from core.db.away import is_away
from core.drift_watch import find_drift, note_drift
from core.errors import LightworkError
from core.exporting import export_for_chat, fail_export
from core.finishing import look_for_end
from core.flagging import score_workers
from core.gold_doubts import retire_doubtful
from core.job_frame import counted_job
from core.log import get_logger
from core.merging import merge_strays
from core.metrics import LEASES_EXPIRED
from core.models import Assignment, Project
from core.offers import offer_work as make_offers
from core.pilot import look_for_report
from core.progress import count_done
from core.pruning import prune_files
from core.queue import ASSIGNMENTS, DEFAULT, is_last_attempt
from core.reminders import remind
from core.runtime import Runtime, process_runtime
from core.second_look_outcomes import carry_back
from core.sweep import sweep_project, sweep_rest
from core.training import due_by_cron, due_by_threshold

EXPIRE_CHUNK = 500

log = get_logger(__name__)


@contextmanager
def counted(queue: str, name: str) -> Iterator[Runtime]:
    """The process's runtime for one job, which is counted as run or as failed."""
    runtime = process_runtime()
    with counted_job(runtime, queue, name):
        yield runtime


def expire_leases_of(runtime: Runtime, project_id: int, clock: Callable[[], datetime]) -> int:
    """End leases that are over their deadline, chunk by chunk, each at its own moment: so its offers come after it."""
    total = 0
    while True:
        with runtime.writing() as session:
            ended = expire_leases(session, project_id, clock(), EXPIRE_CHUNK)
        LEASES_EXPIRED.inc(ended)
        total += ended
        if ended < EXPIRE_CHUNK:
            return total


def expire_leases_job(project_id: int) -> None:
    """End all leases of a project that are over their deadline; their slots come back at once."""
    with counted(ASSIGNMENTS, "expire_leases") as runtime:
        expire_leases_of(runtime, project_id, now)


def offer_work(project_id: int, after_worker_id: int = 0) -> None:
    """Offer a project's shortfall to idle workers, those after `after_worker_id`."""
    with counted(ASSIGNMENTS, "offer_work") as runtime, runtime.writing() as session:
        make_offers(session, project_id, now(), after_worker_id)


def reestimate(project_id: int) -> None:
    """Score a project's workers, re-estimate its consensus, then look whether enough is agreed for a training run,
    whether a model drifts or labels worse than it may, whether all is agreed, whether a pilot is through, and whether
    audits are due.
    """
    with counted(ASSIGNMENTS, "reestimate") as runtime:
        score_workers(runtime, project_id, now)  # first: both are due until the estimate is written
        reestimation.reestimate(runtime.engine, project_id, runtime.run_effects, now)
        allotting.allot(runtime.engine, project_id, runtime.run_effects, now)
        count_done(runtime, project_id)
        with runtime.writing() as session:
            due_by_threshold(session, project_id, now())
        _look_for_drift(runtime, project_id)
        with runtime.writing() as session:
            retreating.look_for_broken(session, project_id, now())
        with runtime.writing() as session:
            retire_doubtful(session, project_id, now())
        with runtime.writing() as session:
            carry_back(session, project_id, now())
        with runtime.writing() as session:
            look_for_end(session, project_id, now())
        with runtime.writing() as session:
            look_for_report(session, project_id, now())
        remind_experts(runtime, project_id, now)


def _look_for_drift(runtime: Runtime, project_id: int) -> None:
    with runtime.reading() as session:
        drift = find_drift(session, project_id)
    if drift is not None:
        with runtime.writing() as session:
            note_drift(session, project_id, drift, now())


def apply_overlap(project_id: int) -> None:
    """Hold a project's items against a range of answers that was changed."""
    with counted(ASSIGNMENTS, "apply_overlap") as runtime:
        changes.apply_overlap(runtime.engine, project_id, runtime.run_effects, now)


def import_batch(batch_id: int) -> None:
    """Load an upload into a project; published whole or not at all, and after the last attempt given up.

    A database that is away is waited for: the sweep begins again.
    """
    with counted(DEFAULT, "import_batch") as runtime:
        try:
            importing.load_batch(runtime.engine, runtime.settings, batch_id, runtime.run_effects)
        except Exception as error:
            if is_last_attempt() and not is_away(error):
                importing.fail_batch(runtime.engine, batch_id, runtime.run_effects)
            raise


def export_project(request_id: int) -> None:
    """Write the export that a coordinator asked for, and owe it to them; after the last attempt, that it failed."""
    with counted(DEFAULT, "export_project") as runtime:
        try:
            export_for_chat(runtime, request_id, now())
        except Exception:
            if is_last_attempt():
                fail_export(runtime, request_id, now())
            raise


def accept_labels(version_id: int) -> None:
    """Take labels from a model version as the settings of its job say, or take them back where that was ordered."""
    with counted(DEFAULT, "accept_labels") as runtime:
        retreating.carry_out(runtime, version_id, now)
        accepting.apply(runtime, version_id, now)
        retreating.carry_out(runtime, version_id, now)  # where the labels were found to be unproven


def recollect(workspace_id: int, worker_id: int, project_id: int = 0) -> None:
    """Have asked again what somebody alone decided who is banned from a workspace (0), or paused in one project."""
    with counted(DEFAULT, "recollect") as runtime:
        recollection.recollect(runtime, workspace_id, worker_id, now, project_id or None)


def forget_chat(external_id: str) -> None:
    """Delete what the web chat still shows to an account that was erased."""
    with counted(DEFAULT, "forget_chat") as runtime, runtime.writing() as session:
        forgetting.forget_chat(session, external_id)


def sweep() -> None:
    """Re-enqueue from SQL whatever is due, whether Redis has forgotten it or never knew."""
    with counted(ASSIGNMENTS, "sweep") as runtime:
        with runtime.reading() as session:
            leased = select(Assignment.project_id).where(Assignment.state == "active")
            wanted = or_(Project.state != "closed", Project.id.in_(leased))
            project_ids = list(session.scalars(select(Project.id).where(wanted)))
        for project_id in project_ids:
            with runtime.writing() as session:
                sweep_project(session, session.get_one(Project, project_id), now())
        with runtime.writing() as session:
            sweep_rest(session, now())
        with runtime.writing() as session:  # by itself: it holds rows of leases, before which items are locked
            remind(session, now())
        with runtime.writing() as session:  # by itself: it locks items before anything else
            merge_strays(session, now())


def tick() -> None:
    """Once a minute: start the training runs whose cron string says so, and remove files that are too old."""
    with counted(ASSIGNMENTS, "tick") as runtime:
        prune_files(runtime.settings, now())
        with runtime.reading() as session:
            project_ids = list(session.scalars(select(Project.id).where(Project.state == "open")))
        for project_id in project_ids:
            try:
                with runtime.writing() as session:
                    due_by_cron(session, session.get_one(Project, project_id), now())
            except LightworkError as error:
                log.warning("cron_refused", project_id=project_id, error=str(error))
