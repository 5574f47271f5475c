"""`lightwork model`: the models of a job are listed, shown, put into use and taken out of it, and exported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core.champions import accuracy, champion, find_version, has_files, models, promote, require_files, way_back
from core.cli.forecast import find
from core.cli.migrate import require_database
from core.cli.model_export import write
from core.clock import now
from core.config import Settings
from core.db import make_engine, unit_of_work
from core.effects import Effect
from core.errors import SettingsError
from core.models import ModelVersion, Project

CARD = "model-card.md"
APART = (
    "The percentage is how often a version was right on items kept apart from training. These grow in number, so\n"
    "percentages of different versions do not compare; the card of a version compares two on the same items."
)


@contextmanager
def opened(settings: Settings, wanted: str) -> Iterator[tuple[Session, Project]]:
    """A unit of work on the job of this id or name.

    Its effects are dropped: what a promotion makes due stands in the database, and the sweep finds it there.

    Raises:
        SettingsError: there is no such job or more than one, or the database is of another version.
    """
    require_database(settings)
    engine = make_engine(settings)
    try:
        with unit_of_work(engine, _dropped) as session:
            yield session, find(session, wanted.strip())
    finally:
        engine.dispose()


def chosen(session: Session, project: Project, number: int | None) -> ModelVersion:
    """The version of this number, or the one in use.

    Raises:
        NotFound: there is none of this number.
        SettingsError: none is in use.
    """
    if number is not None:
        return find_version(session, project.id, number)
    version = champion(session, project.id)
    if version is None:
        raise SettingsError(f"No model of {project.name!r} is in use yet; lightwork model list shows what there is.")
    return version


def listing(settings: Settings, wanted: str) -> dict[str, Any]:
    """The versions of a job, the newest first."""
    with opened(settings, wanted) as (session, project):
        found = [_row(settings, version) for version in reversed(models(session, project.id))]
        return {"project": project.public_id, "name": project.name, "versions": found}


def show(settings: Settings, wanted: str, number: int | None) -> dict[str, Any]:
    """A version with its labels, metrics and card, the one in use where no number is said."""
    with opened(settings, wanted) as (session, project):
        version = chosen(session, project, number)
        card = settings.model_directory / version.artifact / CARD
        text = card.read_text(encoding="utf-8") if card.is_file() else None
        reigning = champion(session, project.id)
        in_use = reigning.number if reigning is not None else None
        known = {"in_use": in_use, "labels": _labels(project, version), "metrics": version.metrics, "card": text}
        return _row(settings, version) | known


def use(settings: Settings, wanted: str, number: int | None) -> dict[str, Any]:
    """Put a version into use. number: None goes back to the one that was in use before.

    Raises:
        LightworkError: as `core.champions.promote`.
        SettingsError: no other version has been in use before.
    """
    with opened(settings, wanted) as (session, project):
        reigning = champion(session, project.id)
        target = _before(session, project) if number is None else number
        instead = reigning.number if reigning is not None else 0
        version = promote(session, settings, project, target, instead, None, now())
        return {"project": project.public_id, "in_use": version.number, "before": instead or None}


def export(settings: Settings, wanted: str, number: int | None, out: Path) -> dict[str, Any]:
    """Write a version as a directory that plain transformers loads.

    Raises:
        SettingsError: `out` is there already, or cannot be written.
        Conflict: model_gone, its files are.
    """
    with opened(settings, wanted) as (session, project):
        version = chosen(session, project, number)
        artifact = settings.model_directory / version.artifact
        require_files(settings, version)
        names = {str(label["id"]): str(label["name"]) for label in project.label_schema["labels"]}
        write(artifact, out, names, version.temperature, version.base_model)
        return {"project": project.public_id, "version": version.number, "out": str(out)}


def describe_list(found: dict[str, Any]) -> str:
    """The versions for a person, a line each."""
    if not found["versions"]:
        return f"{found['name']} has no model yet."
    lines = [f"{found['name']} ({found['project']})"]
    for one in found["versions"]:
        gone = "" if one["files"] else ", files gone"
        state = "in use" if one["state"] == "champion" else one["state"]
        lines.append(f"  v{one['number']:<4} {state:<10} {right_on(one)}{gone}  {one['at']}")
    if len(found["versions"]) > 1:
        lines.append(APART)
    return "\n".join(lines)


def describe_one(found: dict[str, Any]) -> str:
    """Whether it is in use, then the card, or what is known without it."""
    if found["card"]:
        return f"{_use_now(found)}\n\n{found['card']}"
    return f"{_use_now(found)} It was right on {right_on(found)}; it has no card."


def _use_now(found: dict[str, Any]) -> str:
    """Whether a version is in use. A card is of the day on which its version was trained, and does not know."""
    if found["state"] == "champion":
        held = not (found["metrics"].get("gate") or {"promote": True})["promote"]
        return f"v{found['number']} is in use now{', because somebody chose it' if held else ''}."
    instead = f"v{found['in_use']} is" if found["in_use"] else "no model is"
    return f"v{found['number']} is not in use now; {instead}."


def measured(version: ModelVersion) -> dict[str, Any]:
    """What share a version got right, and of how many items, where that is known."""
    return {"accuracy": accuracy(version), "holdout": version.metrics.get("holdout_items")}


def right_on(found: dict[str, Any]) -> str:
    """What `measured` says, in words: a share alone says little."""
    count = found["holdout"]
    return f"{found['accuracy']:.1%}" + (f" of {count:,}" if count is not None else "")


def _labels(project: Project, version: ModelVersion) -> list[dict[str, str]]:
    """Ids and names of the labels that a version knows, in the order by which its confusion counts them."""
    known = version.metrics.get("holdout", {}).get("per_class")
    labels = [{"id": str(label["id"]), "name": str(label["name"])} for label in project.label_schema["labels"]]
    return [label for label in labels if known is None or label["id"] in known]


def _before(session: Session, project: Project) -> int:
    """The number of the version to go back to."""
    version = way_back(models(session, project.id))
    if version is None:
        raise SettingsError(
            f"No other model of {project.name!r} was in use before; lightwork model list shows all, and "
            "lightwork model promote uses any of them."
        )
    return version.number


def _row(settings: Settings, version: ModelVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "state": version.state,
        **measured(version),
        "base_model": version.base_model,
        "temperature": version.temperature,
        "snapshot": version.snapshot_hash,
        "at": version.created_at.isoformat(timespec="seconds"),
        "files": has_files(settings, version),
    }


def _dropped(_effects: list[Effect]) -> None:
    """The sweep finds what is due."""
