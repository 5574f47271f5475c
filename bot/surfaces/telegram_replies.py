"""What goes back to people: taps are answered at once, messages in order, and of a card only its newest state.

A chat takes about one message a second. Whoever taps faster would see a backlog of cards that are no longer true, so
an edit that still waits for its turn gives way to a newer one of the same message. Nothing is lost by that: what the
person answered was committed before.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from functools import partial

from bot.surface import Ask, Edit, Message, MessageRef, Outcome, Reply, RetryLater, Send, SurfaceError, Toast
from bot.surfaces.lanes import Lanes
from bot.surfaces.telegram_client import MessageGone, TelegramClient
from bot.surfaces.telegram_turns import Turn
from core.lanes import Lane
from core.log import get_logger

TRIES = 3
LONGEST_PAUSE = 30.0
"""Seconds; what Telegram would take only later than that is lost, and /next shows the item again."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """A message on its way to a chat.

    replaces: the message it takes the place of.
    answer: the answer to the tap, only of a notice sent as a message: it is dropped where the answer has shown it.
    """

    address: str
    message: Message
    update_id: int
    replaces: MessageRef | None = None
    answer: asyncio.Task[bool] | None = None

    @property
    def lane(self) -> Lane:
        """The lane it goes by."""
        return Lane.NEXT_ITEM if self.message.kind == "card" else Lane.REPLY


class Replies:
    """The replies of one surface."""

    def __init__(self, client: TelegramClient) -> None:
        self._client = client
        self._posts: dict[str, deque[Post]] = {}
        self._lanes = Lanes()
        self._answers: set[asyncio.Task[bool]] = set()

    def start(self, turn: Turn, outcome: Outcome) -> None:
        """Carry out the replies to `turn` after those to the same person's earlier ones; the tap is answered beside."""
        notices = "\n".join(reply.text for reply in outcome.replies if isinstance(reply, Toast))
        answer = self._answer(turn.query_id, notices) if turn.query_id is not None else None
        messages = [reply for reply in outcome.replies if not isinstance(reply, Toast)]
        posts = [_post(turn, reply) for reply in messages]
        if notices and not messages:
            # A notice that could not be shown at the button matters only where nothing else tells the same.
            posts = [Post(turn.person.address, Message(text=notices), turn.update_id, answer=answer)]
        if posts:
            self._put(turn.person.external_id, posts)

    async def close(self) -> None:
        """Cancel what is still on its way."""
        for answer in self._answers:
            answer.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)
        await self._lanes.close()

    def _answer(self, query_id: str, text: str) -> asyncio.Task[bool]:
        answer = asyncio.create_task(self._client.answer(query_id, text))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        return answer

    def _put(self, key: str, posts: list[Post]) -> None:
        waiting = self._posts.get(key)
        if waiting is None:
            waiting = self._posts[key] = deque()
            self._lanes.start(key, partial(self._send_all, key, waiting))
        for post in posts:
            waiting.append(_instead_of_older(waiting, post))

    async def _send_all(self, key: str, waiting: deque[Post]) -> None:
        try:
            while waiting:
                first = waiting[0]
                if first.answer is not None and not first.answer.done():
                    await asyncio.wait([first.answer])
                elif _shown(first):
                    waiting.popleft()
                else:
                    await self._client.admit(first.address, first.lane)
                    await self._send(waiting.popleft(), waiting)  # a newer one, where it gave way meanwhile
        finally:
            del self._posts[key]

    async def _send(self, post: Post, waiting: deque[Post]) -> None:
        try:
            await self._send_patiently(post, waiting)
        except SurfaceError as error:
            log.warning("telegram.reply_lost", update=post.update_id, error=self._client.named(error))
        except Exception as error:  # a fault of ours must not cost the replies after it
            log.exception("telegram.reply_failed", update=post.update_id, error=type(error).__name__)

    async def _send_patiently(self, post: Post, waiting: deque[Post]) -> None:
        for _ in range(TRIES - 1):
            try:
                await self._send_once(post)
                return
            except RetryLater as busy:
                if busy.seconds > LONGEST_PAUSE:
                    raise
                await asyncio.sleep(busy.seconds)
            if post.replaces is not None and any(newer.replaces == post.replaces for newer in waiting):
                return
            await self._client.admit(post.address, post.lane)
        await self._send_once(post)

    async def _send_once(self, post: Post) -> None:
        if post.replaces is not None:
            try:
                await self._client.edit(post.replaces, post.message)
                return
            except MessageGone:
                await self._client.admit(post.address, post.lane)
        await self._client.send(post.address, post.message, post.lane)


def _post(turn: Turn, reply: Reply) -> Post:
    match reply:
        case Edit(message):
            # A file cannot take the place of a text.
            replaces = turn.message if message.attachment is None else None
            return Post(turn.person.address, message, turn.update_id, replaces)
        case Send(message) | Ask(instead=message):
            return Post(turn.person.address, message, turn.update_id)
        case Toast(text):
            return Post(turn.person.address, Message(text=text), turn.update_id)


def _instead_of_older(waiting: deque[Post], post: Post) -> Post:
    """Take an older state of the same message out of `waiting`; the new one keeps the menu that it brought."""
    older = next((one for one in waiting if post.replaces is not None and one.replaces == post.replaces), None)
    if older is None:
        return post
    waiting.remove(older)
    menu = post.message.menu if post.message.menu is not None else older.message.menu
    return replace(post, message=replace(post.message, menu=menu))


def _shown(post: Post) -> bool:
    return post.answer is not None and not post.answer.cancelled() and post.answer.result()
