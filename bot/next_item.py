"""Which card comes next for a worker: of the job they are in, of the one they named, or of the most urgent."""

from __future__ import annotations

from dataclasses import replace

from bot.cards.views import Choice, ItemCard, Notice
from bot.context import Context
from bot.qualifying import gate_of, lesson_step
from bot.texts.languages import language_name
from bot.tokens import Token, make
from core.assignment import ask_once_more, end_lease, next_assignment, set_standing
from core.eligibility import why_not
from core.errors import Refused
from core.labeling import own_assignment
from core.leases import Lease, active_lease
from core.models import Assignment, Project
from core.openings import by_urgency, has_work, restrictions
from core.projects import find_project
from core.qualification import asks_qualification
from core.standing import UNKNOWN, Footing
from core.views import view_lease

NEXT = ((Choice(make("next"), "button_next", style="primary"),),)


def next_card(context: Context, project_public_id: str = "") -> ItemCard | Notice:
    """The item in hand, or the next one: of the named job first, then by urgency.

    Raises:
        NotFound: the workspace has no job of that id.
        Refused: the person is paused, or may not work in the named job.
    """
    if context.account.paused:
        raise Refused("membership_paused")
    session = context.session
    wanted = find_project(session, context.workspace_id, project_public_id) if project_public_id else None
    if wanted is not None:
        _check_person(context, wanted)
    held = active_lease(session, context.worker_id)
    if held is not None:
        project = session.get_one(Project, held.project_id)
        if project.workspace_id == context.workspace_id and not _given_back(context, held, project, wanted):
            return card_of(context, project, held)
    if wanted is not None and (gate := gate_of(context, wanted)) is not None:
        return gate
    projects = by_urgency(session, context.workspace_id, context.now)
    if wanted is not None:
        projects = [wanted, *(project for project in projects if project.id != wanted.id)]
    return _first_card(context, projects)


def following_card(
    context: Context,
    project: Project,
    back: Choice | None = None,
    footing: Footing = UNKNOWN,
) -> ItemCard | Notice:
    """The next card after one was dealt with: first in the same job, then in the others.

    Args:
        footing: the person's in the job, where it was just written.
    """
    lease = _lease_in(context, project, footing)
    if lease is not None:
        return card_of(context, project, lease, back)
    if context.account.paused:
        return Notice("paused")
    following = next_card(context)
    if isinstance(following, ItemCard):
        return replace(following, undo=back)
    return replace(following, rows=((back,), *following.rows) if back else following.rows)


def card_of(context: Context, project: Project, lease: Lease, back: Choice | None = None) -> ItemCard:
    """The card of an item in hand; `back` takes back what was done before it."""
    view = view_lease(context.session, project, lease, context.account.worker, context.now)
    return ItemCard(view, back, step=lesson_step(context, project) if asks_qualification(project) else None)


def check_assignment(context: Context, token: Token) -> tuple[Assignment, Project]:
    """The person's own assignment that a button names, in the workspace that they act in.

    Raises:
        Refused: it is not theirs, or of another workspace.
        Conflict: the button is from before an undo.
    """
    assignment, project = own_assignment(context.session, context.worker_id, token.subject, token.version)
    check_workspace(context, project)
    return assignment, project


def check_workspace(context: Context, project: Project) -> None:
    """The person's own card, but of another workspace than the one they act in: what was done is rolled back."""
    if project.workspace_id != context.workspace_id:
        raise Refused("not_your_assignment")


def _given_back(context: Context, held: Lease, project: Project, wanted: Project | None) -> bool:
    """Give the item in hand back for another job that the person named, where that has work; whether this was done."""
    if wanted is None or wanted.id == project.id or wanted.state != "open":
        return False
    if not has_work(context.session, wanted, context.worker_id, context.now):
        return False
    end_lease(context.session, held.assignment_id, held.item_id, "released", context.now)
    set_standing(context.session, context.worker_id, project.id, "idle", context.now)
    return True


def _first_card(context: Context, projects: list[Project]) -> ItemCard | Notice:
    for project in projects:
        lease = _lease_in(context, project)
        if lease is not None:
            return card_of(context, project, lease)
    ask_once_more(context.session, context.worker_id, context.workspace_id)  # they have spoken, and there is nothing
    if not projects:
        return Notice("no_projects")
    for project in projects:
        if _why_not(context, project) is None and (gate := gate_of(context, project, only_open=True)) is not None:
            return gate
    fitting = [project for project in projects if _why_not(context, project) is None]
    return _restricted(context, fitting) if fitting else Notice("nothing_fits", rows=NEXT)


def _restricted(context: Context, projects: list[Project]) -> Notice:
    """Nothing is left; where rules keep the person from all jobs that fit, the notice says so."""
    kept = restrictions(context.session, context.worker_id, [project.id for project in projects])
    if len(kept) < len(projects):
        return Notice("nothing_left", rows=NEXT)
    said = {"project": projects[0].name, "count": len(projects)}
    paused = "why_paused_here" in kept.values()
    return Notice("nothing_paused", said, NEXT) if paused else Notice("nothing_training", said, NEXT)


def _lease_in(context: Context, project: Project, footing: Footing = UNKNOWN) -> Lease | None:
    if context.account.paused or _why_not(context, project) is not None:
        return None
    surface, expert = context.person.surface, context.account.may("expert")
    asked = context.session, project, context.worker_id, surface, context.now
    return next_assignment(*asked, footing, expert=expert)


def _why_not(context: Context, project: Project) -> str | None:
    return why_not(project, context.account.role, context.account.worker.languages)


def _check_person(context: Context, project: Project) -> None:
    """Refuse a job that is not for this person; one that is paused or closed only has nothing for anybody."""
    reason = _why_not(context, project)
    if reason is not None and project.state == "open":
        language = language_name(project.language, context.account.worker.locale)
        raise Refused("job_refused", project=project.name, problem=reason, language=language)
