"""Messages owed to coordinators about their jobs, read when they are sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from bot.cards.finished import Finished
from bot.cards.views import FileCard, Notice, View
from bot.texts import say
from core.models import Project, Workspace
from core.stats import project_stats


def export_ready(session: Session, params: dict[str, Any], locale: str) -> View:
    """The file that somebody asked for."""
    said = _export(session, params, locale) | {"rows": params["rows"]}
    return FileCard("export_ready", said, params["name"], params["media_type"], params["path"])


def export_failed(session: Session, params: dict[str, Any], locale: str) -> View:
    """It could not be written."""
    return Notice("export_failed", _export(session, params, locale))


def job_finished(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """A job has come to its end; nothing where items ask for answers again meanwhile."""
    project = session.get_one(Project, params["project_id"])
    stats = project_stats(session, project)
    if project.finished_at is None:
        return None
    answers = stats.annotations + stats.surplus
    return Finished(
        public_id=project.public_id,
        name=project.name,
        decided=stats.decided,
        disputed=stats.states.get("disputed", 0),
        answers=answers,
        people=stats.workers,
        cost=answers * project.price,
        currency=session.get_one(Workspace, project.workspace_id).currency,
        took=project.finished_at - project.created_at,
        known=stats.gold_known,
        right=stats.gold_right,
        file=(params["name"], params["media_type"], params["path"]) if "path" in params else None,
    )


def _export(session: Session, params: dict[str, Any], locale: str) -> dict[str, Any]:
    project = session.get_one(Project, params["project_id"])
    return {"project": project.name, "kind": say(f"export_kind_{params['kind']}", locale)}
