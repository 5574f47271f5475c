"""Dialogues of coordinators: what a job has cost."""

from __future__ import annotations

from bot.cards.costs import CostsCard
from bot.cards.views import Show
from bot.context import Context
from bot.dialogue import CommandRoute
from bot.jobs_chat import one_project
from core.costs import spent
from core.models import Workspace
from core.stats import project_stats


def on_costs(context: Context, argument: str) -> list[Show]:
    """`/costs JOB`: a line for each kind of expense."""
    project = one_project(context, "costs", argument.strip())
    stats = project_stats(context.session, project)
    card = CostsCard(
        public_id=project.public_id,
        name=project.name,
        costs=spent(context.session, project),
        items=stats.items,
        decided=stats.decided,
        currency=context.session.get_one(Workspace, project.workspace_id).currency,
    )
    return [Show(card)]


COMMANDS = {"costs": CommandRoute("coordinator", on_costs, reads=True)}
