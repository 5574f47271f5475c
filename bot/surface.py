"""The whole contract between dialogues and chat platforms: events in, messages out, one Protocol.

A surface translates what its platform says into an `Event`, hands it to `Dispatch`, and carries out the replies. It
knows no core service and no database. Dialogues know no platform.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from core.errors import LightworkError
from core.lanes import Lane

# --- what people do ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """An account on a surface, as the platform names it. Everything in it is untrusted but the ids."""

    surface: str
    tenant: str
    external_id: str
    address: str
    """Where a message to this person is sent: a chat or channel id."""
    name: str = ""
    locale: str = ""
    origin: str = ""
    """Network address, where the surface knows it; limits attempts with wrong codes."""
    forms: bool = False
    """Whether the platform can open an `Ask` in answer to this very event."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message that was sent, in the platform's own ids; opaque to dialogues."""

    address: str
    message: str


@dataclass(frozen=True, slots=True)
class Command:
    """`/name argument`. The name comes without the slash, in lower case."""

    person: Person
    name: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """Plain text."""

    person: Person
    text: str


@dataclass(frozen=True, slots=True)
class Tapped:
    """A button. `payload` is untrusted: a modified client can send anything."""

    person: Person
    payload: str
    message: MessageRef | None = None


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file, already on this machine in a temporary place that the surface removes after dispatch."""

    person: Person
    name: str
    path: Path
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    """A form was sent off. Both are untrusted: `payload` is that of the form, `values` go by the names of its fields.

    A field of the kind "file" is not among the values: its files follow as `Uploaded`.
    """

    person: Person
    payload: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Left:
    """The person has blocked the bot there, or deleted their account: nothing can be sent to them any more."""

    person: Person


Event = Command | Said | Tapped | Uploaded | Filled | Left

# --- what people see --------------------------------------------------------------------------------------------

Style = Literal["plain", "primary", "danger", "quiet"]


@dataclass(frozen=True, slots=True)
class Button:
    """A button: at most 64 bytes of payload; `text` may be longer than a platform shows, its renderer then cuts."""

    text: str
    payload: str
    style: Style = "plain"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a message; `path` lies on this machine. An image is shown as a picture.

    alt: what a picture shows, for who does not see it.
    """

    name: str
    media_type: str
    path: str
    alt: str = ""


NOTE = "note"
"""Kind of a part that is a word of ours before the item, and none of its content."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an item's content. Its text is inert: no platform markup is ever read from it."""

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A command in the platform's menu: its name without the slash, and what it does."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Message:
    """A bubble. Any part may be empty. Nothing in it is markup.

    kind: "card" (an item to answer), "text", "form" (a step of a dialogue), "error", "file" or "picture".
    heading: the question or title, shown bold.
    parts: the item.
    text: paragraphs, separated by blank lines.
    footer: progress and hints, shown small.
    progress: share done from 0 to 1, for a bar.
    buttons: rows of buttons. The labels of a card come first, in order, and number keys follow that order.
    menu: the commands that the person has from now on, where they have changed; shown by platforms with a menu.
    """

    kind: str = "text"
    heading: str = ""
    parts: tuple[Part, ...] = ()
    text: str = ""
    footer: str = ""
    progress: float | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    attachment: Attachment | None = None
    menu: tuple[MenuEntry, ...] | None = None

    def plain(self) -> str:
        """Everything readable in it, as one text: for transcripts and for platforms without structure."""
        pieces = [self.heading, *(part.text for part in self.parts), self.text, self.footer]
        return "\n\n".join(piece for piece in pieces if piece)


