"""`/add`: one more item for a job that is there, without a file."""

from __future__ import annotations

from bot.cards.views import Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute
from bot.jobs_chat import one_project
from core.errors import InvalidInput
from core.ids import is_public_id
from core.importing import append_item


def on_add(context: Context, argument: str) -> list[Show]:
    """Append one item: `/add JOB text`, or `/add text` where there is one job only."""
    first, _, rest = argument.strip().partition(" ")
    named = is_public_id(first)
    text = rest if named else argument
    if not text.strip():
        raise InvalidInput("add_how")
    project = one_project(context, "add", first if named else "")
    append_item(context.session, project, text, context.worker_id, context.now)
    return [Show(Notice("added", {"project": project.name}))]


COMMANDS = {"add": CommandRoute("coordinator", on_add)}
