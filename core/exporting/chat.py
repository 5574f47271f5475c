"""An export that somebody asked for in a chat: written outside any transaction, then owed to them as a message."""

from __future__ import annotations

from datetime import datetime

from core.exporting.write import export_formats, write_export
from core.models import Project
from core.outbox import REPLY, owe
from core.runtime import Runtime


def export_for_chat(
    runtime: Runtime, project_id: int, worker_id: int, kind: str, file_format: str, request: int, now: datetime
) -> None:
    """Write an export under the home and owe it to `worker_id`, whose right to it was checked when they asked.

    Run again with the same `request` it writes the same file anew and owes nothing more. The message "export_ready"
    has the params project_id, kind, format, rows, name, media_type and path.

    Raises:
        InvalidInput: unknown_export or unknown_format.
        OSError: the home cannot be written.
    """
    with runtime.reading() as session:
        project = session.get_one(Project, project_id)
        extension = export_formats()[file_format].EXTENSION if file_format in export_formats() else ""
        name = f"{project.public_id}-{kind}-{request}{extension}"
        path = runtime.settings.home / "exports" / name
        info = write_export(session, project, kind, file_format, path, now)
        workspace_id = project.workspace_id
    params = {
        "project_id": project_id,
        "kind": kind,
        "format": file_format,
        "rows": info.rows,
        "name": f"{kind}{extension}",
        "media_type": info.media_type,
        "path": str(path.resolve()),
    }
    with runtime.writing() as session:
        owe(
            session,
            worker_id=worker_id,
            workspace_id=workspace_id,
            kind="export_ready",
            params=params,
            dedupe_key=f"export-{project_id}-{worker_id}-{request}",
            now=now,
            lane=REPLY,
        )