@dataclass(frozen=True, slots=True)
class Send:
    """A new message to the person who spoke."""

    message: Message


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the message whose button was tapped; where none was tapped, send a new one."""

    message: Message


@dataclass(frozen=True, slots=True)
class Toast:
    """A short notice at the tapped button, gone after a moment."""

    text: str


FieldKind = Literal["text", "lines", "choice", "file"]


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form. `options` of a choice are (value, text)."""

    name: str
    label: str
    kind: FieldKind = "text"
    value: str = ""
    hint: str = ""
    options: tuple[tuple[str, str], ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """Several questions at once, for platforms with modals; comes back as `Filled` with the same payload."""

    payload: str
    title: str
    submit: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """Open a form. `instead` is sent where the platform would not open it any more: its button asks again."""

    form: Form
    instead: Message


Reply = Send | Edit | Toast | Ask


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event. It is given only after the commit.

    refused: the error's code where the event was refused; the replies then say why in a sentence.
    problems: for a `Filled`, sentences by field name; the form then stays open.
    late: true where the commit took longer than the platform waits. Nothing is lost; `follow_up` gives the replies.
    """

    replies: tuple[Reply, ...] = ()
    refused: str | None = None
    problems: Mapping[str, str] = field(default_factory=dict)
    follow_up: Awaitable[Outcome] | None = field(default=None, compare=False)

    @property
    def late(self) -> bool:
        """Whether the commit is still awaited."""
        return self.follow_up is not None


Dispatch = Callable[[Event], Awaitable[Outcome]]
Sentence = Callable[[LightworkError, str], str]
"""The sentence of an error in a locale: the text catalogue, injected into surfaces, which know no texts."""

# --- the surface itself -----------------------------------------------------------------------------------------


class SurfaceError(Exception):
    """A message could not be sent. Base of the three reasons that delivery tells apart."""


class Blocked(SurfaceError):
    """The person has blocked the bot or the chat is gone: stop sending and give their leases back."""


class RetryLater(SurfaceError):
    """The platform is busy or away: the same message may be sent after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"retry after {seconds:g} s")
        self.seconds = seconds


class Rejected(SurfaceError):
    """The platform will never take this message."""


class Surface(Protocol):
    """A chat platform."""

    name: str

    async def run(self, dispatch: Dispatch) -> None:
        """Receive events and answer them until cancelled. Returns or raises only when it cannot go on."""

    async def send(self, address: str, message: Message, lane: Lane = Lane.NOTICE) -> MessageRef:
        """Send unasked. Raises `SurfaceError`."""

    async def edit(self, ref: MessageRef, message: Message) -> None:
        """Replace a message. "Not modified" is success. Raises `SurfaceError`."""


class Mailbox(Protocol):
    """Where a surface without a platform behind it (the web chat) keeps its messages. Injected by `bot.__main__`."""

    async def put(
        self, external_id: str, author: str, content: dict[str, Any], public_id: str | None = None
    ) -> dict[str, Any]:
        """Store a bubble, or replace the one with `public_id`, which keeps its author; returns it as `since` does."""

    async def since(self, external_id: str, revision: int, limit: int = 200) -> list[dict[str, Any]]:
        """Bubbles newer than `revision`, oldest first: {"id", "author", "revision", "content"}."""


class Offsets(Protocol):
    """Where a polling surface keeps how far it has confirmed. Injected by `bot.__main__`."""

    async def load(self) -> int:
        """The stored offset, 0 at first."""

    async def store(self, offset: int, fence: int = 0) -> bool:
        """Confirm everything before `offset`; false where somebody with a higher fence has stored one."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a platform takes a call of one kind: `per_second` on average, `burst` at once after a rest.

    name: which bucket, unique within the platform's token: "all", "chat:7", "chat.update". Never a secret.
    shared: many people wait for this one, so that low lanes leave a part of the burst to higher ones.
    """

    name: str
    per_second: float
    burst: float = 1.0
    shared: bool = False


class Limiter(Protocol):
    """Keeps the calls of all processes within a token's rates. Injected by `bot.__main__`, one for each token.

    It never fails for want of its store: then each process keeps to the rates for itself.
    """

    async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
        """Wait until every one of `rates` has room, by lane and then by age; the room is taken then."""

    async def close(self, rate: Rate, seconds: float) -> None:
        """The platform refused a call for so long: nobody is admitted to the bucket of `rate` before that."""


class Leadership(Protocol):
    """The right to do what only one process may, for example to poll a token. Injected by `bot.__main__`."""

    renew_seconds: float
    """How often the holder calls `take`."""

    async def take(self) -> int | None:
        """Take or keep it; the fence, which grows with each new holder, or nothing while another holds it."""

    async def give_back(self) -> None:
        """Let another process take it at once."""
