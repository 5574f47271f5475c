"""A little labeling chat behind a surface: cards, undo, skip, uploads, all in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.surface import (
    Attachment,
    Button,
    Command,
    Edit,
    Event,
    Filled,
    Left,
    MenuEntry,
    Message,
    Outcome,
    Part,
    Reply,
    Said,
    Send,
    Tapped,
    Toast,
    Uploaded,
)

MENU = (MenuEntry("next", "your next item"), MenuEntry("stats", "what you have done"))
LABELS = ("Positive", "Negative", "Neutral", "Not about the weather", "I can't tell")
ITEMS = (
    "Sunny all weekend here in Portland!\n\nI could get used to this @mention",
    "Ugh. Third day of freezing rain and the buses are not running.",
    "RT @mention: NWS has issued a wind advisory until 6 PM",
    "feeling a bit under the weather today",
    "Storm's over. Rainbow over the bay, kids are running outside again :)",
)


@dataclass
class LittleCrowd:
    """Dispatch of one person's chat. `answers` is the journal of what was acknowledged."""

    items: tuple[str, ...] = ITEMS
    answers: list[tuple[int, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    uploads: list[tuple[str, bytes, str]] = field(default_factory=list)
    attachment: Attachment | None = None
    at: int = 0

    async def __call__(self, event: Event) -> Outcome:
        """Answer one event."""
        self.events.append(event)
        match event:
            case Command(_, "start", "badbadbadbadbadb"):
                return Outcome(
                    (Send(Message(kind="error", text="This invite is used up. Ask for a new one.")),), "used"
                )
            case Command():
                return Outcome(tuple(self._command(event)))
            case Said(_, text):
                return Outcome((Send(Message(text=f"You said: {text}")),))
            case Tapped(_, payload):
                return Outcome(tuple(self._tap(payload)))
            case Filled() | Left():
                return Outcome()
            case Uploaded(_, name, path, caption):
                self.uploads.append((name, path.read_bytes(), caption))
                form = Message(
                    kind="form",
                    heading="Post this job?",
                    text=f"{name} has 5 rows.\n\nThe first: {self.items[0]}",
                    buttons=((Button("Post it", "post.1", "primary"), Button("Cancel", "cancel.1", "danger")),),
                )
                return Outcome((Send(form),))

    def _command(self, command: Command) -> list[Reply]:
        if command.name == "start":
            hello = f"Welcome, {command.person.name}!\n\nYou will see short texts. Say what each is about."
            return [Send(Message(text=hello, menu=MENU)), Send(self.card())]
        if command.name == "export":
            return [Send(Message(kind="file", text="Your labels.", attachment=self.attachment))]
        if command.name == "next":
            return [Send(self.card())]
        return [Send(Message(text=f"Answered so far: {len(self.answers)}."))]

    def _tap(self, payload: str) -> list[Reply]:
        verb, _, rest = payload.partition(".")
        if verb == "undo" and self.answers:
            self.at, _label = self.answers.pop()
            return [Edit(self.card()), Toast("Taken back.")]
        if verb == "skip":
            self.at += 1
            return [Edit(self.card())]
        number, _, label = rest.partition(".")
        if verb != "answer" or int(number) != self.at:
            return [Toast("This one is already answered.")]
        self.answers.append((self.at, LABELS[int(label)]))
        self.at += 1
        return [Edit(self.card())]

    def card(self) -> Message:
        """The item that is asked now."""
        done = len(self.answers)
        quiet = [Button("Skip", f"skip.{self.at}", "quiet")]
        if self.answers:
            quiet.append(Button("Undo", f"undo.{self.at}", "quiet"))
        labels = [Button(label, f"answer.{self.at}.{number}") for number, label in enumerate(LABELS)]
        return Message(
            kind="card",
            heading="What does this tweet say about the weather?",
            parts=(Part("text", self.items[self.at % len(self.items)]),),
            footer=f"{done} answered · {len(self.items)} in this job",
            progress=done / len(self.items),
            buttons=((labels[0], labels[1]), *((label,) for label in labels[2:]), tuple(quiet)),
        )
