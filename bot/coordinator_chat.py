"""Dialogues of coordinators about jobs that run: status, export, train, invite, close; and of experts: settle."""

from __future__ import annotations

from bot.cards.views import DisputeCard, Notice, ProjectLine, Show, StatusCard
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.tokens import Token
from core import labels
from core.addresses import web_address
from core.adjudication import adjudicate, find_item, next_dispute
from core.enrolment import ROLES, create_invite
from core.errors import InvalidInput, NotFound
from core.exporting import export_formats, request_export
from core.exporting.rows import KINDS
from core.ids import is_public_id
from core.importing import append_item
from core.models import Project
from core.projects import find_project, list_projects, set_state
from core.stats import project_stats
from core.training import request_training

STATUS_PROJECTS = 5


def on_status(context: Context, argument: str) -> list[Show]:
    """The newest jobs, or the named one."""
    session = context.session
    if argument:
        projects = [find_project(session, context.workspace_id, argument.strip())]
    else:
        projects = list_projects(session, context.workspace_id, limit=STATUS_PROJECTS)
    if not projects:
        return [Show(Notice("status_none"))]
    lines = [
        ProjectLine(
            name=project.name,
            public_id=project.public_id,
            state=project.state,
            max_overlap=project.max_overlap,
            retrain_threshold=project.retrain_threshold,
            project_id=project.id,
            stats=project_stats(session, project),
        )
        for project in projects
    ]
    return [Show(StatusCard(tuple(lines)))]


def on_export(context: Context, argument: str) -> list[Show]:
    """Write a file in the background; it comes as a message."""
    words = argument.lower().split()
    kind = next((word for word in words if word in KINDS), "labels")
    formats = export_formats()
    file_format = next((word for word in words if word in formats), "csv")
    rest = [word for word in words if word not in KINDS and word not in formats]
    if len(rest) > 1:
        raise InvalidInput("bad_export")
    project = _one_project(context, "export", rest[0] if rest else "")
    request_export(context.session, project, context.worker_id, kind, file_format, context.now)
    return [Show(Notice("export_started", {"project": project.name, "kind": kind, "format": file_format}))]


def on_train(context: Context, argument: str) -> list[Show]:
    """Start a training run now."""
    project = _one_project(context, "train", argument.strip())
    run = request_training(context.session, project.id, "button", context.now, context.worker_id)
    return [Show(Notice("train_started" if run else "train_running", {"project": project.name}))]


def on_invite(context: Context, argument: str) -> list[Show]:
    """A link for new members: `/invite worker 20`."""
    words = argument.lower().split() or ["worker", "20"]
    if len(words) > 2 or words[0] not in ROLES or not (words[1:] or ["1"])[0].isdecimal():
        raise InvalidInput("bad_invite")
    role, uses = words[0], int((words[1:] or ["1"])[0])
    if not context.account.may(role):
        raise InvalidInput("needs_role", role=role)
    code = create_invite(context.session, context.workspace_id, role, uses, context.now, context.worker_id)
    link = f"{web_address(context.settings)}/join/{code}"
    params = {"role": role, "uses": uses, "code": code, "link": link}
    return [Show(Notice("invite", params))]


def on_add(context: Context, argument: str) -> list[Show]:
    """Append one item: `/add JOB text`, or `/add text` where there is one job only."""
    first, _, rest = argument.strip().partition(" ")
    named = is_public_id(first)
    text = rest if named else argument
    if not text.strip():
        raise InvalidInput("add_how")
    project = _one_project(context, "add", first if named else "")
    append_item(context.session, project, text, context.worker_id, context.now)
    return [Show(Notice("added", {"project": project.name}))]


def on_close(context: Context, argument: str) -> list[Show]:
    """Close a job: no more items are handed out. `/open` takes it back."""
    project = _one_project(context, "close", argument.strip())
    set_state(context.session, project, "closed", context.worker_id, context.now)
    states = project_stats(context.session, project).states
    left = {"open": states.get("open", 0), "disputed": states.get("disputed", 0)}
    return [Show(Notice("closed", {"project": project.name, "id": project.public_id, **left}))]


def on_open(context: Context, argument: str) -> list[Show]:
    """Open a closed job again."""
    project = _one_project(context, "open", argument.strip())
    set_state(context.session, project, "open", context.worker_id, context.now)
    return [Show(Notice("opened", {"project": project.name}))]


def on_settle(context: Context, argument: str) -> list[Show]:
    """The first disputed item, of the named job or of any."""
    projects = list_projects(context.session, context.workspace_id)
    if argument:
        projects = [find_project(context.session, context.workspace_id, argument.strip())]
    for project in projects:
        dispute = next_dispute(context.session, project)
        if dispute is not None:
            return [Show(DisputeCard(dispute))]
    return [Show(Notice("settle_none"))]


def on_settle_tap(context: Context, token: Token) -> list[Show]:
    """A verdict; the next disputed item takes the card's place."""
    item, project = adjudicate(
        context.session,
        workspace_id=context.workspace_id,
        worker_id=context.worker_id,
        item_public_id=token.subject,
        label_id=token.argument,
        now=context.now,
    )
    name = labels.name_of(labels.load(project.label_schema), token.argument)
    return [Show(Notice("settled", {"label": name}), "toast"), _next_dispute(context, project, item.id)]


def on_later_tap(context: Context, token: Token) -> list[Show]:
    """Leave this item for later."""
    item, project = find_item(context.session, context.workspace_id, token.subject)
    return [_next_dispute(context, project, item.id)]


def _next_dispute(context: Context, project: Project, after: int) -> Show:
    dispute = next_dispute(context.session, project, after)
    if dispute is not None:
        return Show(DisputeCard(dispute), "edit")
    others = on_settle(context, "")
    return Show(others[0].view, "edit")


def _one_project(context: Context, command: str, public_id: str) -> Project:
    """The named job, or the only one that is open, or the only one there is."""
    if public_id:
        return find_project(context.session, context.workspace_id, public_id)
    projects = list_projects(context.session, context.workspace_id)
    candidates = [project for project in projects if project.state == "open"] or projects
    if not candidates:
        raise NotFound("status_none")
    if len(candidates) > 1:
        raise InvalidInput("several_projects", command=command, example=candidates[0].public_id)
    return candidates[0]


COMMANDS = {
    "status": CommandRoute("coordinator", on_status, reads=True),
    "add": CommandRoute("coordinator", on_add),
    "export": CommandRoute("coordinator", on_export),
    "train": CommandRoute("coordinator", on_train),
    "invite": CommandRoute("coordinator", on_invite),
    "close": CommandRoute("coordinator", on_close),
    "open": CommandRoute("coordinator", on_open),
    "settle": CommandRoute("expert", on_settle, reads=True),
}
TAPS = {
    "settle": TapRoute("expert", on_settle_tap),
    "later": TapRoute("expert", on_later_tap),
}
