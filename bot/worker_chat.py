"""Dialogues of workers: enrol, next, answer, skip, undo, statistics."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bot.cards.views import Choice, ItemCard, Notice, Show, StatsCard
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.surface import Person
from bot.tokens import Token, make
from core import labels
from core.assignment import Lease, active_lease, next_assignment, release_leases, set_standing
from core.due import offer_effect
from core.effects import add_effect
from core.enrolment import find_account, join
from core.errors import Conflict, Refused
from core.labeling import Submitted, last_answered, skip, submit, undo
from core.models import Membership, Project, Workspace
from core.offers import offered_on_joining
from core.projects import find_project, list_projects
from core.stats import worker_stats
from core.views import view_lease

START = ((Choice(make("next"), "button_start", style="primary"),),)
NEXT = ((Choice(make("next"), "button_next", style="primary"),),)


def enrol(session: Session, person: Person, code: str, now: datetime) -> list[Show]:
    """`/start CODE`: become a member, or rise to the invite's role."""
    before = find_account(session, person.surface, person.tenant, person.external_id)
    known = None if before is None else before.role
    account = join(
        session,
        code=code,
        surface=person.surface,
        tenant=person.tenant,
        external_id=person.external_id,
        address=person.address,
        name=person.name,
        locale=person.locale,
        origin=person.origin,
        now=now,
    )
    workspace = session.get_one(Workspace, account.workspace_id)
    params = {"workspace": workspace.name, "role": account.role}
    if account.role == known and account.workspace_id == (before.workspace_id if before else None):
        return [Show(Notice("welcome_back", params, START), menu=True)]
    if account.may("coordinator"):
        return [Show(Notice("welcome_coordinator", params), menu=True)]
    offered_on_joining(session, workspace.id, account.worker.id, now)
    return [Show(Notice("welcome", params, START), menu=True)]


def on_next(context: Context, project_public_id: str = "") -> list[Show]:
    """The item in hand, or the next one of any open job."""
    return [Show(_next_card(context, project_public_id))]


def on_next_tap(context: Context, token: Token) -> list[Show]:
    """Start and Next buttons."""
    return [Show(_next_card(context, token.subject), "edit")]


def on_answer(context: Context, token: Token) -> list[Show]:
    """A label was tapped: take it, and show the next item in the same place."""
    done = submit(
        context.session,
        worker_id=context.worker_id,
        assignment_public_id=token.subject,
        label_id=token.argument,
        version=token.version,
        now=context.now,
    )
    _check_workspace(context, done.project)
    name = labels.name_of(labels.load(done.project.label_schema), done.label_id)
    back = Choice(make("undo", token.subject, version=token.version), "button_undo", name, "quiet")
    return [Show(_said(done, name), "toast"), Show(_following(context, done.project, back), "edit")]


def on_skip(context: Context, token: Token) -> list[Show]:
    """Give the item back, and show the next one."""
    project = skip(
        context.session,
        worker_id=context.worker_id,
        assignment_public_id=token.subject,
        version=token.version,
        now=context.now,
    )
    _check_workspace(context, project)
    back = Choice(make("undo", token.subject, version=token.version), "button_undo_skip", style="quiet")
    return [Show(Notice("skipped"), "toast"), Show(_following(context, project, back), "edit")]


def on_undo(context: Context, token: Token) -> list[Show]:
    """Take an answer back and show its item again."""
    if context.account.paused:
        raise Refused("membership_paused")
    project = undo(
        context.session,
        worker_id=context.worker_id,
        assignment_public_id=token.subject,
        version=token.version,
        now=context.now,
    )
    _check_workspace(context, project)
    return [Show(Notice("undone"), "toast"), Show(_following(context, project), "edit")]


def on_undo_command(context: Context, _argument: str) -> list[Show]:
    """`/undo`: the last answer, in whichever job it was given last."""
    newest = None
    for project in list_projects(context.session, context.workspace_id):
        found = last_answered(context.session, context.worker_id, project.id)
        if found is not None and (newest is None or (found.ended_at or context.now) > (newest.ended_at or context.now)):
            newest = found
    if newest is None:
        raise Conflict("nothing_to_undo")
    shows = on_undo(context, Token("undo", newest.public_id, version=newest.version))
    return [Show(show.view) for show in shows]


