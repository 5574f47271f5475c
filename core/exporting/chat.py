"""An export for somebody's chat: owed in SQL, written outside any transaction, then owed as a message."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.config import Settings
from core.effects import EnqueueJob, add_effect
from core.enrolment import record_act
from core.exporting.write import ExportInfo, export_formats, write_export
from core.lanes import Lane
from core.models import ExportRequest, Project
from core.outbox import owe
from core.queue import DEFAULT, EXPORT
from core.recollection import is_owed
from core.runtime import Runtime

RESULT = "result"
"""Kind of the request that nobody made: the labels of a job that has come to its end."""
GIVE_UP_AFTER = timedelta(days=1)
"""A request as old as that has killed whatever process took it up."""


def request_export(
    session: Session, project: Project, worker_id: int, kind: str, file_format: str, now: datetime
) -> ExportRequest:
    """Owe an export to `worker_id`, whose right to it the caller has checked; its job is enqueued after the commit.

    Args:
        kind, file_format: one of `core.exporting.rows.KINDS` and of `export_formats()`.
    """
    record_act(session, project.workspace_id, worker_id, "export", f"{project.public_id} {kind} {file_format}", now)
    return _request(session, project, worker_id, kind, file_format, now)


def request_result(session: Session, project: Project, worker_id: int, now: datetime) -> ExportRequest:
    """Owe the labels of a job that has come to its end; the message that brings them says so."""
    return _request(session, project, worker_id, RESULT, "csv", now)


def unfinished_exports(session: Session) -> list[EnqueueJob]:
    """Jobs for the exports that are still owed, for the sweep."""
    due = select(ExportRequest.id).where(ExportRequest.state == "due").order_by(ExportRequest.id)
    return [_effect(request_id) for request_id in session.scalars(due)]


def export_for_chat(runtime: Runtime, request_id: int, now: datetime) -> None:
    """Write an export under the home and owe it to whoever asked.

    Run again it does nothing, or, where the first run was cut short, writes the same file anew. The result of a job
    waits while answers are still to be taken out of it; the sweep comes back to it. The message
    "export_ready", or "job_finished" of a result, has the params project_id, kind, format, rows, name, media_type and
    path.

    Raises:
        InvalidInput: unknown_export or unknown_format.
        OSError: the home cannot be written.
    """
    with runtime.reading() as session:
        request = session.get_one(ExportRequest, request_id)
        if request.state != "due" or _comes_too_early(session, request):
            return
        overdue = request.created_at < now - GIVE_UP_AFTER
        written = None if overdue else _write(session, runtime.settings, request, now)
    if written is None:
        fail_export(runtime, request_id, now)
        return
    info, name = written
    params = {
        "project_id": request.project_id,
        "kind": _content(request),
        "format": request.format,
        "rows": info.rows,
        "name": name,
        "media_type": info.media_type,
        "path": str(info.path.resolve()),
    }
    with runtime.writing() as session:
        _finish(session, request_id, "done", params, now)


def fail_export(runtime: Runtime, request_id: int, now: datetime) -> None:
    """Give up an export that could not be written, and tell whoever waits for it."""
    with runtime.writing() as session:
        request = session.get_one(ExportRequest, request_id)
        _finish(session, request_id, "failed", {"project_id": request.project_id, "kind": _content(request)}, now)


def _request(
    session: Session, project: Project, worker_id: int, kind: str, file_format: str, now: datetime
) -> ExportRequest:
    request = ExportRequest(
        project_id=project.id, worker_id=worker_id, kind=kind, format=file_format, state="due", created_at=now
    )
    session.add(request)
    session.flush()
    add_effect(session, _effect(request.id))
    return request


def _comes_too_early(session: Session, request: ExportRequest) -> bool:
    return request.kind == RESULT and is_owed(session, session.get_one(Project, request.project_id))


def _content(request: ExportRequest) -> str:
    return "labels" if request.kind == RESULT else request.kind


def _write(session: Session, settings: Settings, request: ExportRequest, now: datetime) -> tuple[ExportInfo, str]:
    """Write the file; what was written, and the name it has in the chat."""
    project, kind = session.get_one(Project, request.project_id), _content(request)
    formats = export_formats()
    extension = formats[request.format].EXTENSION if request.format in formats else ""
    path: Path = settings.export_directory / f"{project.public_id}-{kind}-{request.id}{extension}"
    return write_export(session, project, kind, request.format, path, now), f"{kind}{extension}"


def _finish(session: Session, request_id: int, state: str, params: dict[str, object], now: datetime) -> None:
    """End a request that is due, and owe the message that says so."""
    request = session.get_one(ExportRequest, request_id, with_for_update=True, populate_existing=True)
    if request.state != "due":
        return
    request.state, request.finished_at = state, now
    asked = "export_ready" if state == "done" else "export_failed"
    owe(
        session,
        worker_id=request.worker_id,
        workspace_id=session.get_one(Project, request.project_id).workspace_id,
        kind="job_finished" if request.kind == RESULT else asked,
        params=params,
        dedupe_key=f"export-{request_id}",
        now=now,
        lane=Lane.NOTICE if request.kind == RESULT else Lane.REPLY,
    )


def _effect(request_id: int) -> EnqueueJob:
    return EnqueueJob(DEFAULT, EXPORT, (request_id,), f"export-{request_id}")
