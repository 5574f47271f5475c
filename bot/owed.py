"""Messages owed become views: read when they are sent, so that they say what is true then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from bot.cards.forms import bad_row_line
from bot.cards.views import Choice, FileCard, Notice, View
from bot.texts import knows, say
from bot.tokens import make
from core.models import Batch, OutboxMessage, Project
from core.offers import visible_slots

MAX_LINES = 5


def view_of(session: Session, message: OutboxMessage, locale: str) -> View | None:
    """The view of an owed message; nothing where it makes no sense any more.

    Raises:
        KeyError: no view is known for its kind.
    """
    return BUILDERS[message.kind](session, message.params, locale)


def _offer(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    project = session.get_one(Project, params["project_id"])
    slots = visible_slots(session, project.id)
    if project.state != "open" or not slots:
        return None
    start = Choice(make("next", project.public_id), "button_start", style="primary")
    return Notice("offer", {"project": project.name, "slots": slots}, ((start,),))


def _import_done(session: Session, params: dict[str, Any], locale: str) -> View:
    project, batch = session.get_one(Project, params["project_id"]), session.get_one(Batch, params["batch_id"])
    lines = _bad_lines(batch, locale)
    if params.get("duplicate_lines"):
        lines += say("duplicates_named", locale, lines=", ".join(str(line) for line in params["duplicate_lines"]))
    counts = {name: params[name] for name in ("items", "duplicates", "bad")}
    return Notice("import_done", {"project": project.name, "lines": lines, **counts})


def _import_failed(session: Session, params: dict[str, Any], locale: str) -> View:
    project, batch = session.get_one(Project, params["project_id"]), session.get_one(Batch, params["batch_id"])
    reason = sentence(batch.error_code or "unexpected", batch.error_params or {}, locale)
    return Notice("import_failed", {"project": project.name, "reason": reason, "lines": _bad_lines(batch, locale)})


def _export_ready(session: Session, params: dict[str, Any], locale: str) -> View:
    project = session.get_one(Project, params["project_id"])
    said = {
        "project": project.name,
        "rows": params["rows"],
        "kind": say(f"export_kind_{params['kind']}", locale),
    }
    return FileCard("export_ready", said, params["name"], params["media_type"], params["path"])


def _training_done(session: Session, params: dict[str, Any], locale: str) -> View:
    project = session.get_one(Project, params["project_id"])
    champion = params.get("champion_accuracy")
    compared = "" if champion is None else say("training_compared", locale, champion=f"{champion:.1%}")
    verdict = say("training_promoted" if params["promoted"] else "training_held", locale)
    said = {"version": params["version"], "accuracy": f"{params['accuracy']:.1%}", "compared": compared}
    return Notice("training_done", {"project": project.name, "verdict": verdict, **said})


def _training_failed(session: Session, params: dict[str, Any], locale: str) -> View:
    project = session.get_one(Project, params["project_id"])
    reason = sentence(params["code"], params.get("params") or {}, locale)
    return Notice("training_failed", {"project": project.name, "reason": reason})


BUILDERS: dict[str, Callable[[Session, dict[str, Any], str], View | None]] = {
    "offer": _offer,
    "import_done": _import_done,
    "import_failed": _import_failed,
    "export_ready": _export_ready,
    "training_done": _training_done,
    "training_failed": _training_failed,
}


def sentence(code: str, params: dict[str, Any], locale: str) -> str:
    """The sentence of an error code that a job stored."""
    return say(code, locale, **params) if knows(code) else say("unexpected", locale)


def _bad_lines(batch: Batch, locale: str) -> str:
    lines = [bad_row_line(row, locale) for row in batch.bad_rows[:MAX_LINES]]
    return "".join(f"\n{line}" for line in lines)
