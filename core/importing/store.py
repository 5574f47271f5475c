"""Keeping a received file, and asking for it to be loaded into a project."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.config import Settings
from core.due import import_effect
from core.effects import add_effect
from core.errors import NotFound
from core.importing.checks import check_mapping
from core.importing.receive import Received
from core.importing.rows import BadRow, Dialect
from core.media import Media, keep
from core.models import Batch, Project, Upload


def store(
    session: Session,
    settings: Settings,
    workspace_id: int,
    worker_id: int,
    path: Path,
    received: Received,
    now: datetime,
    media: Media | None = None,
) -> Upload:
    """Keep a file under its hash and write the row that knows how to read it.

    Args:
        path: the file as received; it is copied, and stays the caller's.
        media: what `core.media.keep` gave for it outside this transaction, which then does not wait for the disk.

    Raises:
        OSError: the home cannot be written.
    """
    kept = media or keep(settings, path)
    upload = Upload(
        workspace_id=workspace_id,
        worker_id=worker_id,
        sha256=kept.sha256,
        name=received.name,
        size=kept.size,
        format=received.format,
        dialect=received.to_json(),
        created_at=now,
    )
    session.add(upload)
    session.flush()
    return upload


def received_before(upload: Upload) -> Received:
    """What the first look at a file that was kept had found out."""
    kept, seen = upload.dialect, upload.dialect.get("seen", {})
    return Received(
        name=upload.name,
        size=upload.size,
        format=upload.format,
        dialect=Dialect.from_json(kept),
        text_column=kept.get("text"),
        text_candidates=tuple((name, reason) for name, reason in seen.get("candidates", ())),
        id_column=kept.get("id"),
        gold_column=kept.get("gold"),
        gold_values=tuple(seen.get("gold_values", ())),
        rows=int(kept.get("rows", 0)),
        checked_rows=int(seen.get("checked", 0)),
        bad_row_count=int(seen.get("bad_count", 0)),
        bad_rows=tuple(BadRow(row["line"], row["code"], row["params"]) for row in seen.get("bad", ())),
        preview=(seen["preview"],) if "preview" in seen else (),
        explanation_column=seen.get("explanation"),
        values=seen.get("values", {}),
    )


def create_batch(
    session: Session, project: Project, upload: Upload, mapping: Mapping[str, Any], worker_id: int, now: datetime
) -> Batch:
    """A batch in state loading, and the RQ job that loads it after the commit.

    Args:
        mapping: {"text": column, "id": column or None, "gold": column or None}.

    Raises:
        InvalidInput: column_missing or no_text_column, with the columns that there are.
        NotFound: upload_unknown, where the upload is another workspace's.
    """
    if upload.workspace_id != project.workspace_id:
        raise NotFound("upload_unknown", upload=upload.public_id)
    checked = check_mapping(mapping, upload.dialect["columns"])
    batch = Batch(
        project_id=project.id,
        upload_id=upload.id,
        state="loading",
        mapping=checked.to_json(),
        bad_rows=[],
        created_by_id=worker_id,
        created_at=now,
    )
    session.add(batch)
    session.flush()
    add_effect(session, import_effect(batch.id))
    return batch
