"""/help, made from the commands that there are, and /cancel, the way out of whatever somebody is typing."""

from __future__ import annotations

from collections.abc import Mapping

from bot.cards.help import HelpCard
from bot.cards.views import Notice, Show
from bot.context import Context
from bot.dialogue import CommandRoute, leave
from core.enrolment import ROLES
from core.models import Dialogue


def help_route(commands: Mapping[str, CommandRoute]) -> CommandRoute:
    """The command that explains the listed ones among `commands` to whoever may give them, by role."""

    def on_help(context: Context, _argument: str) -> list[Show]:
        mine = [role for role in ROLES if context.account.may(role)]
        names = {role: tuple(name for name, route in commands.items() if _explains(route, role)) for role in mine}
        return [Show(HelpCard(tuple((role, names[role]) for role in mine if names[role])))]

    return CommandRoute("worker", on_help, reads=True, early=True)


def on_cancel(context: Context, _argument: str) -> list[Show]:
    """`/cancel`: what was begun is dropped; every other command works in the middle of it, too."""
    dialogue = context.session.get(Dialogue, context.account.identity.id)
    if dialogue is None:
        return [Show(Notice("nothing_to_cancel"))]
    posting = dialogue.name == "post"
    leave(context)
    return [Show(Notice("post_cancelled" if posting else "cancelled"))]


def _explains(route: CommandRoute, role: str) -> bool:
    return route.listed and route.role == role


COMMANDS = {"cancel": CommandRoute("worker", on_cancel, listed=False)}
