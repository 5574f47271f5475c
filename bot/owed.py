"""Messages owed become views: read when they are sent, so that they say what is true then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot import (
    owed_aim,
    owed_experts,
    owed_explain,
    owed_flags,
    owed_jobs,
    owed_learning,
    owed_models,
    owed_people,
    pilot_chat,
)
from bot.cards.feedback import FeedbackCard
from bot.cards.views import Choice, Notice, View
from bot.texts import knows, say
from bot.tokens import make
from core.feedback import feedback_of
from core.models import Assignment, Batch, OutboxMessage, Project
from core.offers import projects_with_work, visible_slots


def view_of(session: Session, message: OutboxMessage, locale: str) -> View | None:
    """The view of an owed message; nothing where it makes no sense any more.

    Raises:
        KeyError: no view is known for its kind.
    """
    params = message.params | {"worker_id": message.worker_id, "workspace_id": message.workspace_id}
    return BUILDERS[message.kind](session, params, locale)


def _offer(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    project = session.get_one(Project, params["project_id"])
    slots = visible_slots(session, project.id)
    if project.state != "open" or not slots:
        return None
    others = projects_with_work(session, params["workspace_id"], params["worker_id"])
    start = Choice(make("next", project.public_id), "button_start", style="primary")
    if len(others) > 1:
        return Notice("offer_of_several", {"project": project.name, "count": len(others)}, ((start,),))
    return Notice("offer", {"project": project.name, "count": slots}, ((start,),))


def _reminder(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    assignment = session.get_one(Assignment, params["assignment_id"])
    if assignment.state != "active":
        return None
    project = session.get_one(Project, assignment.project_id)
    show = Choice(make("next", project.public_id), "button_show_item", style="primary")
    back = Choice(make("giveback", assignment.public_id), "button_give_back", style="quiet")
    return Notice("reminder", {"project": project.name, "count": params["minutes"]}, ((show, back),))


def _import_failed(session: Session, params: dict[str, Any], locale: str) -> View:
    project, batch = session.get_one(Project, params["project_id"]), session.get_one(Batch, params["batch_id"])
    reason = sentence(batch.error_code or "unexpected", batch.error_params or {}, locale)
    return owed_jobs.import_failed(session, project, batch, reason, locale)


def _training_failed(session: Session, params: dict[str, Any], locale: str) -> View:
    project = session.get_one(Project, params["project_id"])
    reason = sentence(params["code"], params.get("params") or {}, locale)
    return Notice("training_failed", {"project": project.name, "reason": reason})


def _feedback(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    since = datetime.fromisoformat(params["since"])
    found = feedback_of(session, params["worker_id"], params["workspace_id"], since)
    return None if found is None else FeedbackCard(found)


def _overlap_applied(session: Session, params: dict[str, Any], _locale: str) -> View:
    project = session.get_one(Project, params["project_id"])
    answers = {"minimum": project.min_overlap, "maximum": project.max_overlap}
    return Notice("overlap_applied", {"project": project.name, **answers})


def _qualified(session: Session, params: dict[str, Any], _locale: str) -> View:
    project = session.get_one(Project, params["project_id"])
    start = Choice(make("next", project.public_id), "button_start", style="primary")
    return Notice("qualified", {"project": project.name}, ((start,),))


BUILDERS: dict[str, Callable[[Session, dict[str, Any], str], View | None]] = {
    **owed_people.BUILDERS,
    **owed_experts.BUILDERS,
    **owed_explain.BUILDERS,
    **owed_aim.BUILDERS,
    **owed_flags.BUILDERS,
    **owed_learning.BUILDERS,
    **owed_models.BUILDERS,
    "offer": _offer,
    "reminder": _reminder,
    "import_done": owed_jobs.import_done,
    "import_failed": _import_failed,
    "overlap_applied": _overlap_applied,
    "pilot_report": pilot_chat.owed_report,
    "export_ready": owed_jobs.export_ready,
    "export_failed": owed_jobs.export_failed,
    "job_finished": owed_jobs.job_finished,
    "training_failed": _training_failed,
    "feedback": _feedback,
    "qualified": _qualified,
}


def sentence(code: str, params: dict[str, Any], locale: str) -> str:
    """The sentence of an error code that a job stored."""
    return say(code, locale, **params) if knows(code) else say("unexpected", locale)
