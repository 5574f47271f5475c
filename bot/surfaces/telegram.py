"""Telegram: our own long polling, and everything in private chats. See docs/telegram.md."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import assert_never

from telegram import CallbackQuery, Document, Update
from telegram import Message as TelegramMessage
from telegram.error import InvalidToken, TelegramError

from bot.surface import (
    Ask,
    Command,
    Dispatch,
    Edit,
    Event,
    Message,
    MessageRef,
    Offsets,
    Outcome,
    Person,
    Reply,
    Said,
    Send,
    SurfaceError,
    Tapped,
    Toast,
    Uploaded,
)
from bot.surfaces.lanes import Lanes, back_off, patiently
from bot.surfaces.telegram_client import FileTooLarge, MessageGone, TelegramClient
from bot.surfaces.telegram_transport import TooManyRequests
from core.errors import SettingsError
from core.lanes import Lane
from core.log import get_logger

CONCURRENT = 64
TRIES = 3
TOO_LARGE = "This file is too large: Telegram hands a bot at most 20 MB. Split it, or upload it in the web chat."

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """One update of a person: how to read it, and the tap that waits for an answer."""

    update_id: int
    person: Person
    read: Callable[[], Awaitable[Event]]
    query_id: str | None = None
    message: MessageRef | None = None


class TelegramSurface:
    """One bot token. `run` and `send` belong to one event loop; `send` works without `run` too.

    Args:
        token: as @BotFather shows it.
        api_url: root of the Bot API server.
        offsets: where the confirmed offset is kept.
        fetch_directory: where uploaded files lie while they are handled.
        poll_seconds: how long one getUpdates waits.
        first_pause: seconds before the first repetition of what failed; it doubles from there.
    """

    name = "telegram"

    def __init__(
        self,
        token: str,
        api_url: str,
        offsets: Offsets,
        fetch_directory: Path,
        *,
        poll_seconds: int = 25,
        first_pause: float = 1.0,
    ) -> None:
        self._client = TelegramClient(token, api_url)
        self._offsets = offsets
        self._fetch_directory = fetch_directory
        self._poll_seconds = poll_seconds
        self._first_pause = first_pause
        self._accepted = False
        self._free = asyncio.Semaphore(CONCURRENT)

    async def run(self, dispatch: Dispatch) -> None:
        """Poll until cancelled. An update is confirmed only after it was committed.

        Raises:
            SettingsError: Telegram refuses the token from the start. Later that is waited out like a broken network.
        """
        events, replies = Lanes(), Lanes()
        offset = await self._offsets.load()
        try:
            while True:
                updates = await self._poll(offset)
                turns = [turn for update in updates if (turn := self._turn(update)) is not None]
                works = [(turn, partial(self._handle, turn, dispatch, replies)) for turn in turns]
                await asyncio.gather(*(events.start(turn.person.external_id, work) for turn, work in works))
                if updates:
                    # Not the maximum of old and new: after a quiet week Telegram goes on at a random id.
                    offset = updates[-1].update_id + 1
                    await self._offsets.store(offset)
        finally:
            await events.close()
            await replies.close()
            await self.close()

    async def close(self) -> None:
        """Close the connections. `send` opens them again."""
        await self._client.close()

    async def send(self, address: str, message: Message, lane: Lane = Lane.NOTICE) -> MessageRef:  # noqa: ARG002
        """Send to a chat. Raises `SurfaceError`."""
        return await self._client.send(address, message)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace a message. Raises `SurfaceError`."""
        await self._client.edit(ref, message)

    async def _poll(self, offset: int) -> tuple[Update, ...]:
        failures = 0
        while True:
            try:
                updates = await self._client.updates(offset, self._poll_seconds)
                self._accepted = True
                return updates
            except TelegramError as error:
                if isinstance(error, InvalidToken) and not self._accepted:
                    raise SettingsError("TELEGRAM_BOT_TOKEN is refused by Telegram: check it.") from None
                failures += 1
                pause = back_off(failures, self._first_pause)
                if isinstance(error, TooManyRequests):
                    pause = max(pause, error.seconds)
                named = self._client.named(error)
                log.warning("telegram.poll_failed", error=named, failures=failures, retry_in=round(pause, 2))
                await asyncio.sleep(pause)

    def _turn(self, update: Update) -> Turn | None:
        """None for what is not said in a private chat: groups are answered with silence."""
        chat, user = update.effective_chat, update.effective_user
        if chat is None or user is None or chat.type != chat.PRIVATE:
            return None
        locale = user.language_code or ""
        person = Person(self.name, "", str(user.id), str(chat.id), name=user.full_name, locale=locale)
        if update.callback_query is not None:
            return _tap(update.update_id, person, update.callback_query)
        message = update.message
        if message is None:
            return None
        if message.document is not None:
            read = partial(self._upload, person, message.document, message.caption or "")
            return Turn(update.update_id, person, read)
        event = _said(person, message)
        return None if event is None else Turn(update.update_id, person, partial(_known, event))

    async def _upload(self, person: Person, document: Document, caption: str) -> Event:
        path = await self._client.fetch(document, self._fetch_directory)
        return Uploaded(person, Path(document.file_name or "file").name or "file", path, caption)

    async def _handle(self, turn: Turn, dispatch: Dispatch, replies: Lanes) -> None:
        """Returns after the commit, or after the last try; the replies follow in a lane of their own."""
        outcome = Outcome()
        for attempt in range(1, TRIES + 1):
            try:
                async with self._free:
                    turn, outcome = await self._dispatched(turn, dispatch, replies)
                break
            except FileTooLarge:
                outcome = Outcome((Send(Message(kind="error", text=TOO_LARGE)),))
                break
            except Exception as error:
                # The text of a library's error may name a URL; an error of our own is worth its traceback.
                ours, named = not isinstance(error, TelegramError), self._client.named(error)
                log.warning(
                    "telegram.update_failed", update=turn.update_id, attempt=attempt, error=named, exc_info=ours
                )
                if attempt < TRIES:
                    await asyncio.sleep(back_off(attempt, self._first_pause))
        else:
            log.error("telegram.update_skipped", update=turn.update_id, tries=TRIES)
        replies.start(turn.person.external_id, partial(self._carry_out, turn, outcome))

    async def _dispatched(self, turn: Turn, dispatch: Dispatch, replies: Lanes) -> tuple[Turn, Outcome]:
        event = await turn.read()
        try:
            outcome = await dispatch(event)
            while outcome.follow_up is not None:
                # Telegram forgets a tap within seconds: answer it now, without saying that anything was stored.
                replies.start(turn.person.external_id, partial(self._carry_out, turn, Outcome()))
                turn = replace(turn, query_id=None)
                outcome = await outcome.follow_up
            return turn, outcome
        finally:
            if isinstance(event, Uploaded):
                event.path.unlink(missing_ok=True)

    async def _carry_out(self, turn: Turn, outcome: Outcome) -> None:
        notices = [reply.text for reply in outcome.replies if isinstance(reply, Toast)]
        shown = turn.query_id is not None and await self._client.answer(turn.query_id, "\n".join(notices))
        only_notices = len(notices) == len(outcome.replies)
        for reply in outcome.replies:
            try:
                # A notice that could not be shown at the button matters only where nothing else tells the same.
                if not isinstance(reply, Toast) or (only_notices and not shown):
                    await patiently(partial(self._reply, turn, reply))
            except SurfaceError as error:
                log.warning("telegram.reply_lost", update=turn.update_id, error=self._client.named(error))

    async def _reply(self, turn: Turn, reply: Reply) -> None:
        match reply:
            case Toast(text):
                await self.send(turn.person.address, Message(text=text))
            case Send(message) | Ask(instead=message):
                await self.send(turn.person.address, message)
            case Edit(message):
                await self._replace(turn, message)
            case _:
                assert_never(reply)

    async def _replace(self, turn: Turn, message: Message) -> None:
        if turn.message is None or message.attachment is not None:
            await self.send(turn.person.address, message)
            return
        try:
            await self.edit(turn.message, message)
        except MessageGone:
            await self.send(turn.person.address, message)


def _tap(update_id: int, person: Person, query: CallbackQuery) -> Turn:
    ref = MessageRef(person.address, str(query.message.message_id)) if query.message is not None else None
    event = Tapped(person, query.data or "", ref)
    return Turn(update_id, person, partial(_known, event), query_id=query.id, message=ref)


def _said(person: Person, message: TelegramMessage) -> Event | None:
    """Text, a command, or what was sent instead of text (a sticker, a photo) with its caption; None for notices."""
    text = message.text
    if text is None:
        return Said(person, message.caption or "") if message.effective_attachment is not None else None
    if not text.startswith("/"):
        return Said(person, text)
    word, *rest = text[1:].split(maxsplit=1) or [""]
    return Command(person, word.partition("@")[0].lower(), "".join(rest).strip())


async def _known(event: Event) -> Event:
    return event
