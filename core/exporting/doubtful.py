"""The doubtful labels of a job as a file: to be read, sorted and passed on before anybody is asked again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.config import Settings
from core.drafts import drafted
from core.exporting import csv_file
from core.label_errors import DoubtfulLabel, DoubtfulLabels
from core.labels import load, name_of
from core.models import Project

COLUMNS = ("item", "item_public_id", "text", "label", "model_says", "sure")
"""`sure`: from 0 to 1, how likely what the model says is right rather than the label."""


def write_doubtful(settings: Settings, project: Project, found: DoubtfulLabels) -> Path:
    """Write all of them as CSV, the most doubtful first; the same labels lie in the same file.

    Raises:
        OSError: the home cannot be written.
    """
    rows = [_row(project, one) for one in found.labels]
    name = hashlib.sha256(repr(rows).encode()).hexdigest()[:16]
    path = settings.export_directory / f"{project.public_id}-doubtful-{name}{csv_file.EXTENSION}"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with drafted(path) as draft:
        csv_file.write(draft, COLUMNS, rows)
    return path


def _row(project: Project, one: DoubtfulLabel) -> tuple[str, str, str, str, str, float]:
    schema = load(project.label_schema)
    given, likely = (name_of(schema, label_id) for label_id in (one.given, one.likely))
    return one.external_id or one.item_public_id, one.item_public_id, one.text, given, likely, one.doubt
