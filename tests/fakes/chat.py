"""A chat without a platform: people say, tap and upload; everything they see goes into a transcript."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bot.delivery import Delivery
from bot.dispatch import Dispatcher
from bot.surface import (
    Ask,
    Button,
    Command,
    Dispatch,
    Edit,
    Event,
    Filled,
    Form,
    MenuEntry,
    Message,
    MessageRef,
    Outcome,
    Person,
    Said,
    SurfaceError,
    Tapped,
    Toast,
    Uploaded,
)
from core.clock import now
from core.config import Settings
from core.db import unit_of_work
from core.db.writer import make_writer
from core.enrolment import create_invite, ensure_workspace
from core.lanes import Lane
from core.queue import EffectRunner


class FakeSurface:
    """A surface that keeps what it was asked to send, and fails when told to."""

    name = "web"

    def __init__(self) -> None:
        self.sent: list[tuple[str, Message]] = []
        self.failures: list[SurfaceError] = []

    async def run(self, dispatch: Dispatch) -> None:
        """Events come from `Someone` instead."""

    async def send(self, address: str, message: Message, lane: Lane = Lane.NOTICE) -> MessageRef:
        """Keep it."""
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((address, message))
        return MessageRef(address, str(len(self.sent)))

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Keep it."""
        self.sent.append((ref.address, message))


class Chat:
    """A bot with its own database and Valkey, and the people who talk to it."""

    def __init__(self, settings: Settings, engine: Engine, redis: Redis) -> None:
        self.settings = settings
        self.engine = engine
        self.redis = redis
        self.run_effects = EffectRunner(redis)
        self.writer = make_writer(engine, self.run_effects)
        self.dispatch = Dispatcher(settings, self.writer, redis, engine)
        self.surface = FakeSurface()
        self.delivery = Delivery(engine, self.writer, {"web": self.surface})

    def close(self) -> None:
        """Stop the writer."""
        self.writer.close()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A unit of work beside the bot's."""
        with unit_of_work(self.engine, self.run_effects) as session:
            yield session

    def invite(self, role: str, uses: int = 1) -> str:
        """A fresh invite code."""
        with self.writing() as session:
            return create_invite(session, ensure_workspace(session, now()).id, role, uses, now())

    def someone(self, name: str) -> Someone:
        """Somebody with an account on the platform, not yet a member."""
        return Someone(self, name)

    async def member(self, name: str, role: str = "worker") -> Someone:
        """Somebody who has joined, and agreed to what is stored."""
        person = self.someone(name)
        await person.says(f"/start {self.invite(role)}")
        await person.agrees()
        person.transcript.clear()
        return person

    async def settled(self, event: Event) -> Outcome:
        """What came of an event in the end, also where that follows late."""
        outcome: Outcome = await self.dispatch(event)
        while outcome.follow_up is not None:
            outcome = await outcome.follow_up
        return outcome

    async def deliver(self) -> None:
        """Send what is owed."""
        while await self.delivery.deliver_once():
            pass


class Someone:
    """One person: what they do, and what they see."""

    def __init__(self, chat: Chat, name: str) -> None:
        self.chat = chat
        self.person = Person("web", "", name.lower(), name.lower(), name, "en", f"host-of-{name.lower()}")
        self.transcript: list[str] = []
        self.card: Message | None = None
        self.form: Form | None = None
        self.menu: tuple[MenuEntry, ...] = ()
        self.refused: str | None = None
        self.problems: Mapping[str, str] = {}

    async def says(self, text: str) -> str:
        """A command or plain text; returns what was heard."""
        if text.startswith("/"):
            name, *rest = text[1:].split(maxsplit=1) or [""]
            return await self._do(Command(self.person, name.lower(), "".join(rest)), f"> {text}")
        return await self._do(Said(self.person, text), f"> {text}")

    async def agrees(self) -> None:
        """Say yes to what is stored, where that is asked."""
        if "I agree" in self.buttons():
            await self.taps("I agree")

    async def taps(self, text: str) -> str:
        """A button of the newest message, by its text."""
        return await self.taps_payload(self.button(text).payload, text)

    async def taps_payload(self, payload: str, text: str = "?") -> str:
        """A button of any message, or a forged one."""
        return await self._do(Tapped(self.person, payload, MessageRef(self.person.address, "1")), f"> [{text}]")

    async def uploads(self, path: Path, caption: str = "", name: str = "") -> str:
        """A file."""
        return await self._do(Uploaded(self.person, name or path.name, path, caption), f"> {path.name} {caption}")

    async def fills(self, **values: str) -> str:
        """The form that was opened last; what is not named keeps the value it came with."""
        assert self.form is not None, "no form was opened"
        given = {field.name: field.value for field in self.form.fields if field.kind != "file"} | values
        return await self._do(Filled(self.person, self.form.payload, given), f"> {given}")

    def button(self, text: str) -> Button:
        """The button of the newest message whose text begins with `text`."""
        assert self.card is not None, "no message with buttons yet"
        found = [button for row in self.card.buttons for button in row if button.text.startswith(text)]
        assert found, f"no button {text!r} in {self.buttons()}"
        return found[0]

    def buttons(self) -> list[str]:
        """Texts of the newest message's buttons."""
        return [] if self.card is None else [button.text for row in self.card.buttons for button in row]

    async def _do(self, event: Event, said: str) -> str:
        outcome = await self.chat.settled(event)
        self.refused, self.problems = outcome.refused, outcome.problems
        self.chat.writer.submit(lambda session: None).result(10)  # the effects of the event have run before this
        heard = []
        for reply in outcome.replies:
            if isinstance(reply, Toast):
                heard.append(f"({reply.text})")
            else:
                message = reply.instead if isinstance(reply, Ask) else reply.message
                self.form = reply.form if isinstance(reply, Ask) else self.form
                self.menu = message.menu if message.menu is not None else self.menu
                if message.buttons or isinstance(reply, Edit):
                    self.card = message
                heard.append(message.plain())
        self.transcript += [said, *heard]
        return "\n".join(heard)
