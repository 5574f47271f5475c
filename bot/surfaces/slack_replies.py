"""Carries out what came of an event: messages, replaced cards, notices, modals."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import assert_never

from bot.surface import Ask, Edit, Message, Outcome, Rejected, Reply, RetryLater, Send, SurfaceError, Toast
from bot.surfaces.lanes import Lanes, patiently
from bot.surfaces.slack_client import SlackClient
from bot.surfaces.slack_forms import view_of
from bot.surfaces.slack_turns import Turn
from bot.surfaces.slack_words import Words
from core.lanes import Lane
from core.log import get_logger

UPDATE_SECONDS = 3.0
"""Longer than this nobody waits for the workspace's share of chat.update: the card is sent anew."""

log = get_logger(__name__)


class Replies:
    """Replies to one person keep their order; different people do not wait for each other."""

    def __init__(self, client: SlackClient, words: Words) -> None:
        self._client = client
        self._words = words
        self._lanes = Lanes()

    def start(self, turn: Turn, outcome: Outcome) -> None:
        """Carry out `outcome`, and what follows it if it is late. A modal opens at once: its trigger does not wait."""
        person = turn.person.external_id
        asks = [reply for reply in outcome.replies if isinstance(reply, Ask)]
        for ask in asks:
            self._lanes.start(f"{person} form", partial(self._safely, partial(self._ask, turn, ask)))
        self._lanes.start(person, partial(self._carry_out, turn, outcome))

    async def close(self) -> None:
        """Cancel what is not sent yet."""
        await self._lanes.close()

    async def _carry_out(self, turn: Turn, outcome: Outcome) -> None:
        late = outcome.late
        while outcome.follow_up is not None:
            outcome = await outcome.follow_up
        notices = "\n".join(reply.text for reply in outcome.replies if isinstance(reply, Toast))
        for reply in _visible(outcome.replies, late):
            await self._safely(partial(self._reply, turn, reply, notices))

    async def _safely(self, reply: Callable[[], Awaitable[None]]) -> None:
        try:
            await patiently(reply)
        except SurfaceError as error:
            log.warning("slack.reply_lost", error=self._client.named(error))

    async def _reply(self, turn: Turn, reply: Reply, notices: str) -> None:
        match reply:
            case Toast(text):
                await self._notice(turn, text)
            case Send(message) | Ask(instead=message):
                await self._send(turn, message)
            case Edit(message):
                await self._replace(turn, message, notices)
            case _:
                assert_never(reply)

    async def _send(self, turn: Turn, message: Message) -> None:
        lane = Lane.NEXT_ITEM if message.kind == "card" else Lane.REPLY
        await self._client.post(turn.person.address, message, lane)

    async def _ask(self, turn: Turn, ask: Ask) -> None:
        """Open the form; where Slack would not open it any more, its button asks again."""
        left = turn.trigger.seconds_left() if turn.trigger is not None else 0.0
        if turn.trigger is not None and left > 0:
            try:
                async with asyncio.timeout(left):
                    await self._client.open_view(turn.trigger.id, view_of(ask.form, self._words))
            except (SurfaceError, TimeoutError, ValueError) as error:
                log.info("slack.form_not_opened", error=self._client.named(error))
            else:
                return
        await self._send(turn, ask.instead)

    async def _notice(self, turn: Turn, text: str) -> None:
        if turn.message is None:
            await self._send(turn, Message(text=text))
        elif not await self._through_url(turn, partial(self._client.whisper_back, text=text)):
            await self._client.whisper(turn.message.address, turn.person.external_id, text)

    async def _replace(self, turn: Turn, message: Message, notices: str) -> None:
        """Through response_url while it lives: chat.update is limited to about 50 a minute for a whole workspace."""
        if turn.message is None or message.attachment is not None:
            await self._send(turn, message)
            return
        if await self._through_url(turn, partial(self._client.respond, message=message, notice=notices)):
            return
        try:
            await self._client.update(turn.message, message, notices, patience=UPDATE_SECONDS)
        except (Rejected, RetryLater):
            await self._send(turn, message)

    async def _through_url(self, turn: Turn, respond: Callable[[str], Awaitable[bool]]) -> bool:
        if turn.response is None or not turn.response.take():
            return False
        if not await respond(turn.response.url):
            turn.response.give_up()
            log.info("slack.response_url_refused")
            return False
        return True


def _visible(replies: Iterable[Reply], late: bool) -> list[Reply]:
    """What is left to show: forms were opened already, unless they came too late to be.

    A card that is replaced carries the notice: one call less, and no trail of notices in the chat.
    """
    edits = any(isinstance(reply, Edit) for reply in replies)
    return [
        reply
        for reply in replies
        if not (isinstance(reply, Toast) and edits) and not (isinstance(reply, Ask) and not late)
    ]
