"""`lightwork predict`: a model of a job labels the texts of a file."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from core.cli.counting import counted
from core.cli.failures import row_problem
from core.cli.model import chosen, measured, opened, right_on
from core.cli.output import check_out, check_source
from core.config import Settings
from core.errors import SettingsError

TRAINER = "trainer.using"
"""By name, because core does not know the trainer."""
WORDS_OF_TEXT = 3
"""A column whose name has so many words is perhaps called by a text."""


def run(
    settings: Settings,
    wanted: str,
    source: Path,
    out: Path,
    number: int | None,
    column: str | None,
    tell: Callable[[str], None],
    *,
    force: bool = False,
) -> dict[str, Any]:
    """Label a file; what `--json` prints.

    Args:
        wanted: id or name of the job. number: of the version; the one in use where nothing is said.
        tell: gets a line about every thousand texts.
        force: replace a file that is at `out`.

    Raises:
        SettingsError: there is no such job, the file is not there, or `out` cannot be written or is there already.
        LightworkError: there is no model, or the file cannot be used.
    """
    check_source(source)
    check_out(out, [source], force=force)
    with opened(settings, wanted) as (session, project):
        version = chosen(session, project, number)
        session.expunge_all()

    def progress(done: int, rows: int) -> None:
        tell(f"{done:,} of about {counted(rows, 'text')}")

    try:
        outcome = import_module(TRAINER).predict_file(settings, project, version, source, out, column, progress)
    except OSError as error:
        raise SettingsError(f"{out} cannot be written ({error.strerror}).") from None
    first_bad = [row.to_json() | {"reason": row_problem(row.code, row.params)} for row in outcome.first_bad]
    model = {"project": project.public_id, "version": version.number, **measured(version)}
    read = {"text_column": outcome.text_column, "guessed_by": outcome.guessed or None, "header": outcome.header}
    rows = {"rows": outcome.rows, "bad_rows": outcome.bad, "first_bad": first_bad}
    return {**model, **read, **rows, "columns": dict(outcome.added), "out": str(out)}


def describe(found: dict[str, Any]) -> str:
    """The same for a person."""
    texts, column = counted(found["rows"], "text"), found["text_column"]
    right = f"right on {right_on(found)}"
    lines = [f"{texts} of the column {column!r} labeled by v{found['version']} ({right}): {found['out']}"]
    lines += _doubts(found)
    if renamed := {name: new for name, new in found["columns"].items() if name != new}:
        said = " and ".join(f"{new!r}" for new in renamed.values())
        lines.append(f"The file has such columns already, so those of the model are called {said}.")
    return "\n".join([*lines, *_left_out(found)])


def _doubts(found: dict[str, Any]) -> list[str]:
    """What to do where the column was not the one that was meant, or its name is a text."""
    longest, alone = (found["guessed_by"] == reason for reason in ("longest", "only_column"))
    lines = ["That column has the most words; --column names another."] if longest else []
    if found["header"] and (alone or (longest and len(found["text_column"].split()) >= WORDS_OF_TEXT)):
        lines.append(
            "The first line was taken for the names of the columns and got no label. "
            "If it is a row like the others, put a line with names above it, such as: text"
        )
    return lines


def _left_out(found: dict[str, Any]) -> list[str]:
    bad = found["bad_rows"]
    if not bad:
        return []
    lines = [f"{counted(bad, 'row')} could not be read and {'was' if bad == 1 else 'were'} left out:"]
    lines += [f"  line {row['line']}: {row['reason']}" for row in found["first_bad"]]
    more = bad - len(found["first_bad"])
    return [*lines, f"  and {more:,} more"] if more else lines
