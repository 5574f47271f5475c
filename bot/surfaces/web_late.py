"""Replies that came after their request was answered: they go into the mailbox when the commit is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from bot.surface import Message, Outcome, Reply, Send, Sentence, Toast
from bot.surfaces.web_chat import BOT, Chat
from bot.surfaces.web_http import WebRefusal
from core.log import get_logger

AT_ONCE: Final = 500
"""Beyond this many, a request waits for its commit: back-pressure instead of a growing heap."""
GRACE_SECONDS: Final = 2.0

log = get_logger(__name__)


class LateReplies:
    """Supervises the follow-ups of late outcomes."""

    def __init__(self, chat: Chat, sentence: Sentence) -> None:
        self._chat = chat
        self._sentence = sentence
        self._running: set[asyncio.Task[None]] = set()

    def full(self) -> bool:
        """Whether no more can be taken."""
        return len(self._running) >= AT_ONCE

    def take(
        self, external_id: str, outcome: Outcome, tapped: str | None, locale: str, done: Callable[[], None]
    ) -> None:
        """Await `outcome` in the background, show its replies, and call `done` whatever happens."""
        task = asyncio.create_task(self._follow(external_id, outcome, tapped, locale, done))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _follow(
        self, external_id: str, outcome: Outcome, tapped: str | None, locale: str, done: Callable[[], None]
    ) -> None:
        with ExitStack() as stack:
            stack.callback(done)
            try:
                final = await settled(outcome)
                await self._chat.show(external_id, _without_button(final), tapped)
            except Exception:
                log.exception("late_reply_failed", external_id=external_id)
                sorry = Message(kind="error", text=self._sentence(WebRefusal(500, "web_failed"), locale))
                await self._chat.put(external_id, BOT, sorry)

    async def close(self) -> None:
        """Give what is still running a few seconds, then give it up; `/next` shows the same assignment again."""
        if not self._running:
            return
        _done, pending = await asyncio.wait(self._running, timeout=GRACE_SECONDS)
        for task in pending:
            task.cancel()
        results = await asyncio.gather(*pending, return_exceptions=True)
        if results:
            log.warning("late_replies_given_up", count=len(results))


async def settled(outcome: Outcome) -> Outcome:
    """The outcome after its commit, however late that is."""
    while outcome.follow_up is not None:
        outcome = await outcome.follow_up
    return outcome


def _without_button(outcome: Outcome) -> list[Reply]:
    """The replies, a notice as a bubble where it is all there is or says why: its button no longer waits for it."""
    bubbles = [reply for reply in outcome.replies if not isinstance(reply, Toast)]
    if bubbles and outcome.refused is None:
        return list(bubbles)
    return [Send(Message(text=reply.text)) if isinstance(reply, Toast) else reply for reply in outcome.replies]
