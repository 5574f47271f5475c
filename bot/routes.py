"""Which dialogue answers which event."""

from __future__ import annotations

from collections.abc import Mapping

from bot import (
    accounts,
    adding,
    aim_chat,
    appeals_chat,
    audit_chat,
    auditing,
    costs_chat,
    doubts_chat,
    editing,
    explain_chat,
    flags_chat,
    gold_chat,
    item_details,
    last_word,
    learning_chat,
    lesson_ends,
    members,
    model_chat,
    notes,
    onboarding,
    own_work,
    pilot_chat,
    posting,
    preferences,
    quality_chat,
    quiet_hours,
    reports,
    rules_chat,
    settling,
    suggestions_chat,
    training_chat,
    worker_chat,
)
from bot.cards.views import Show
from bot.context import Context
from bot.dialogue import CommandRoute, FormRoute, Stranger, StrangerTap, TapRoute, Text
from bot.help import COMMANDS as HELP_COMMANDS
from bot.help import help_route
from bot.jobs_chat import MORE, PICK, more_picks
from bot.surface import MenuEntry
from bot.texts import say
from bot.tokens import Token
from core.enrolment import Account
from core.errors import Conflict
from core.projects import find_project

COMMANDS: dict[str, CommandRoute] = {
    **worker_chat.COMMANDS,
    **own_work.COMMANDS,
    **preferences.COMMANDS,
    **quiet_hours.COMMANDS,
    **posting.COMMANDS,
    **adding.COMMANDS,
    **editing.COMMANDS,
    **quality_chat.COMMANDS,
    **flags_chat.COMMANDS,
    **reports.COMMANDS,
    **model_chat.COMMANDS,
    **learning_chat.COMMANDS,
    **doubts_chat.COMMANDS,
    **settling.COMMANDS,
    **auditing.COMMANDS,
    **suggestions_chat.COMMANDS,
    **costs_chat.COMMANDS,
    **members.COMMANDS,
    **accounts.COMMANDS,
    **HELP_COMMANDS,
}
COMMANDS["help"] = help_route(COMMANDS)  # which explains itself too


def _on_pick(context: Context, token: Token) -> list[Show]:
    """A job was picked for a command."""
    route = COMMANDS.get(token.argument)
    if route is None or not context.account.may(route.role):
        raise Conflict("unknown_button")
    if token.subject:  # whatever the command makes of it: it is a job of this workspace
        find_project(context.session, context.workspace_id, token.subject)
    return route.answer(context, token.subject)


def _on_more_picks(context: Context, token: Token) -> list[Show]:
    """Further jobs to pick from."""
    route = COMMANDS.get(token.argument)
    if route is None or not context.account.may(route.role):
        raise Conflict("unknown_button")
    return more_picks(context, token.argument, token.version)


TAPS: Mapping[str, TapRoute] = {
    **worker_chat.TAPS,
    **own_work.TAPS,
    **item_details.TAPS,
    **lesson_ends.TAPS,
    **gold_chat.TAPS,
    **notes.TAPS,
    **onboarding.TAPS,
    **preferences.TAPS,
    **quiet_hours.TAPS,
    **posting.TAPS,
    **editing.TAPS,
    **settling.TAPS,
    **auditing.TAPS,
    **audit_chat.TAPS,
    **last_word.TAPS,
    **suggestions_chat.TAPS,
    **members.TAPS,
    **accounts.TAPS,
    **quality_chat.TAPS,
    **pilot_chat.TAPS,
    **aim_chat.TAPS,
    **rules_chat.TAPS,
    **flags_chat.TAPS,
    **appeals_chat.TAPS,
    **reports.TAPS,
    **model_chat.TAPS,
    **learning_chat.TAPS,
    **training_chat.TAPS,
    **doubts_chat.TAPS,
    **explain_chat.TAPS,
    PICK: TapRoute("worker", _on_pick),
    MORE: TapRoute("worker", _on_more_picks, reads=True),
}
FORMS: Mapping[str, FormRoute] = {**posting.FORMS, **learning_chat.FORMS, **members.FORMS, **accounts.FORMS}
TEXTS: Mapping[str, Text] = {
    **posting.TEXTS,
    **editing.TEXTS,
    **aim_chat.TEXTS,
    **members.TEXTS,
    **accounts.TEXTS,
    **auditing.TEXTS,
    **audit_chat.TEXTS,
    **settling.TEXTS,
    **flags_chat.TEXTS,
    **appeals_chat.TEXTS,
    **training_chat.TEXTS,
}
STRANGERS: Mapping[str, Stranger] = {**onboarding.STRANGERS, **accounts.STRANGERS}
STRANGER_TAPS: Mapping[str, StrangerTap] = {**accounts.STRANGER_TAPS}


def reading_tap(token: Token) -> bool:
    """Whether a button changes nothing, so that it need not wait for a writer."""
    if token.verb == PICK:
        return token.argument in COMMANDS and COMMANDS[token.argument].reads
    return token.verb in TAPS and TAPS[token.verb].reads


def menu_of(account: Account, locale: str) -> tuple[MenuEntry, ...]:
    """The commands that an account has, as its platform's menu shows them."""
    return tuple(
        MenuEntry(name, say(f"menu_{name}", locale))
        for name, route in COMMANDS.items()
        if route.listed and account.may(route.role) and (account.consented or route.early)
    )
