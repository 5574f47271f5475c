"""What Slack tells goes to dispatch; it is acknowledged after the commit, or when Slack would not wait any longer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from bot.surface import Ask, Dispatch, Edit, Event, Message, Outcome, Person, Send, SurfaceError, Toast, Uploaded
from bot.surfaces.lanes import FINISH_SECONDS, patiently
from bot.surfaces.slack_files import Downloads, download
from bot.surfaces.slack_forms import Submission, errors_of, submission_of
from bot.surfaces.slack_people import People
from bot.surfaces.slack_replies import Replies
from bot.surfaces.slack_turns import Turn, commanded, filled, messaged, tapped
from bot.surfaces.slack_words import Words, caption_of
from core.errors import InvalidInput, LightworkError
from core.log import get_logger

ACK_SECONDS = 1.5
REMEMBERED = 1000

log = get_logger(__name__)

K = TypeVar("K")
V = TypeVar("V")
SubmissionKey = tuple[str, tuple[tuple[str, str], ...], tuple[str, ...]]


class Reception:
    """One run of the surface. Events of one person are dispatched in the order in which they came."""

    def __init__(
        self, dispatch: Dispatch, downloads: Downloads, people: People, replies: Replies, words: Words
    ) -> None:
        self._dispatch = dispatch
        self._downloads = downloads
        self._people = people
        self._replies = replies
        self._words = words
        self._works: set[asyncio.Task[Any]] = set()
        self._order: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._events: OrderedDict[str, None] = OrderedDict()
        self._submissions: OrderedDict[SubmissionKey, asyncio.Task[Outcome]] = OrderedDict()

    async def command(self, body: dict[str, Any]) -> str:
        """A slash command; returns what is said where it was typed, nothing where the replies are seen there."""
        turn = commanded(body)
        outcome = await self._handle(turn)
        if not turn.elsewhere or all(isinstance(reply, Ask) for reply in outcome.replies):
            return ""
        return self._words.say(LightworkError("slack_answered"), self._people.locale_of(turn.person))

    async def tap(self, body: dict[str, Any]) -> None:
        """A button."""
        await self._handle(tapped(body))

    async def message(self, body: dict[str, Any]) -> None:
        """A direct message. The same event told again, because its acknowledgement was lost, is not told on."""
        event = str(body.get("event_id", ""))
        if event in self._events:
            return
        await asyncio.gather(*(self._handle(turn) for turn in messaged(body, self._shared)))
        if event:
            _remember(self._events, event, None)

    async def submission(self, body: dict[str, Any]) -> dict[str, str]:
        """A modal that was sent off; returns the sentences by field that keep it open, none where it may close.

        Slack waits 3 s and not longer. What takes longer goes on; sent off again, the form gets the outcome of that.
        """
        sent = submission_of(body["view"])
        turn = filled(body, sent)
        key = (sent.view, tuple(sorted(sent.values.items())), tuple(str(file.get("id")) for file in sent.files))
        work = self._submissions.get(key)
        if work is None:
            work = self._start(self._filled(turn, sent))
            _remember(self._submissions, key, work)
        done, _ = await asyncio.wait([work], timeout=ACK_SECONDS)
        if not done:
            return self._problem(turn, sent, LightworkError("slack_form_slow"))
        self._submissions.pop(key, None)
        try:
            outcome = work.result()
        except Exception:
            log.exception("slack.form_failed")
            return self._problem(turn, sent, LightworkError("unexpected"))
        problems = outcome.problems or ({"": _said(outcome)} if outcome.refused else {})
        return errors_of(sent, problems, self._words)

    async def close(self) -> None:
        """Let what is going on come to its end, for a short while, and cancel the rest."""
        if self._works:
            await asyncio.wait(self._works, timeout=FINISH_SECONDS)
        for work in list(self._works):
            work.cancel()
        await asyncio.gather(*self._works, return_exceptions=True)

    async def _handle(self, turn: Turn) -> Outcome:
        work = self._start(self._in_turn(turn))
        done, _ = await asyncio.wait([work], timeout=ACK_SECONDS)
        outcome = work.result() if done else Outcome(follow_up=work)
        self._replies.start(turn, outcome)
        return outcome

    async def _in_turn(self, turn: Turn) -> Outcome:
        """After everything that the person did before; a file that takes long to fetch holds up nothing else."""
        async with self._order.setdefault(turn.person.external_id, asyncio.Lock()):
            work = self._start(self._dispatched(turn))
            await asyncio.wait([work], timeout=ACK_SECONDS)
        return await work

    async def _dispatched(self, turn: Turn) -> Outcome:
        """Read and dispatch; a file is kept until the commit."""
        person = await self._people.introduced(turn.person)
        try:
            event = await turn.read(person)
        except InvalidInput as refused:
            return Outcome((Send(Message(kind="error", text=self._words.say(refused, person.locale))),), refused.code)
        if not isinstance(event, Uploaded):
            return await self._dispatch(event)
        try:
            return await _settled(await self._dispatch(event))
        finally:
            event.path.unlink(missing_ok=True)

    async def _filled(self, turn: Turn, sent: Submission) -> Outcome:
        """The outcome at last; replies and files follow it where the form was taken."""
        outcome = await _settled(await self._in_turn(turn))
        if outcome.problems or outcome.refused:
            return outcome
        self._replies.start(turn, outcome)
        for file in sent.files:
            self._start(self._handle(Turn(turn.person, partial(self._uploaded, file, ""))))
        return outcome

    async def _shared(self, file: dict[str, Any], text: str, person: Person) -> Event:
        return await self._uploaded(file, caption_of(text), person)

    async def _uploaded(self, file: dict[str, Any], caption: str, person: Person) -> Event:
        try:
            name, path = await patiently(partial(download, self._downloads, file))
        except SurfaceError as error:
            log.warning("slack.file_not_fetched", error=self._downloads.client.named(error))
            raise InvalidInput("slack_file_failed") from None
        return Uploaded(person, name, path, caption)

    def _problem(self, turn: Turn, sent: Submission, error: LightworkError) -> dict[str, str]:
        return errors_of(sent, {"": self._words.say(error, self._people.locale_of(turn.person))}, self._words)

    def _start(self, work: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
        started = asyncio.create_task(work)
        self._works.add(started)
        started.add_done_callback(self._works.discard)
        return started


async def _settled(outcome: Outcome) -> Outcome:
    while outcome.follow_up is not None:
        outcome = await outcome.follow_up
    return outcome


def _said(outcome: Outcome) -> str:
    """The sentences of a refusal."""
    texts = (reply.text if isinstance(reply, Toast) else _shown(reply).plain() for reply in outcome.replies)
    return "\n".join(texts)


def _shown(reply: Send | Edit | Ask) -> Message:
    return reply.instead if isinstance(reply, Ask) else reply.message


def _remember(known: OrderedDict[K, V], key: K, value: V) -> None:
    """Put it into `known`, which forgets its oldest."""
    known[key] = value
    while len(known) > REMEMBERED:
        known.popitem(last=False)
