"""Dialogues in which workers look at their own work: which jobs there are for them, and what they have done."""

from __future__ import annotations

from bot.cards.jobs import JobsCard
from bot.cards.stats import StatsCard
from bot.cards.views import Show
from bot.context import Context
from bot.dialogue import CommandRoute
from core.models import Workspace
from core.openings import openings
from core.worker_stats import worker_stats


def on_jobs(context: Context, _argument: str) -> list[Show]:
    """The jobs of the workspace: what the person may work on, and why not where they may not."""
    account = context.account
    found = openings(context.session, context.workspace_id, context.worker_id, account.role, account.worker.languages)
    currency = context.session.get_one(Workspace, context.workspace_id).currency
    coordinates = account.may("coordinator")
    return [Show(JobsCard(tuple(found), currency, account.worker.time_zone, context.now, coordinates))]


def on_stats(context: Context, _argument: str) -> list[Show]:
    """What the person has done."""
    stats = worker_stats(context.session, context.account.worker, context.workspace_id, context.now)
    return [Show(StatsCard(stats))]


COMMANDS = {
    "jobs": CommandRoute("worker", on_jobs),
    "stats": CommandRoute("worker", on_stats, reads=True),
}
