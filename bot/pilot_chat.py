"""The pilot section of `/quality`: begin one, see what it shows, and go on with all items."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.cards.pilot import PilotCard
from bot.cards.views import Choice, Notice, Show, View
from bot.context import Context
from bot.dialogue import TapRoute
from bot.quality_chat import back_choice
from bot.tokens import Token, make
from core.clock import now as moment
from core.errors import Conflict
from core.models import Project, Workspace
from core.pilot import begin, go_on, holds_back, may_begin
from core.pilot_report import report
from core.projects import find_project

BEGIN, GO_ON = "begin", "go"
"""Arguments of the buttons; the verb alone shows the section."""


def on_pilot_tap(context: Context, token: Token) -> list[Show]:
    """The section, a pilot for it, or the end of that; whoever taps again sees how it stands."""
    project = find_project(context.session, context.workspace_id, token.subject)
    if token.argument == BEGIN:
        begin(context.session, project, context.worker_id, context.now)
    elif token.argument == GO_ON:
        if project.state == "closed":
            raise Conflict("job_is_closed", project=project.name)
        if go_on(context.session, project, context.worker_id, context.now):
            return [Show(_gone_on(project), "edit")]
    elif token.argument:
        raise Conflict("unknown_button")
    return [Show(card_of(context.session, project, context.now), "edit")]


def card_of(session: Session, project: Project, now: datetime) -> PilotCard:
    """The section of a project's pilot."""
    can_begin = may_begin(session, project)
    return PilotCard(
        name=project.name,
        size=project.pilot_size,
        state=project.pilot_state,
        can_begin=can_begin,
        report=report(session, project, now) if project.pilot_size else None,
        price=project.price,
        currency=session.get_one(Workspace, project.workspace_id).currency,
        rows=_rows(project, can_begin=can_begin),
    )


def owed_report(session: Session, params: dict[str, Any], _locale: str) -> View | None:
    """A pilot is through and its coordinator has to decide; nothing where they have."""
    project = session.get_one(Project, params["project_id"])
    if project.pilot_state != "reported" or project.state == "closed":
        return None
    return card_of(session, project, moment())


def _rows(project: Project, *, can_begin: bool) -> tuple[tuple[Choice, ...], ...]:
    job = project.public_id
    back = (back_choice(project),)
    if can_begin:
        return ((Choice(make("pilot", job, BEGIN), "button_pilot_begin", style="primary"),), back)
    if not holds_back(project) or project.state == "closed":
        return (back,)
    again = Choice(make("pilot", job), "button_refresh")
    change, close = Choice(make("edit", job), "button_edit"), Choice(make("pick", job, "close"), "button_close_job")
    onward = Choice(make("pilot", job, GO_ON), "button_pilot_go", style="primary")
    return ((onward,), (change, close), (again, *back))


def _gone_on(project: Project) -> Notice:
    status = Choice(make("status", project.public_id), "button_status")
    return Notice("pilot_gone_on", {"project": project.name}, ((status, back_choice(project)),))


TAPS = {"pilot": TapRoute("coordinator", on_pilot_tap)}
