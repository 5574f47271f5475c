"""Uploaded files: how they are stored and named, whose they are, and that the columns asked for are there."""

from __future__ import annotations

import stat

import pytest
from sqlalchemy import select

from core import media
from core.clock import now
from core.config import Settings
from core.errors import InvalidInput, NotFound
from core.importing import create_batch
from core.models import Project, Upload, Workspace
from tests.integration.importing.house import TEXT_ONLY, House, add, rows


def test_a_missing_column_is_refused_with_the_columns_there_are(house: House) -> None:
    with pytest.raises(InvalidInput) as caught:
        house.post(rows(range(3)), mapping={"text": "tweet", "id": None, "gold": None})
    assert (caught.value.code, caught.value.params) == (
        "column_missing",
        {"column": "tweet", "columns": ["id", "text"]},
    )


def test_another_workspaces_upload_is_not_found(house: House) -> None:
    house.post(rows(range(1)))
    with house.writing() as session:
        upload = session.scalars(select(Upload)).one()
        other = Workspace(name="other", created_at=now())
        upload.workspace_id = add(session, other)
        project = session.get_one(Project, house.project_id)
        with pytest.raises(NotFound):
            create_batch(session, project, upload, TEXT_ONLY, house.worker_id, now())


def test_a_stored_file_is_named_by_its_content_and_private(house: House) -> None:
    house.post(rows(range(3)))
    house.post(rows(range(3)))
    files = [path for path in house.settings.media_directory.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert files[0].read_text() == rows(range(3))
    assert media.keep(house.settings, files[0]).sha256 == files[0].name


@pytest.mark.parametrize("given", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_only_a_hash_names_a_stored_file(settings: Settings, given: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        media.media_path(settings, given)
