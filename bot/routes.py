"""Which dialogue answers which event."""

from __future__ import annotations

from collections.abc import Mapping

from bot import coordinator_chat, posting, worker_chat
from bot.dialogue import CommandRoute, FormRoute, Stranger, TapRoute, Text
from bot.surface import MenuEntry
from bot.texts import say
from core.enrolment import Account

COMMANDS: Mapping[str, CommandRoute] = {**worker_chat.COMMANDS, **posting.COMMANDS, **coordinator_chat.COMMANDS}
TAPS: Mapping[str, TapRoute] = {**worker_chat.TAPS, **posting.TAPS, **coordinator_chat.TAPS}
FORMS: Mapping[str, FormRoute] = {}
TEXTS: Mapping[str, Text] = {**posting.TEXTS}
STRANGERS: Mapping[str, Stranger] = {**worker_chat.STRANGERS}


def menu_of(account: Account, locale: str) -> tuple[MenuEntry, ...]:
    """The commands that an account has, as its platform's menu shows them."""
    return tuple(
        MenuEntry(name, say(f"menu_{name}", locale))
        for name, route in COMMANDS.items()
        if route.listed and account.may(route.role)
    )
