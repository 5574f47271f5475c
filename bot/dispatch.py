"""The one crossing from asyncio into core: an event goes in, and comes back after the commit as replies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import assert_never

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine

from bot.cards import render
from bot.cards.details import Details
from bot.cards.status import JobStatus
from bot.cards.views import Show, View
from bot.committing import committed
from bot.dialogue import FormProblems
from bot.endurance import Endurance
from bot.handling import Handled, handle, handle_repeated, is_answer, is_reading, known_account, require
from bot.pictures import picture_of
from bot.post_items import Looked, asked_items
from bot.surface import Ask, Edit, Event, MenuEntry, Message, Outcome, Person, Reply, Send, Tapped, Toast, Uploaded
from bot.texts import FALLBACK, knows, say
from core import media
from core.clock import now
from core.config import Settings
from core.db import reading
from core.db.writer import Overloaded, Writer
from core.enrolment import count_wrong_code, find_account
from core.errors import LightworkError, Refused
from core.importing import compare, receive
from core.log import get_logger, with_ids
from core.queue import scheduled_counts, waiting_counts

PATIENCE_SECONDS = 1.5
"""How long a platform is kept waiting; the event goes on, and its replies follow."""
READERS = 4
WRONG_CODES = ("invite_unknown", "link_unknown")
"""Refusals of a code that does not exist; too many from one origin have to wait."""
DEALT_WITH = ("already_submitted", "already_skipped")
"""Refusals of a button whose card was answered or skipped before."""

log = get_logger(__name__)


class Dispatcher:
    """A `bot.surface.Dispatch`. Events of one person keep their order; different people do not wait for each other."""

    def __init__(
        self, settings: Settings, writer: Writer, redis: Redis, engine: Engine, endure: Endurance | None = None
    ) -> None:
        self._settings = settings
        self._writer = writer
        self._redis = redis
        self._engine = engine
        self._endure = endure or Endurance()
        self._turns: dict[tuple[str, str, str], tuple[asyncio.Lock, int]] = {}
        self._readers = asyncio.Semaphore(READERS)

    async def __call__(self, event: Event) -> Outcome:
        """Answer `event`; never raises for what a person did."""
        answering = asyncio.ensure_future(self._answer(event))
        done, _ = await asyncio.wait({answering}, timeout=PATIENCE_SECONDS)
        return answering.result() if done else Outcome(follow_up=answering)

    async def _answer(self, event: Event) -> Outcome:
        locale = event.person.locale or self._settings.default_locale
        try:
            async with self._turn(event.person):
                handled = await self._endure(partial(self._run, event))
            locale = handled.locale
            shows = [replace(show, view=await self._complete(show.view)) for show in handled.shows]
            return Outcome(tuple(_reply(show, locale, handled.menu if show.menu else None) for show in shows))
        except LightworkError as error:
            await self._after_refusal(event, error)
            locale = await self._language_of(event.person, locale)
            problems = error.fields if isinstance(error, FormProblems) else {}
            outcome = _refusal(event, error.code, locale, error.params)
            replies = (*outcome.replies, *await self._card_again(event, error))
            return replace(outcome, replies=replies, problems=_sentences(problems, locale))
        except Overloaded:
            return _refusal(event, "overloaded", locale)
        except Exception:
            log.exception("event_failed", surface=event.person.surface, event_type=type(event).__name__)
            return _refusal(event, FALLBACK, await self._language_of(event.person, locale))

    async def _run(self, event: Event) -> Handled:
        looked = None
        if isinstance(event, Uploaded):
            looked = await asyncio.to_thread(self._look, event)
        if is_reading(event):
            async with self._readers:
                return await asyncio.to_thread(self._read, event)
        work = with_ids(lambda session: handle(session, event, self._settings, now(), looked))
        return await committed(self._writer, work, short=is_answer(event))

    def _read(self, event: Event) -> Handled:
        with reading(self._engine) as session:
            return handle(session, event, self._settings, now())

    def _look(self, event: Uploaded) -> Looked:
        """Check and keep a file outside any transaction; only for those who may post."""
        with reading(self._engine) as session:
            account = known_account(session, event.person)
            require(account, "coordinator")
            items = asked_items(session, self._settings, account)
        received = receive(event.path, event.name)
        known = None if items is None else compare(received, event.path, items)
        return Looked(received, media.keep(self._settings, event.path), event.path, known)

    async def _complete(self, view: View) -> View:
        """Fill in what is not read in a transaction: the counts of Redis, a picture."""
        match view:
            case Details():
                return await asyncio.to_thread(self._with_queues, view)
            case JobStatus():
                return await asyncio.to_thread(self._with_picture, view)
            case _:
                return view

    def _with_picture(self, view: JobStatus) -> JobStatus:
        try:
            return replace(view, picture=picture_of(self._settings, view))
        except Exception:
            log.exception("picture_not_drawn", project=view.public_id)  # the words say it all
            return view

    def _with_queues(self, view: Details) -> Details:
        try:
            queues = waiting_counts(self._redis)
            buckets = {line.project_id: scheduled_counts(self._redis, line.project_id) for line in view.projects}
        except RedisError as error:
            log.warning("redis_away", error=type(error).__name__)
            return view
        return replace(view, queues=queues, buckets=buckets)

    async def _after_refusal(self, event: Event, error: LightworkError) -> None:
        if isinstance(error, Refused) and error.code in WRONG_CODES:
            person = event.person
            origin = person.origin or f"{person.surface}:{person.tenant}:{person.external_id}"
            try:
                await committed(self._writer, lambda session: count_wrong_code(session, origin, now()))
            except Exception:  # the refusal itself still has to be said
                log.exception("wrong_code_not_counted", surface=person.surface)

    async def _card_again(self, event: Event, error: LightworkError) -> tuple[Reply, ...]:
        """After a tap on an item that is dealt with: the present card, which may have been lost on its way."""
        if not isinstance(event, Tapped) or error.code not in DEALT_WITH:
            return ()
        person = event.person
        try:
            async with self._turn(person):
                handled = await committed(
                    self._writer, lambda session: handle_repeated(session, person, self._settings, now())
                )
            return tuple(_reply(show, handled.locale, None) for show in handled.shows)
        except (LightworkError, Overloaded):
            return ()
        except Exception:
            log.exception("card_not_shown_again", surface=person.surface)
            return ()

    async def _language_of(self, person: Person, assumed: str) -> str:
        """The language that a member has chosen, for what is said when nothing else could be read; else `assumed`."""
        try:
            async with self._readers:
                return await asyncio.to_thread(self._read_language, person) or assumed
        except Exception:
            log.exception("language_not_read", surface=person.surface)
            return assumed

    def _read_language(self, person: Person) -> str:
        with reading(self._engine) as session:
            account = find_account(session, person.surface, person.tenant, person.external_id)
            return account.worker.locale if account is not None else ""

    @asynccontextmanager
    async def _turn(self, person: Person) -> AsyncIterator[None]:
        key = (person.surface, person.tenant, person.external_id)
        lock, waiting = self._turns.get(key, (asyncio.Lock(), 0))
        self._turns[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[key]
            if waiting == 1:
                del self._turns[key]
            else:
                self._turns[key] = (lock, waiting - 1)


def _reply(show: Show, locale: str, menu: tuple[MenuEntry, ...] | None) -> Reply:
    message = render(show.view, locale)
    if menu is not None:
        message = replace(message, menu=menu)
    if show.form is not None:
        return Ask(show.form, message)
    match show.how:
        case "send":
            return Send(message)
        case "edit":
            return Edit(message)
        case "toast":
            return Toast(message.text)
        case _:
            assert_never(show.how)


def _sentences(problems: Mapping[str, LightworkError], locale: str) -> dict[str, str]:
    return {name: _sentence(error.code, locale, error.params) for name, error in problems.items()}


def _sentence(code: str, locale: str, params: dict[str, object] | None = None) -> str:
    return say(code if knows(code) else FALLBACK, locale, **(params or {}))


def _refusal(event: Event, code: str, locale: str, params: dict[str, object] | None = None) -> Outcome:
    sentence = _sentence(code, locale, params)
    reply: Reply = Toast(sentence) if isinstance(event, Tapped) else Send(Message(kind="error", text=sentence))
    return Outcome((reply,), refused=code)
