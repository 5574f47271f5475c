"""The menu beside the input line: for strangers by language, for members by what they may do."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from telegram import Bot, BotCommand, BotCommandScopeChat
from telegram.error import TelegramError

from bot.surface import MenuEntry
from bot.surfaces.plain import clean, cut
from core.log import get_logger, hide

NAME = re.compile(r"[a-z0-9_]{1,32}")
DESCRIPTION_LIMIT = 256
COMMAND_LIMIT = 100
"""These three: https://core.telegram.org/bots/api#botcommand and #setmycommands."""
REMEMBERED = 10_000

log = get_logger(__name__)


class Menus:
    """The menus of one bot. A menu that cannot be set is logged: every command works without it."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._shown: OrderedDict[str, tuple[MenuEntry, ...]] = OrderedDict()

    async def greet(self, menus: Mapping[str, Sequence[MenuEntry]]) -> None:
        """Set what people see who have no menu of their own: by language, "" for all other languages."""
        for language, entries in menus.items():
            try:
                await self._bot.set_my_commands(commands_of(entries), language_code=language or None)
            except TelegramError as error:
                self._log(error)

    async def show(self, address: str, menu: tuple[MenuEntry, ...]) -> None:
        """Set the menu of one chat, where it is not the one set last; an empty one shows that of strangers."""
        if self._shown.get(address) == menu:
            return
        scope, commands = BotCommandScopeChat(address), commands_of(menu)
        try:
            if commands:
                await self._bot.set_my_commands(commands, scope=scope)
            else:
                await self._bot.delete_my_commands(scope=scope)
        except TelegramError as error:
            self._log(error)
            return
        self._shown[address] = menu
        while len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)

    def _log(self, error: TelegramError) -> None:
        log.warning("telegram.menu_lost", error=f"{type(error).__name__}: {hide(str(error), [self._bot.token])}")


def commands_of(menu: Sequence[MenuEntry]) -> list[BotCommand]:
    """The entries that Telegram takes: of others it would refuse the whole menu."""
    described = [(entry.name, cut(clean(entry.description), DESCRIPTION_LIMIT, marker="…")) for entry in menu]
    known = [(name, text) for name, text in described if NAME.fullmatch(name) and text]
    return [BotCommand(name, text) for name, text in known[:COMMAND_LIMIT]]
