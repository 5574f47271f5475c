"""An update comes in, whichever way: read, dispatched in its person's order, answered. See `telegram_poll`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

from telegram import Document
from telegram.error import TelegramError

from bot.surface import Dispatch, Message, Outcome, Send, Sentence, Toast, Uploaded
from bot.surfaces.lanes import Lanes, back_off
from bot.surfaces.telegram_client import TelegramClient
from bot.surfaces.telegram_files import DOWNLOAD_BYTES, FileTooLarge
from bot.surfaces.telegram_incoming import Incoming
from bot.surfaces.telegram_replies import Replies
from bot.surfaces.telegram_turns import Turn, turn_of
from core.errors import InvalidInput, LightworkError
from core.log import get_logger

CONCURRENT = 64
TRIES = 3

log = get_logger(__name__)


class Intake:
    """Handles the updates of one surface while it runs.

    Args:
        fetch_directory: where uploaded files lie while they are handled.
        sentence: says an error in a person's language.
        first_pause: seconds before the first repetition of what failed; it doubles from there.
    """

    def __init__(
        self,
        client: TelegramClient,
        dispatch: Dispatch,
        fetch_directory: Path,
        sentence: Sentence,
        first_pause: float,
    ) -> None:
        self._client = client
        self._dispatch = dispatch
        self._fetch_directory = fetch_directory
        self._sentence = sentence
        self._first_pause = first_pause
        self._events = Lanes()
        self._replies = Replies(client)
        self._free = asyncio.Semaphore(CONCURRENT)

    def take(self, update: Incoming) -> asyncio.Task[None] | None:
        """Start to handle `update`. What is returned ends after the commit, or after the last try, and never fails."""
        turn = update if isinstance(update, Turn) else turn_of(update, self._fetch)
        if turn is None:
            return None
        return self._events.start(turn.person.external_id, partial(self._handle, turn))

    async def close(self) -> None:
        """Cancel what is still at work."""
        await self._events.close()
        await self._replies.close()

    async def _fetch(self, document: Document) -> Path:
        return await self._client.fetch(document, self._fetch_directory)

    async def _handle(self, turn: Turn) -> None:
        outcome = Outcome()
        for attempt in range(1, TRIES + 1):
            try:
                async with self._free:
                    turn, outcome = await self._dispatched(turn)
                break
            except FileTooLarge:
                megabytes = DOWNLOAD_BYTES // 1_000_000
                outcome = self._refusal(turn, InvalidInput("telegram_file_too_large", megabytes=megabytes))
                break
            except Exception as failure:
                self._log_failure(turn, attempt, failure)
                if attempt < TRIES:
                    await asyncio.sleep(back_off(attempt, self._first_pause))
        else:
            log.error("telegram.update_skipped", update=turn.update_id, tries=TRIES)
            outcome = self._refusal(turn, LightworkError("unexpected"))
        self._replies.start(turn, outcome)

    async def _dispatched(self, turn: Turn) -> tuple[Turn, Outcome]:
        event = await turn.read()
        try:
            outcome = await self._dispatch(event)
            while outcome.follow_up is not None:
                # Telegram forgets a tap within seconds: answer it now, without saying that anything was stored.
                self._replies.start(turn, self._one_moment(turn))
                turn = replace(turn, query_id=None)
                outcome = await outcome.follow_up
            return turn, outcome
        finally:
            if isinstance(event, Uploaded):
                event.path.unlink(missing_ok=True)

    def _one_moment(self, turn: Turn) -> Outcome:
        if turn.query_id is None:
            return Outcome()
        return Outcome((Toast(self._sentence(LightworkError("one_moment"), turn.person.locale)),))

    def _refusal(self, turn: Turn, error: LightworkError) -> Outcome:
        text = self._sentence(error, turn.person.locale)
        return Outcome((Toast(text) if turn.query_id else Send(Message(kind="error", text=text)),))

    def _log_failure(self, turn: Turn, attempt: int, error: Exception) -> None:
        # The text of a library's error may name a URL; an error of our own is worth its traceback.
        ours, named = not isinstance(error, TelegramError), self._client.named(error)
        log.warning("telegram.update_failed", update=turn.update_id, attempt=attempt, error=named, exc_info=ours)
