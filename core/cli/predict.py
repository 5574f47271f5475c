"""`lightwork predict`: a model of a job labels the texts of a file."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from core.champions import accuracy
from core.cli.model import chosen, opened
from core.config import Settings
from core.errors import SettingsError

TRAINER = "trainer.using"
"""By name, because core does not know the trainer."""


def run(
    settings: Settings,
    wanted: str,
    source: Path,
    out: Path,
    number: int | None,
    column: str | None,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Label a file; what `--json` prints.

    Args:
        wanted: id or name of the job. number: of the version; the one in use where nothing is said.
        tell: gets a line about every thousand texts.

    Raises:
        SettingsError: there is no such job, the file is not there, or `out` cannot be written.
        LightworkError: there is no model, or the file cannot be used.
    """
    if not source.is_file():
        raise SettingsError(f"There is no file {source}.")
    if not out.absolute().parent.is_dir():
        raise SettingsError(f"{out} cannot be written: there is no folder {out.parent}.")
    with opened(settings, wanted) as (session, project):
        version = chosen(session, project, number)
        session.expunge_all()

    def progress(done: int, rows: int) -> None:
        tell(f"{done:,} of about {rows:,} texts")

    try:
        outcome = import_module(TRAINER).predict_file(settings, project, version, source, out, column, progress)
    except OSError as error:
        raise SettingsError(f"{out} cannot be written ({error.strerror}).") from None
    first_bad = [row.to_json() for row in outcome.first_bad]
    rows = {"rows": outcome.rows, "bad_rows": outcome.bad, "first_bad": first_bad}
    model = {"project": project.public_id, "version": version.number, "accuracy": accuracy(version)}
    return {**model, **rows, "out": str(out)}


def describe(found: dict[str, Any]) -> str:
    """The same for a person."""
    said = f"{found['rows']:,} texts labeled by v{found['version']} (right on {found['accuracy']:.1%}): {found['out']}"
    if not found["bad_rows"]:
        return said
    lines = ", ".join(str(row["line"]) for row in found["first_bad"])
    more = " ..." if found["bad_rows"] > len(found["first_bad"]) else ""
    return f"{said}\n{found['bad_rows']:,} rows could not be read and were left out: line {lines}{more}."
