"""What is set up once in the fake of Telegram: menus, and the webhook."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.loopback import Loopback
from tests.fakes.telegram_calls_us import Caller, Hook, hook_of
from tests.fakes.telegram_spec import ApiError

COMMAND = re.compile(r"[a-z0-9_]+")
"""https://core.telegram.org/bots/api#botcommand: "only lowercase English letters, digits and underscores"."""
COMMAND_LIMIT = 100
"""https://core.telegram.org/bots/api#setmycommands: "At most 100 commands"."""
WEBHOOK_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


class Setup(Loopback):
    """The part of the server that knows chats, waiting updates, menus and the webhook."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: list[dict[str, Any]] = []
        self.messages: dict[int, dict[int, dict[str, Any]]] = {}
        self.blocked: set[int] = set()
        self.menus: dict[tuple[str, str], list[dict[str, str]]] = {}
        """Menus by scope ("default" or a chat's id) and language."""
        self.hook: Hook | None = None
        self.caller: Caller | None = None
        self.reach = ""
        """Root of the server that a webhook's address leads to."""

    async def stop(self) -> None:
        """Call nobody and stop listening."""
        await self.call_nobody()
        await super().stop()

    def setup_methods(self) -> dict[str, Callable[[dict[str, Any]], Awaitable[Any]]]:
        """The methods of this part."""
        return {
            "setMyCommands": self._set_my_commands,
            "deleteMyCommands": self._delete_my_commands,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._get_webhook_info,
        }

    def open_chat(self, chat_id: int | str) -> int:
        """The chat, where the bot may write to it. Raises `ApiError`."""
        if isinstance(chat_id, str) or chat_id not in self.messages:
            raise ApiError(400, "Bad Request: chat not found")
        if chat_id in self.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        return chat_id

    async def _set_my_commands(self, params: dict[str, Any]) -> bool:
        commands = params["commands"]
        if len(commands) > COMMAND_LIMIT:
            raise ApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
        if not all(COMMAND.fullmatch(command["command"]) for command in commands):
            raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
        self.menus[self._scope(params)] = commands
        return True

    async def _delete_my_commands(self, params: dict[str, Any]) -> bool:
        self.menus.pop(self._scope(params), None)
        return True

    def _scope(self, params: dict[str, Any]) -> tuple[str, str]:
        language = params.get("language_code", "")
        if language and not re.fullmatch("[a-z]{2}", language):
            raise ApiError(400, "Bad Request: LANG_CODE_INVALID")
        scope = params.get("scope", {"type": "default"})
        return (str(self.open_chat(int(scope["chat_id"]))) if scope["type"] == "chat" else scope["type"]), language

    async def _set_webhook(self, params: dict[str, Any]) -> bool:
        if params.get("drop_pending_updates"):
            self.queue.clear()
        hook = hook_of(params)
        await self.call_nobody()
        self.hook = hook
        if hook is not None and self.reach:
            self.caller = Caller(hook, self.reach, self.queue, self._called)
        return True

    async def _delete_webhook(self, params: dict[str, Any]) -> bool:
        return await self._set_webhook({**params, "url": ""})

    async def _get_webhook_info(self, params: dict[str, Any]) -> dict[str, Any]:
        known = {"has_custom_certificate": False, "pending_update_count": len(self.queue)}
        if self.hook is None:
            return {"url": "", **known}
        return {"url": self.hook.url, "allowed_updates": sorted(self.hook.kinds), **known}

    async def _called(self, update_id: int) -> None:
        self.queue[:] = [update for update in self.queue if update["update_id"] != update_id]
        await self.notify()

    async def call_nobody(self) -> None:
        """Forget who was called until now."""
        caller, self.caller = self.caller, None
        if caller is not None:
            await caller.stop()
