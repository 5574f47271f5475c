"""Slack in Socket Mode: one slash command, buttons, and direct messages. See docs/slack.md."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, assert_never
from weakref import WeakValueDictionary

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.surface import (
    Ask,
    Command,
    Dispatch,
    Edit,
    Event,
    Message,
    MessageRef,
    Outcome,
    Person,
    Rejected,
    Reply,
    RetryLater,
    Said,
    Send,
    SurfaceError,
    Tapped,
    Toast,
    Uploaded,
)
from bot.surfaces.lanes import Lanes, back_off, patiently
from bot.surfaces.slack_client import FileRefused, SlackClient
from bot.surfaces.slack_socket import hold
from core.errors import SettingsError
from core.lanes import Lane
from core.log import get_logger

ANYTHING = re.compile(".*", re.DOTALL)
LINK = re.compile(r"<((?:https?|mailto):[^|>]+)(?:\|[^>]*)?>")
VERBS = {"": "help", "join": "start"}
ACK_SECONDS = 1.5
STEADY_SECONDS = 60.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a person did once: how to read it, and where the replies go."""

    person: Person
    read: Callable[[], Awaitable[Event]]
    message: MessageRef | None = None
    response_url: str = ""


class SlackSurface:
    """One installed app. `run` and `send` belong to one event loop; `send` works without `run` too.

    Args:
        bot_token: xoxb-, for the Web API.
        app_token: xapp-, for Socket Mode.
        api_url: root of the Web API; GovSlack has another one.
        fetch_directory: where uploaded files lie while they are handled.
        ping_interval: seconds between pings on the socket; six of them without a sign of life make it stale.
        first_pause: seconds before the first new connection; it doubles from there.
    """

    name = "slack"

    def __init__(
        self,
        bot_token: str,
        app_token: str,
        api_url: str,
        fetch_directory: Path,
        *,
        ping_interval: float = 10.0,
        first_pause: float = 1.0,
    ) -> None:
        self._app_token = app_token
        self._client = SlackClient(bot_token, app_token, api_url)
        self._fetch_directory = fetch_directory
        self._ping_interval = ping_interval
        self._first_pause = first_pause
        self._accepted = False
        self._replies = Lanes()
        self._works: set[asyncio.Task[Outcome]] = set()
        self._order: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def run(self, dispatch: Dispatch) -> None:
        """Hold a socket until cancelled; a stale one is replaced.

        Raises:
            SettingsError: Slack refuses a token from the start. Later that is waited out like a broken network.
        """
        failures = 0
        try:
            while True:
                started = time.monotonic()
                try:
                    identity = await self._client.check(self._app_token)
                    self._accepted = True
                    await hold(self._app(dispatch, identity), self._app_token, self._ping_interval)
                except (RetryLater, SettingsError) as error:
                    if isinstance(error, SettingsError) and not self._accepted:
                        raise
                    log.warning("slack.unreachable", error=self._client.named(error), failures=failures + 1)
                failures = 1 if time.monotonic() - started > STEADY_SECONDS else failures + 1
                await asyncio.sleep(back_off(failures, self._first_pause))
        finally:
            for work in self._works:
                work.cancel()
            await self._replies.close()
            await self.close()

    async def close(self) -> None:
        """Close the connections. `send` opens them again."""
        await self._client.close()

    async def send(self, address: str, message: Message, lane: Lane = Lane.NOTICE) -> MessageRef:  # noqa: ARG002
        """Send to a user or a channel. Raises `SurfaceError`."""
        return await self._client.post(address, message)

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace a message. Raises `SurfaceError`."""
        await self._client.update(ref, message)

    def _app(self, dispatch: Dispatch, identity: AuthorizeResult) -> AsyncApp:
        async def authorize() -> AuthorizeResult:
            """Known from the start: Bolt would ask Slack at the first event, and on failure acknowledge it unread."""
            return identity

        app = AsyncApp(client=self._client.without_token(), authorize=authorize, process_before_response=True)

        async def on_command(ack: AsyncAck, body: dict[str, Any]) -> None:
            await self._handle(self._commanded(body), dispatch)
            await ack()

        async def on_tap(ack: AsyncAck, body: dict[str, Any]) -> None:
            await self._handle(self._tapped(body), dispatch)
            await ack()

        async def on_message(body: dict[str, Any]) -> None:
            for turn in self._messaged(body):
                await self._handle(turn, dispatch)

        async def on_other_event() -> None:
            """Acknowledged and ignored: what is not acknowledged is sent again."""

        app.command(ANYTHING)(on_command)
        app.block_action(ANYTHING)(on_tap)
        app.event("message")(on_message)
        app.event(ANYTHING)(on_other_event)
        return app

    # --- in ---

    def _commanded(self, body: dict[str, Any]) -> Turn:
        person = self._person(body["team_id"], body["user_id"], body.get("user_name", ""))
        verb, *rest = _unescape(body.get("text", "")).split(maxsplit=1) or [""]
        name = verb.removeprefix("/").lower()
        event = Command(person, VERBS.get(name, name), "".join(rest).strip())
        return Turn(person, partial(_known, event))

    def _tapped(self, body: dict[str, Any]) -> Turn:
        user, container = body["user"], body.get("container", {})
        person = self._person(body["team"]["id"], user["id"], user.get("name", ""))
        ref = None
        if container.get("channel_id") and container.get("message_ts"):
            ref = MessageRef(container["channel_id"], container["message_ts"])
        event = Tapped(person, str(body["actions"][0].get("value", "")), ref)
        return Turn(person, partial(_known, event), ref, body.get("response_url", ""))

    def _messaged(self, body: dict[str, Any]) -> list[Turn]:
        """One turn for a text, one for each file; nothing for channels, bots and notices about messages."""
        event = body["event"]
        if event.get("channel_type") != "im" or event.get("bot_id") or "user" not in event:
            return []
        if event.get("subtype") not in (None, "file_share"):
            return []
        person = self._person(body["team_id"], event["user"])
        text = _unescape(event.get("text") or "")
        if files := event.get("files"):
            return [Turn(person, partial(self._upload, person, file, _as_command(text))) for file in files]
        return [Turn(person, partial(_known, Said(person, text)))]

    def _person(self, team: str, user: str, name: str = "") -> Person:
        return Person(self.name, team, user, user, name=name)

    async def _upload(self, person: Person, file: dict[str, Any], caption: str) -> Event:
        url = file.get("url_private_download") or file.get("url_private") or ""
        path = await patiently(partial(self._client.fetch, url, self._fetch_directory))
        return Uploaded(person, Path(file.get("name") or "file").name or "file", path, caption)

    async def _handle(self, turn: Turn, dispatch: Dispatch) -> None:
        """Returns when the event may be acknowledged: after the commit, or when Slack would not wait any longer."""
        async with self._order.setdefault(turn.person.external_id, asyncio.Lock()):
            work = asyncio.create_task(self._dispatched(turn, dispatch))
            self._works.add(work)
            work.add_done_callback(self._works.discard)
            done, _ = await asyncio.wait([work], timeout=ACK_SECONDS)
            outcome = await work if done else Outcome(follow_up=work)
        self._replies.start(turn.person.external_id, partial(self._carry_out, turn, outcome))

    async def _dispatched(self, turn: Turn, dispatch: Dispatch) -> Outcome:
        """Read and dispatch; a file is kept until the commit."""
        try:
            event = await turn.read()
        except FileRefused as refused:
            return Outcome((Send(Message(kind="error", text=str(refused))),))
        if not isinstance(event, Uploaded):
            return await dispatch(event)
        try:
            outcome = await dispatch(event)
            while outcome.follow_up is not None:
                outcome = await outcome.follow_up
            return outcome
        finally:
            event.path.unlink(missing_ok=True)

    # --- out ---

    async def _carry_out(self, turn: Turn, outcome: Outcome) -> None:
        while outcome.follow_up is not None:
            outcome = await outcome.follow_up
        notices = "\n".join(reply.text for reply in outcome.replies if isinstance(reply, Toast))
        edits = any(isinstance(reply, Edit) for reply in outcome.replies)
        for reply in outcome.replies:
            try:
                # A card that is replaced carries the notice: one call less, and no trail of notices in the chat.
                if not (isinstance(reply, Toast) and edits):
                    await patiently(partial(self._reply, turn, reply, notices))
            except SurfaceError as error:
                log.warning("slack.reply_lost", error=self._client.named(error))

    async def _reply(self, turn: Turn, reply: Reply, notices: str) -> None:
        match reply:
            case Toast(text):
                await self._notice(turn, text)
            case Send(message) | Ask(instead=message):
                await self.send(turn.person.address, message)
            case Edit(message):
                await self._replace(turn, message, notices)
            case _:
                assert_never(reply)

    async def _notice(self, turn: Turn, text: str) -> None:
        if turn.message is None:
            await self.send(turn.person.address, Message(text=text))
        else:
            await self._client.whisper(turn.message.address, turn.person.external_id, text)

    async def _replace(self, turn: Turn, message: Message, notices: str) -> None:
        """Through response_url where there is one: chat.update is limited to about 50 a minute for a workspace."""
        if turn.message is None or message.attachment is not None:
            await self.send(turn.person.address, message)
            return
        if turn.response_url and await self._client.replace(turn.response_url, message, notices):
            return
        try:
            await self._client.update(turn.message, message, notices)
        except Rejected:
            await self.send(turn.person.address, message)


def _unescape(text: str) -> str:
    """What the person typed: Slack writes links as <url|label> and escapes three characters."""
    return html.unescape(LINK.sub(r"\1", text)) if "&" in text or "<" in text else text


def _as_command(caption: str) -> str:
    """A caption "post ..." or "add ..." with its slash, which Slack would take for a command without files."""
    return f"/{caption}" if caption.lower().startswith(("post ", "add ")) else caption


async def _known(event: Event) -> Event:
    return event