def on_stats(context: Context, _argument: str) -> list[Show]:
    """What the person has done."""
    midnight = context.now.replace(hour=0, minute=0, second=0, microsecond=0)
    return [Show(StatsCard(worker_stats(context.session, context.worker_id, context.workspace_id, midnight)))]


def on_pause(context: Context, _argument: str) -> list[Show]:
    """No more messages; what the person holds goes back at once."""
    release_leases(context.session, context.worker_id, context.now, context.workspace_id)
    _set_membership(context, "paused")
    return [Show(Notice("paused"))]


def on_resume(context: Context, _argument: str) -> list[Show]:
    """Back again."""
    _set_membership(context, "active")
    for project in list_projects(context.session, context.workspace_id, only_open=True):
        set_standing(context.session, context.worker_id, project.id, "idle", context.now)
        add_effect(context.session, offer_effect(project.id, context.now))
    return [Show(Notice("resumed", rows=START))]


def on_help(context: Context, _argument: str) -> list[Show]:
    """What the person's role can do."""
    codes = ["help_worker"]
    if context.account.may("coordinator"):
        codes.insert(0, "help_coordinator")
    return [Show(Notice(code)) for code in codes]


def _check_workspace(context: Context, project: Project) -> None:
    """The person's own card, but of another workspace than the one they act in: what was done is rolled back."""
    if project.workspace_id != context.workspace_id:
        raise Refused("not_your_assignment")


def _said(done: Submitted, name: str) -> Notice:
    code = "answered" if done.annotation_state == "counted" else "answered_surplus"
    return Notice(code, {"label": name})


def _following(context: Context, project: Project, back: Choice | None = None) -> ItemCard | Notice:
    """The next card after one was dealt with: first in the same job, then in the others."""
    lease = _lease_in(context, project)
    if lease is not None:
        return ItemCard(view_lease(context.session, project, lease, context.worker_id), back)
    if context.account.paused:
        return Notice("paused")
    following = _next_card(context)
    if isinstance(following, ItemCard):
        return ItemCard(following.view, back)
    return Notice(following.code, following.params, ((back,), *following.rows) if back else following.rows)


def _next_card(context: Context, project_public_id: str = "") -> ItemCard | Notice:
    if context.account.paused:
        raise Refused("membership_paused")
    session = context.session
    held = active_lease(session, context.worker_id)
    if held is not None:
        project = session.get_one(Project, held.project_id)
        if project.workspace_id == context.workspace_id:
            return ItemCard(view_lease(session, project, held, context.worker_id))
    projects = list_projects(session, context.workspace_id, only_open=True)
    if project_public_id:
        wanted = find_project(session, context.workspace_id, project_public_id)
        projects = [wanted, *(project for project in projects if project.id != wanted.id)]
    for project in projects:
        lease = _lease_in(context, project)
        if lease is not None:
            return ItemCard(view_lease(session, project, lease, context.worker_id))
    return Notice("nothing_left" if projects else "no_projects", rows=NEXT if projects else ())


def _lease_in(context: Context, project: Project) -> Lease | None:
    if context.account.paused:
        return None
    return next_assignment(context.session, project, context.worker_id, context.person.surface, context.now)


def _set_membership(context: Context, status: str) -> None:
    membership = (
        context.session.query(Membership)
        .filter_by(workspace_id=context.workspace_id, worker_id=context.worker_id)
        .with_for_update()
        .one()
    )
    membership.status = status


COMMANDS = {
    "start": CommandRoute("worker", on_next, listed=False),
    "next": CommandRoute("worker", on_next),
    "undo": CommandRoute("worker", on_undo_command),
    "stats": CommandRoute("worker", on_stats, reads=True),
    "pause": CommandRoute("worker", on_pause),
    "resume": CommandRoute("worker", on_resume),
    "help": CommandRoute("worker", on_help, reads=True),
}
TAPS = {
    "next": TapRoute("worker", on_next_tap),
    "answer": TapRoute("worker", on_answer),
    "skip": TapRoute("worker", on_skip),
    "undo": TapRoute("worker", on_undo),
}
STRANGERS = {"start": enrol}
