"""Dialogues of coordinators: /doubts shows the labels that look wrong, a button has other people asked again."""

from __future__ import annotations

from bot.busy import busy_with
from bot.cards.doubts import FILE, PAGE, DoubtsCard
from bot.cards.views import Choice, FileCard, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.jobs_chat import one_project
from bot.texts import say
from bot.tokens import Token, make
from core import labels
from core.disagreements import disagreements
from core.errors import Conflict
from core.exporting.csv_file import EXTENSION, MEDIA_TYPE
from core.exporting.doubtful import write_doubtful
from core.label_errors import doubtful_labels, second_look_jobs
from core.models import Project
from core.projects import find_project
from core.second_look_jobs import ask_again, least_answers
from core.second_look_outcomes import outcome


def on_doubts(context: Context, argument: str) -> list[Show]:
    """What looks wrong in the named job, or in the only one."""
    return [Show(_card(context, one_project(context, "doubts", argument.strip())))]


def on_doubts_tap(context: Context, token: Token) -> list[Show]:
    """The same, by button: anew, another page in its place, or all of them as a file."""
    project = find_project(context.session, context.workspace_id, token.subject)
    if token.argument == PAGE:
        return [Show(_card(context, project, token.version), "edit")]
    if token.argument == FILE:
        return _file(context, project)
    return [Show(_card(context, project))]


def on_ask_again_tap(context: Context, token: Token) -> list[Show]:
    """Have the doubtful labels asked again, as many as the button said; else show how many there are now."""
    project = find_project(context.session, context.workspace_id, token.subject)
    count = len(doubtful_labels(context.session, project).labels)
    if count and count != token.version:
        return [Show(Notice("doubts_changed"), "toast"), Show(_card(context, project), "edit")]
    name = say("second_look_name", context.account.worker.locale, project=project.name)
    try:
        made = ask_again(context.session, project, context.worker_id, name, context.now)
    except Conflict as late:
        return [Show(Notice(late.code, late.params), "toast"), Show(_card(context, project), "edit")]
    status = Choice(make("pick", made.project.public_id, "status"), "button_status")
    close = Choice(make("edit", made.project.public_id, "close"), "button_close_job", style="quiet")
    code = "second_look_asked_some" if made.left_out else "second_look_asked"
    told = {"project": made.project.name, "count": made.items, "left_out": made.left_out}
    return [Show(Notice(code, told, ((status, close),)), "edit")]


def _file(context: Context, project: Project) -> list[Show]:
    found = doubtful_labels(context.session, project)
    if not found.labels:
        return [Show(_card(context, project), "edit")]
    path = str(write_doubtful(context.settings, project, found).resolve())
    said = {"project": project.name, "count": len(found.labels)}
    return [Show(FileCard("doubts_file", said, f"doubtful-labels{EXTENSION}", MEDIA_TYPE, path))]


def _card(context: Context, project: Project, page: int = 0) -> DoubtsCard:
    session = context.session
    looks, found = second_look_jobs(session, project), doubtful_labels(session, project)
    return DoubtsCard(
        public_id=project.public_id,
        name=project.name,
        names={label.id: label.name for label in labels.load(project.label_schema).labels},
        found=found,
        answers=least_answers(project),
        apart=disagreements(session, project, limit=0),
        second_look=outcome(session, looks[-1]) if looks else None,
        open=bool(looks) and looks[-1].state != "closed",
        page=page,
        busy=busy_with(session, project, context.now) if found.looking else None,
    )


COMMANDS = {"doubts": CommandRoute("coordinator", on_doubts, reads=True)}
TAPS = {
    "doubts": TapRoute("coordinator", on_doubts_tap, reads=True),
    "askagain": TapRoute("coordinator", on_ask_again_tap),
}
