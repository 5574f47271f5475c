"""The commands `lightwork model ...`, `predict` and `learning`. Each imports what it needs when it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from core.cli.output import ended_in_order

AS_JSON = click.option("--json", "as_json", is_flag=True, help="For programs: one object, on the last line.")
VERSION = click.option("--version", "number", type=click.IntRange(1), help="A version's number.  [default: in use]")


@click.group()
def model() -> None:
    """List, show, use and export the models of a job, by its id or its name."""


@model.command("list")
@click.argument("project")
@AS_JSON
def list_models(project: str, as_json: bool) -> None:
    """The versions of a job, the newest first."""
    from core.cli.model import describe_list, listing

    found = listing(_settings(), project)
    click.echo(_json(found) if as_json else describe_list(found))


@model.command()
@click.argument("project")
@VERSION
@AS_JSON
def show(project: str, number: int | None, as_json: bool) -> None:
    """The card of a version: its data, how good it is and where not, its limits."""
    from core.cli.model import describe_one
    from core.cli.model import show as run

    found = run(_settings(), project, number)
    click.echo(_json(found) if as_json else describe_one(found))


@model.command()
@click.argument("project")
@click.argument("number", type=click.IntRange(1))
@AS_JSON
def promote(project: str, number: int, as_json: bool) -> None:
    """Use the version of this NUMBER from now on."""
    _use(project, number, as_json)


@model.command()
@click.argument("project")
@AS_JSON
def rollback(project: str, as_json: bool) -> None:
    """Go back to the version that was in use before."""
    _use(project, None, as_json)


@model.command()
@click.argument("project")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A directory that is not there yet.")
@VERSION
@AS_JSON
@ended_in_order()
def export(project: str, out: Path, number: int | None, as_json: bool) -> None:
    """Write a version as a directory that plain transformers loads."""
    from core.cli.model import export as run

    found = run(_settings(), project, number, out)
    click.echo(_json(found) if as_json else f"v{found['version']} written to {found['out']}.")


@click.command()
@click.argument("project")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Ends in .csv, .jsonl or .xlsx.")
@click.option("--column", help="The column that holds the text.  [default: guessed]")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@VERSION
@AS_JSON
@ended_in_order()
def predict(
    project: str, file: Path, out: Path, column: str | None, number: int | None, force: bool, as_json: bool
) -> None:
    """Label the texts of a CSV, JSON Lines or XLSX FILE with the model of a job."""
    from core.cli.predict import describe, run

    def tell(line: str) -> None:
        click.echo(line, err=True)

    found = run(_settings(), project, file, out, number, column, tell, force=force)
    click.echo(_json(found) if as_json else describe(found))


@click.command()
@click.argument("project")
@click.argument("settings", nargs=-1)
@AS_JSON
def learning(project: str, settings: tuple[str, ...], as_json: bool) -> None:
    """Show how the model of a job is trained and what it may do; NAME=VALUE changes it: epochs=8 soft=off retrain=300.

    The value "default" takes a choice back.
    """
    from core.cli.learning import describe, run

    found = run(_settings(), project, settings)
    click.echo(_json(found) if as_json else describe(found))


def _use(project: str, number: int | None, as_json: bool) -> None:
    from core.cli.model import use

    found = use(_settings(), project, number)
    before = f", in place of v{found['before']}" if found["before"] else ""
    click.echo(_json(found) if as_json else f"v{found['in_use']} is in use{before}.")


def _json(found: dict[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False)


def _settings() -> Any:
    from core.cli import _settings as settings

    return settings(make_home=False)
