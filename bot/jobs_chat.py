"""Which job a command means: the one that is named, the only one there can be, or the one that is picked by button."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.tokens import make
from core.errors import InvalidInput, NotFound
from core.models import Project
from core.projects import leading_projects, named_projects, pickable_projects

PICK = "pick"
"""The verb of a picker's buttons; `bot.routes` answers it, because it takes all commands to do so."""
MORE = "pickmore"
"""Of the buttons that lead to its other pages."""
MAX_PICKS = 12
MAX_NAMED = 5
"""So many jobs are named with their ids, where a button could not carry what was typed."""


class SeveralProjects(InvalidInput):
    """A command could mean several jobs. `bot.handling` lets the person pick where nothing they typed would be lost."""

    default_code: ClassVar[str] = "several_projects"

    def __init__(self, command: str, projects: Sequence[Project]) -> None:
        """Of some projects, the newest first, as many as a picker takes and one more where there are further ones."""
        jobs = "\n".join(f"{one.name}: {one.public_id}" for one in projects[:MAX_NAMED])
        super().__init__(command=command, example=projects[0].public_id, jobs=jobs)
        self._command, self._projects = command, projects

    @property
    def shown(self) -> list[Show]:
        """The picker. Of a command whose name is one word: a button carries no spaces."""
        return picker(self._command, self._projects)


def one_project(context: Context, command: str, wanted: str) -> Project:
    """The job of this id or name, or the only one that is open, or the only one there is.

    Args:
        command: for which it is looked for; a picker's button gives this command the picked job.

    Raises:
        NotFound: the workspace has no job, or none of that id or name.
        SeveralProjects: none is named, or several have that name.
    """
    if wanted:
        candidates = named_projects(context.session, context.workspace_id, wanted)
    else:
        candidates = pickable_projects(context.session, context.workspace_id, 0, MAX_PICKS + 1)
    if not candidates:
        raise NotFound("status_none")
    if len(candidates) > 1:
        raise SeveralProjects(command, candidates)
    return candidates[0]


def job_or_all(context: Context, command: str, wanted: str) -> Project | None:
    """The job of this id or name, as `one_project`; nothing where none is named, which means all of them."""
    return one_project(context, command, wanted) if wanted else None


def leading_job(context: Context, command: str, text: str) -> tuple[Project, str]:
    """The job with whose id or name a text begins, or as `one_project` where it begins with none; and what follows.

    Raises:
        NotFound: the workspace has no job.
        SeveralProjects: none is named, or several have that name.
    """
    named, rest = leading_projects(context.session, context.workspace_id, text)
    if len(named) > 1:
        raise SeveralProjects(command, named)
    return (named[0] if named else one_project(context, command, "")), rest


def picker(command: str, projects: Sequence[Project], page: int = 0) -> list[Show]:
    """A button for each job, the newest first; tapped, it gives `command` that job. One too many stands for more.

    Args:
        page: from 0.
    """
    rows = [(Choice(make(PICK, one.public_id, command), text=one.name),) for one in projects[:MAX_PICKS]]
    turns = [Choice(make(MORE, "", command, page - 1), "button_page_back", style="quiet")] if page else []
    if len(projects) > MAX_PICKS:
        turns.append(Choice(make(MORE, "", command, page + 1), "button_more_jobs", style="quiet"))
    return [Show(Notice("pick_job", {"command": command}, (*rows, tuple(turns))))]


def more_picks(context: Context, command: str, page: int) -> list[Show]:
    """Another page of a picker in its place; the first where that one is not there any more."""
    session, workspace_id = context.session, context.workspace_id
    found = pickable_projects(session, workspace_id, page * MAX_PICKS, MAX_PICKS + 1)
    if not found:
        page, found = 0, pickable_projects(session, workspace_id, 0, MAX_PICKS + 1)
    if not found:
        raise NotFound("status_none")
    return [replace(show, how="edit") for show in picker(command, found, page)]
