"""Which dialogue answers which event, and which role it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot import coordinator_chat, posting, worker_chat
from bot.cards.views import Show
from bot.context import Context
from bot.tokens import Token


@dataclass(frozen=True, slots=True)
class CommandRoute:
    """A command's role and dialogue. `reads` marks those that change nothing and may look at much."""

    role: str
    answer: Callable[[Context, str], list[Show]]
    reads: bool = False


@dataclass(frozen=True, slots=True)
class TapRoute:
    """A button verb's role and dialogue."""

    role: str
    answer: Callable[[Context, Token], list[Show]]


COMMANDS = {
    "start": CommandRoute("worker", worker_chat.on_next),
    "next": CommandRoute("worker", worker_chat.on_next),
    "undo": CommandRoute("worker", worker_chat.on_undo_command),
    "stats": CommandRoute("worker", worker_chat.on_stats, reads=True),
    "pause": CommandRoute("worker", worker_chat.on_pause),
    "resume": CommandRoute("worker", worker_chat.on_resume),
    "help": CommandRoute("worker", worker_chat.on_help, reads=True),
    "post": CommandRoute("coordinator", posting.on_post, reads=True),
    "status": CommandRoute("coordinator", coordinator_chat.on_status, reads=True),
    "add": CommandRoute("coordinator", coordinator_chat.on_add),
    "export": CommandRoute("coordinator", coordinator_chat.on_export),
    "train": CommandRoute("coordinator", coordinator_chat.on_train),
    "invite": CommandRoute("coordinator", coordinator_chat.on_invite),
    "close": CommandRoute("coordinator", coordinator_chat.on_close),
    "open": CommandRoute("coordinator", coordinator_chat.on_open),
    "settle": CommandRoute("expert", coordinator_chat.on_settle, reads=True),
}

TAPS = {
    "next": TapRoute("worker", worker_chat.on_next_tap),
    "answer": TapRoute("worker", worker_chat.on_answer),
    "skip": TapRoute("worker", worker_chat.on_skip),
    "undo": TapRoute("worker", worker_chat.on_undo),
    "settle": TapRoute("expert", coordinator_chat.on_settle_tap),
    "later": TapRoute("expert", coordinator_chat.on_later_tap),
    "post": TapRoute("coordinator", posting.on_post_tap),
}
