"""An export that somebody asked for in a chat: owed in SQL, written outside any transaction, then owed as a message."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.effects import EnqueueJob, add_effect
from core.exporting.write import export_formats, write_export
from core.lanes import Lane
from core.models import ExportRequest, Project
from core.outbox import owe
from core.queue import DEFAULT, EXPORT
from core.runtime import Runtime


def request_export(
    session: Session, project: Project, worker_id: int, kind: str, file_format: str, now: datetime
) -> ExportRequest:
    """Owe an export to `worker_id`, whose right to it the caller has checked; its job is enqueued after the commit.

    Args:
        kind, file_format: one of `core.exporting.rows.KINDS` and of `export_formats()`.
    """
    request = ExportRequest(
        project_id=project.id, worker_id=worker_id, kind=kind, format=file_format, state="due", created_at=now
    )
    session.add(request)
    session.flush()
    add_effect(session, _effect(request.id))
    return request


def unfinished_exports(session: Session) -> list[EnqueueJob]:
    """Jobs for the exports that are still owed, for the sweep."""
    due = select(ExportRequest.id).where(ExportRequest.state == "due").order_by(ExportRequest.id)
    return [_effect(request_id) for request_id in session.scalars(due)]


def export_for_chat(runtime: Runtime, request_id: int, now: datetime) -> None:
    """Write an export under the home and owe it to whoever asked.

    Run again it does nothing, or, where the first run was cut short, writes the same file anew. The message
    "export_ready" has the params project_id, kind, format, rows, name, media_type and path.

    Raises:
        InvalidInput: unknown_export or unknown_format.
        OSError: the home cannot be written.
    """
    with runtime.reading() as session:
        request = session.get_one(ExportRequest, request_id)
        if request.state != "due":
            return
        project = session.get_one(Project, request.project_id)
        formats = export_formats()
        extension = formats[request.format].EXTENSION if request.format in formats else ""
        path = runtime.settings.home / "exports" / f"{project.public_id}-{request.kind}-{request.id}{extension}"
        info = write_export(session, project, request.kind, request.format, path, now)
        workspace_id = project.workspace_id
    params = {
        "project_id": request.project_id,
        "kind": request.kind,
        "format": request.format,
        "rows": info.rows,
        "name": f"{request.kind}{extension}",
        "media_type": info.media_type,
        "path": str(path.resolve()),
    }
    with runtime.writing() as session:
        owed = session.get_one(ExportRequest, request_id)
        owed.state, owed.finished_at = "done", now
        owe(
            session,
            worker_id=owed.worker_id,
            workspace_id=workspace_id,
            kind="export_ready",
            params=params,
            dedupe_key=f"export-{request_id}",
            now=now,
            lane=Lane.REPLY,
        )


def _effect(request_id: int) -> EnqueueJob:
    return EnqueueJob(DEFAULT, EXPORT, (request_id,), f"export-{request_id}")
