"""What Slack tells about an interaction: who did what, and how it can be answered."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.surface import Command, Event, Filled, MessageRef, Person, Said, Tapped
from bot.surfaces.slack_forms import Submission
from bot.surfaces.slack_words import command_of

SURFACE = "slack"
LINK = re.compile(r"<((?:https?|mailto):[^|>]+)(?:\|[^>]*)?>")
TRIGGER_SECONDS = 2.5
"""A trigger opens a modal for 3 s, the way here and back included:
https://docs.slack.dev/interactivity/handling-user-interaction#trigger-expiration."""
RESPONSE_USES, RESPONSE_SECONDS = 5, 30 * 60.0
"""https://docs.slack.dev/interactivity/handling-user-interaction#message_responses."""

Clock = Callable[[], float]
Read = Callable[[Person], Awaitable[Event]]


class Trigger:
    """The right to open one modal, for a moment."""

    def __init__(self, trigger_id: str, clock: Clock = time.monotonic) -> None:
        self.id = trigger_id
        self._clock = clock
        self._since = clock()

    def seconds_left(self) -> float:
        """How long it is worth trying; not positive where it is too late."""
        return TRIGGER_SECONDS - (self._clock() - self._since) if self.id else 0.0


class ResponseUrl:
    """Where an interaction may be answered five times within half an hour, without a token and beside all limits."""

    def __init__(self, url: str, clock: Clock = time.monotonic) -> None:
        self.url = url
        self._clock = clock
        self._uses = 0
        self._until = clock() + RESPONSE_SECONDS

    def take(self) -> bool:
        """Count one use; false where it is used up or too old, so that it need not be tried."""
        if not self.url or self._uses >= RESPONSE_USES or self._clock() >= self._until:
            return False
        self._uses += 1
        return True

    def give_up(self) -> None:
        """Slack refuses it: it is not tried again."""
        self._uses = RESPONSE_USES


@dataclass(frozen=True, slots=True)
class Turn:
    """What a person did once: how to read it, and where the replies go.

    message: the message whose button was tapped.
    elsewhere: it was said outside of the direct messages, where the replies will not be seen.
    """

    person: Person
    read: Read
    message: MessageRef | None = None
    response: ResponseUrl | None = None
    trigger: Trigger | None = None
    elsewhere: bool = False


def commanded(body: dict[str, Any]) -> Turn:
    """A slash command, from any channel."""
    person = person_of(body["team_id"], body["user_id"], body.get("user_name", ""), forms=True)
    name, argument = command_of(unescape(body.get("text") or ""))

    async def read(person: Person) -> Event:
        return Command(person, name, argument)

    elsewhere = not str(body.get("channel_id", "")).startswith("D")
    return Turn(person, read, trigger=Trigger(body.get("trigger_id", "")), elsewhere=elsewhere)


def tapped(body: dict[str, Any]) -> Turn:
    """A button."""
    user, container = body["user"], body.get("container", {})
    person = person_of(body["team"]["id"], user["id"], user.get("name", ""), forms=True)
    ref = None
    if container.get("channel_id") and container.get("message_ts"):
        ref = MessageRef(container["channel_id"], container["message_ts"])
    payload = str(body["actions"][0].get("value", ""))

    async def read(person: Person) -> Event:
        return Tapped(person, payload, ref)

    return Turn(person, read, ref, ResponseUrl(body.get("response_url", "")), Trigger(body.get("trigger_id", "")))


def messaged(body: dict[str, Any], read_file: Callable[[dict[str, Any], str, Person], Awaitable[Event]]) -> list[Turn]:
    """One turn for a text, one for each file; nothing for channels, bots and notices about messages."""
    event = body["event"]
    if event.get("channel_type") != "im" or event.get("bot_id") or "user" not in event:
        return []
    if event.get("subtype") not in (None, "file_share"):
        return []
    person = person_of(body["team_id"], event["user"])
    text = unescape(event.get("text") or "")
    if files := event.get("files"):
        return [Turn(person, partial(read_file, file, text)) for file in files]

    async def read(person: Person) -> Event:
        return Said(person, text)

    return [Turn(person, read)]


def filled(body: dict[str, Any], sent: Submission) -> Turn:
    """A modal that was sent off."""
    user = body["user"]
    team = (body.get("team") or {}).get("id") or user.get("team_id") or ""
    person = person_of(team, user["id"], user.get("name", ""))

    async def read(person: Person) -> Event:
        return Filled(person, sent.payload, sent.values)

    return Turn(person, read)


def person_of(team: str, user: str, name: str = "", *, forms: bool = False) -> Person:
    """An account, as far as Slack names it with every interaction."""
    return Person(SURFACE, team, user, user, name=name, forms=forms)


def unescape(text: str) -> str:
    """What the person typed: Slack writes links as <url|label> and escapes three characters."""
    return html.unescape(LINK.sub(r"\1", text)) if "&" in text or "<" in text else text
