"""Messages owed to coordinators about their jobs, read when they are sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from bot.cards.finished import Finished
from bot.cards.forms import bad_row_line
from bot.cards.views import Choice, FileCard, Notice, View
from bot.texts import listed, say
from bot.tokens import make
from core.costs import spent
from core.finishing import has_ended
from core.models import Batch, Project, Workspace
from core.pilot import LEAST_BEHIND, PILOT_ITEMS
from core.projects import is_withdrawn
from core.stats import project_stats

MAX_LINES = 5
"""So many bad rows are named; a job names as many lines of duplicates."""


def import_done(session: Session, params: dict[str, Any], locale: str) -> View:
    """A file was loaded: how many items are open or wait for a pilot, and what was left out of it and why."""
    project, batch = session.get_one(Project, params["project_id"]), session.get_one(Batch, params["batch_id"])
    lines = _left_out(params, locale) + bad_lines(batch, locale)
    if ids := params.get("same_ids"):
        lines += "\n" + say("import_same_ids", locale, ids=ids)
    if params.get("set_aside"):
        lines += "\n" + say("import_set_aside", locale, count=params["set_aside"])
    said = {"project": project.name, "count": params["items"]}
    match params.get("pilot"):
        case "begun":
            size = project.pilot_size
            return Notice("import_pilot", said | {"items": size, "count": params["items"] - size, "lines": lines})
        case "held":
            return Notice("import_held", said | {"lines": lines})
        case "too_small":
            lines += "\n" + say("import_no_pilot", locale, items=PILOT_ITEMS, least=LEAST_BEHIND)
    return Notice("import_done", said | {"lines": lines})


def import_failed(session: Session, project: Project, batch: Batch, reason: str, locale: str) -> View:
    """Nothing of a file was loaded, and why. Where the job has nothing else, its draft can be had back."""
    said = {"project": project.name, "reason": reason, "lines": bad_lines(batch, locale)}
    if not is_withdrawn(session, project):
        return Notice("import_failed", said)
    again = Choice(make("repost", project.public_id), "button_repost", style="primary")
    return Notice("import_failed_wholly", said, ((again,),))


def bad_lines(batch: Batch, locale: str) -> str:
    """The first bad rows of a batch, each on a line of its own."""
    return "".join(f"\n{bad_row_line(row, locale)}" for row in batch.bad_rows[:MAX_LINES])


def _left_out(params: dict[str, Any], locale: str) -> str:
    """A line about duplicates and bad rows; nothing where there are none."""
    pieces = []
    if count := params["duplicates"]:
        named = params.get("duplicate_lines", ())
        lines = listed(named, locale, more=len(named) < count)
        pieces.append(say("import_duplicates", locale, count=count, lines=lines))
    if count := params["bad"]:
        pieces.append(say("import_bad", locale, count=count))
    return "\n" + say("import_left_out", locale, what=listed(pieces, locale)) if pieces else ""


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
    if project.finished_at is None or not has_ended(session, project.id):
        return None
    return Finished(
        public_id=project.public_id,
        name=project.name,
        decided=stats.decided,
        disputed=stats.states.get("disputed", 0),
        by_model=stats.states.get("accepted", 0),
        answers=stats.answers,
        people=stats.workers,
        cost=spent(session, project).total,
        currency=session.get_one(Workspace, project.workspace_id).currency,
        took=project.finished_at - project.created_at,
        known=stats.gold_known,
        right=stats.gold_right,
        file=(params["name"], params["media_type"], params["path"]) if "path" in params else None,
    )


def _export(session: Session, params: dict[str, Any], locale: str) -> dict[str, Any]:
    project = session.get_one(Project, params["project_id"])
    return {"project": project.name, "kind": say(f"export_kind_{params['kind']}", locale)}
