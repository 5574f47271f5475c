"""Messages owed about the aim of a job, and about training, read when they are sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session

from bot.cards.views import Choice, Notice, View
from bot.texts import say
from bot.texts.measures import number
from bot.tokens import make
from core.budget import budget_of, has_budget
from core.models import Project
from core.projects import count_open_items


def _budget_used(session: Session, params: dict[str, Any], locale: str) -> View | None:
    """A budget is used up; nothing where it was raised or lifted meanwhile."""
    project = session.get_one(Project, params["project_id"])
    if project.state == "closed" or not has_budget(project) or budget_of(project) > params["budget"]:
        return None
    items, answers = count_open_items(session, project.id), budget_of(project)
    left = say("budget_left", locale, count=items, items=number(items, locale)) if items else ""
    said = {"project": project.name, "count": answers, "answers": number(answers, locale), "left": left}
    rows = (
        (Choice(make("aim", project.public_id), "button_raise", style="primary"),),
        (
            Choice(make("pick", project.public_id, "settle"), "button_settle"),
            Choice(make("edit", project.public_id, "close"), "button_close_job"),
        ),
    )
    return Notice("budget_used", said, rows)


def _training(session: Session, params: dict[str, Any], _locale: str) -> View:
    """Somebody practises for a while, or does so no more."""
    project = session.get_one(Project, params["project_id"])
    start = Choice(make("next", project.public_id), "button_next", style="primary")
    return Notice(params["code"], {"project": project.name}, ((start,),))


BUILDERS: dict[str, Callable[[Session, dict[str, Any], str], View | None]] = {
    "budget_used": _budget_used,
    "training": _training,
}
