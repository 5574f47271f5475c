"""How jobs stand, and what came of them as files: /status and /export."""

from __future__ import annotations

from bot.busy import busy_with
from bot.cards.busy import Busy
from bot.cards.details import Details, ProjectLine
from bot.cards.models import Standing
from bot.cards.overview import Overview
from bot.cards.status import JobStatus
from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, TapRoute
from bot.jobs_chat import one_project
from bot.tokens import Token, make
from core.acceptance_report import model_report
from core.audit_sample import summary
from core.costs import spent
from core.errors import Conflict, InvalidInput, NotFound
from core.exporting import export_formats, request_export
from core.exporting.rows import KINDS
from core.forecast import forecast
from core.ids import is_public_id
from core.models import Project, Workspace
from core.pilot import waiting_items
from core.progress import progress
from core.projects import MAX_NAME, find_project, list_projects
from core.stats import ProjectStats, overview, project_stats

OVERVIEW_PROJECTS = 10
DETAILS_PROJECTS = 5
MAX_NAME_WORDS = (MAX_NAME + 1) // 2


def on_status(context: Context, argument: str) -> list[Show]:
    """The named job, the only one there is, or a line for each; with "details" the technical figures."""
    words = argument.split()
    if words and words[0].lower() == "details":
        return _details(context, " ".join(words[1:]))
    if argument:
        return [Show(job_status(context, one_project(context, "status", argument)))]
    found = overview(context.session, context.workspace_id, OVERVIEW_PROJECTS + 1)
    if not found:
        return [Show(Notice("status_none"))]
    if len(found) == 1:
        return [Show(job_status(context, one_project(context, "status", "")))]
    return [Show(Overview(tuple(found[:OVERVIEW_PROJECTS]), more=len(found) > OVERVIEW_PROJECTS))]


def on_status_tap(context: Context, token: Token) -> list[Show]:
    """Look again."""
    return [Show(job_status(context, find_project(context.session, context.workspace_id, token.subject)), "edit")]


def job_status(context: Context, project: Project) -> JobStatus:
    """How one job stands; its picture is drawn after the transaction."""
    session, now = context.session, context.now
    stats = project_stats(session, project)
    return JobStatus(
        public_id=project.public_id,
        name=project.name,
        state=project.state,
        created_at=project.created_at,
        deadline=project.deadline,
        price=project.price,
        currency=session.get_one(Workspace, project.workspace_id).currency,
        time_zone=context.account.worker.time_zone,
        now=now,
        stats=stats,
        progress=progress(session, project, now),
        forecast=forecast(session, project, now),
        model=standing(project, stats, busy_with(session, project, now) if stats.training else None),
        spent=spent(session, project).total,
        audits_owed=0 if project.state == "closed" else summary(session, project.workspace_id, project.id).owed,
        waiting=waiting_items(session, project.id),
        by_model=model_report(session, project),
    )


def standing(project: Project, stats: ProjectStats, busy: Busy | None) -> Standing:
    """Where the learning of a job stands. busy: what the trainer does now."""
    return Standing(
        champion=stats.champion,
        accuracy=stats.champion_accuracy,
        newest=stats.newest_version,
        training=stats.training,
        threshold=project.retrain_threshold,
        items=stats.items,
        nightly=bool(project.retrain_cron),
        busy=busy,
    )


def on_export(context: Context, argument: str) -> list[Show]:
    """Write a file in the background; it comes as a message. What is not said is asked by button."""
    name, said = _export_words(context, argument.split())
    kinds, formats = [word for word in said if word in KINDS], [word for word in said if word in export_formats()]
    if len(kinds) > 1 or len(formats) > 1:
        raise InvalidInput("bad_export", formats=sorted(export_formats()))
    try:
        project = one_project(context, "export", name)
    except NotFound:
        if not name or is_public_id(name):
            raise
        raise NotFound("export_unknown", project=name[:40], formats=sorted(export_formats())) from None
    if not kinds and not formats:
        return [Show(_choices(project))]
    return [Show(_export(context, project, (kinds or ["labels"])[0], (formats or ["csv"])[0]))]


def _export_words(context: Context, words: list[str]) -> tuple[str, list[str]]:
    """The name of a job, and what is said of kind and format before or behind it, in lower case.

    A name may hold such a word itself: the longest one that there is, is meant. All are looked up at once, because
    hundreds of such words can be written around a name.
    """
    known = {*KINDS, *export_formats()}
    plain = [number for number, word in enumerate(words) if word.lower() not in known]
    first, last = (plain[0], plain[-1] + 1) if plain else (len(words), len(words))
    ends = [
        (start, end)
        for start in range(max(0, last - MAX_NAME_WORDS), first + 1)
        for end in range(max(last, start + 1), min(len(words), start + MAX_NAME_WORDS) + 1)
    ]
    names = {one.name.casefold() for one in list_projects(context.session, context.workspace_id, limit=None)}
    longest_first = sorted(ends, key=lambda one: one[0] - one[1])
    named = (one for one in longest_first if " ".join(words[slice(*one)]).casefold() in names)
    first, last = next(named, (first, last))
    return " ".join(words[first:last]), [word.lower() for word in (*words[:first], *words[last:])]


def on_export_tap(context: Context, token: Token) -> list[Show]:
    """Of a job's status: ask what to export, and as what. Of that question: write it."""
    project = find_project(context.session, context.workspace_id, token.subject)
    if not token.argument:
        return [Show(_choices(project))]
    kind, _, file_format = token.argument.partition("-")
    if kind not in KINDS or file_format not in export_formats():
        raise Conflict("unknown_button")
    return [Show(_export(context, project, kind, file_format), "edit")]


def _choices(project: Project) -> Notice:
    rows = tuple(
        tuple(
            Choice(make("export", project.public_id, f"{kind}-{name}"), f"button_export_{kind}", name.upper())
            for name in export_formats()
        )
        for kind in KINDS
    )
    return Notice("export_what", {"project": project.name}, rows)


def _export(context: Context, project: Project, kind: str, file_format: str) -> Notice:
    request_export(context.session, project, context.worker_id, kind, file_format, context.now)
    return Notice("export_started", {"project": project.name, "export_kind": kind, "format": file_format})


def _details(context: Context, wanted: str) -> list[Show]:
    session = context.session
    if wanted:
        projects = [one_project(context, "status details", wanted)]
    else:
        projects = list_projects(session, context.workspace_id, limit=DETAILS_PROJECTS)
    if not projects:
        return [Show(Notice("status_none"))]
    lines = [
        ProjectLine(
            name=project.name,
            public_id=project.public_id,
            state=project.state,
            max_overlap=project.max_overlap,
            project_id=project.id,
            stats=project_stats(session, project),
        )
        for project in projects
    ]
    return [Show(Details(tuple(lines)))]


COMMANDS = {
    "status": CommandRoute("coordinator", on_status, reads=True),
    "export": CommandRoute("coordinator", on_export),
}
TAPS = {
    "status": TapRoute("coordinator", on_status_tap, reads=True),
    "export": TapRoute("coordinator", on_export_tap),
}
