"""Which job a command means: the one that is named, the only one there can be, or the one that is picked by button."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bot.cards.views import Choice, Notice, Show
from bot.context import Context
from bot.tokens import make
from core.errors import InvalidInput, NotFound
from core.models import Project
from core.projects import find_project, list_projects

PICK = "pick"
"""The verb of a picker's buttons; `bot.routes` answers it, because it takes all commands to do so."""
MAX_PICKS = 12
MAX_NAMED = 5
"""So many jobs are named with their ids, where a button could not carry what was typed."""


class SeveralProjects(InvalidInput):
    """A command could mean several jobs. `bot.handling` lets the person pick where nothing they typed would be lost."""

    default_code: ClassVar[str] = "several_projects"

    def __init__(self, command: str, projects: Sequence[Project]) -> None:
        jobs = "\n".join(f"{one.name}: {one.public_id}" for one in projects[:MAX_NAMED])
        super().__init__(command=command, example=projects[0].public_id, jobs=jobs)
        self.shown = picker(command, projects)


def one_project(context: Context, command: str, public_id: str) -> Project:
    """The named job, or the only one that is open, or the only one there is.

    Args:
        command: for which it is looked for; a picker's button gives this command the picked job.

    Raises:
        NotFound: the workspace has no job, or none of that id.
        SeveralProjects: none is named, and it could be several.
    """
    if public_id:
        return find_project(context.session, context.workspace_id, public_id)
    projects = list_projects(context.session, context.workspace_id)
    candidates = [project for project in projects if project.state == "open"] or projects
    if not candidates:
        raise NotFound("status_none")
    if len(candidates) > 1:
        raise SeveralProjects(command, candidates)
    return candidates[0]


def picker(command: str, projects: Sequence[Project]) -> list[Show]:
    """A button for each job, the newest first; tapped, it gives `command` that job."""
    rows = tuple((Choice(make(PICK, one.public_id, command), text=one.name),) for one in projects[:MAX_PICKS])
    return [Show(Notice("pick_job", {"command": command}, rows))]
