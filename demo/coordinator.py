"""The coordinator: posts, invites, settles, trains and exports through a chat, as a person would."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from demo.chat import Answer, Bubble, Chat
from demo.data import Tweet, as_csv
from demo.errors import DemoError
from demo.sentences import is_button, read

ANSWER_SECONDS = 15.0
"""So long an answer is looked for behind messages that come by themselves."""

Said = Callable[[str, str], None]
"""Called with who (you, bot) and what, for the audience."""


class Coordinator:
    """One person in the owner's chat. Messages that arrive by themselves are kept until somebody waits for them."""

    def __init__(self, chat: Chat, said: Said) -> None:
        self._chat = chat
        self._said = said
        self._revision = 0
        self._unheard: list[Bubble] = []

    async def join(self, link: str) -> None:
        """Become the owner by the link that `lightwork up` printed."""
        await self._chat.join(link, "Coordinator")

    async def post(self, name: str, tweets: Sequence[Tweet], caption: str) -> str:
        """Post a job with a file and a caption; returns the job's id once workers can see its items."""
        self._said("you", f"{name} with the caption {caption}")
        answer = await self._chat.upload(name, as_csv(tweets), caption)
        values = await self._expect(answer, "posted")
        await self._loaded()
        return values["project"]

    async def add(self, name: str, tweets: Sequence[Tweet]) -> None:
        """Add a file to the open job by the buttons of the form; returns once it is loaded."""
        self._said("you", name)
        form = await self._find(await self._chat.upload(name, as_csv(tweets)), _offers_to_add)
        button = None if form is None else form.named("button_add")
        if form is None or button is None:
            raise DemoError("The form does not offer to add the file to the open job.")
        self._said("you", f"[{button.text}]")
        await self._expect(await self._chat.tap(form, button), "appended")
        await self._loaded()

    async def invite(self, people: int, role: str = "worker") -> str:
        """A link by which so many people can join."""
        return (await self._expect(await self._command(f"/invite {role} {people}"), "invite"))["link"]

    async def settle(self, gold: Mapping[str, str]) -> tuple[int, int]:
        """One round through what is disputed: tap the gold label where it is known, else Later.

        Returns:
            How many were settled, and how many were left.
        """
        card = await self._find(await self._command("/settle"), _card_or_none)
        seen: set[str] = set()
        settled = 0
        while card is not None and card.kind == "card" and card.item not in seen:
            seen.add(card.item)
            right = gold.get(card.item)
            button = None if right is None else card.answering(right)
            settled += button is not None
            later = next(one for one in card.buttons if is_button("button_later", one.text))
            answer = await self._chat.tap(card, button or later)
            if not answer.acknowledged:
                raise DemoError(f"A dispute could not be settled: {answer.refused}.")
            card = await self._find(answer, _card_or_none) if answer.bubbles else None
        return settled, len(seen) - settled

    async def train(self) -> str | None:
        """`/train`; returns the bot's sentence where it is refused."""
        answer = await self._command("/train")
        started = ("train_started", "train_running")
        bubble = await self._find(answer, lambda bubble: any(read(code, bubble.text) is not None for code in started))
        last = answer.last()
        return None if bubble else last.text if last else str(answer.refused)

    async def export(self, kind: str, file_format: str, path: Path) -> int:
        """Ask for an export and save the file that comes; returns the number of its rows."""
        await self._expect(await self._command(f"/export {kind} {file_format}"), "export_started")
        bubble, values = await self.hear("export_ready", 60)
        if bubble.file is None:
            raise DemoError("The export came without a file.")
        path.write_bytes(await self._chat.download(bubble.file[1]))
        return int(values["rows"])

    async def hear(self, code: str, seconds: float, failure: str = "") -> tuple[Bubble, dict[str, str]]:
        """Wait for the message `code` of the catalogue; each message is heard once.

        Args:
            failure: the message that comes instead when it goes wrong.

        Raises:
            DemoError: it went wrong, or nothing came within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while True:
            for bubble in self._unheard:
                if failure and read(failure, bubble.text) is not None:
                    raise DemoError(bubble.text)
                if (values := read(code, bubble.text)) is not None:
                    self._unheard.remove(bubble)
                    self._said("bot", bubble.text)
                    return bubble, values
            left = deadline - time.monotonic()
            if left <= 0:
                raise DemoError(f"The message “{code}” did not come within {seconds:.0f} seconds.")
            new, self._revision = await self._chat.news(self._revision, min(left, 10.0))
            self._unheard += [bubble for bubble in new if bubble.author == "bot"]

    async def _loaded(self) -> None:
        await self.hear("import_done", 60, failure="import_failed")

    async def _command(self, text: str) -> Answer:
        self._said("you", text)
        return await self._chat.say(text)

    async def _find(self, answer: Answer, wanted: Callable[[Bubble], bool]) -> Bubble | None:
        """The wanted bubble; where something came by itself in between, it is the next one."""
        bubbles, revision = list(answer.bubbles), answer.revision
        deadline = time.monotonic() + ANSWER_SECONDS
        while (found := next(filter(wanted, bubbles), None)) is None:
            left = deadline - time.monotonic()
            if left <= 0 or not answer.acknowledged:
                return None
            bubbles, revision = await self._chat.news(revision, left)
        return found

    async def _expect(self, answer: Answer, code: str) -> dict[str, str]:
        bubble = await self._find(answer, lambda bubble: read(code, bubble.text) is not None)
        values = None if bubble is None else read(code, bubble.text)
        if bubble is None or values is None:
            last = answer.last()
            raise DemoError(f"The bot did not say “{code}” but: {last.text if last else 'nothing'}")
        self._said("bot", bubble.text)
        return values


def _card_or_none(bubble: Bubble) -> bool:
    return bubble.kind == "card" or read("settle_none", bubble.text) is not None


def _offers_to_add(bubble: Bubble) -> bool:
    return bubble.named("button_add") is not None
