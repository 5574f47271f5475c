"""`/add`: one more item for a job that is there, without a file."""

from __future__ import annotations

from bot.cards.views import Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute
from bot.jobs_chat import leading_job
from bot.texts.units import shorten
from core.errors import InvalidInput
from core.importing import append_item

SHOWN_UNITS = 200
"""UTF-16 code units of the text that are repeated."""


def on_add(context: Context, argument: str) -> list[Show]:
    """Append one item: `/add JOB text`, or `/add text` where there is one job only.

    A job is named by its id or its name. What was added is repeated: a text may begin as a job is called.
    """
    if not argument.strip():
        raise InvalidInput("add_how")
    project, text = leading_job(context, "add", argument)
    if not text:
        raise InvalidInput("add_how")
    append_item(context.session, project, text, context.worker_id, context.now)
    return [Show(Notice("added", {"project": project.name, "text": shorten(text, SHOWN_UNITS)}))]


COMMANDS = {"add": CommandRoute("coordinator", on_add)}
