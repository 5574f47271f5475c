"""The demo's coordinator finds an answer behind messages that come by themselves."""

from __future__ import annotations

import pytest

from bot.texts import say
from demo.chat import Answer, Bubble, Button
from demo.coordinator import Coordinator
from demo.data import Tweet
from demo.errors import DemoError

TWEETS = (Tweet("1", "Sunny"),)
NEWS = "“Weather” is done: 40 of 40 items are decided."


def bubble(text: str, *buttons: Button, item: str = "") -> Bubble:
    return Bubble("1", "bot", "card" if item else "text", item, text, buttons, None)


FORM = bubble("1 row.", Button(say("button_add", "en", name="Weather"), "add"))
APPENDED = bubble(say("appended", "en", rows=1, name="Weather"))
LOADED = bubble(say("import_done", "en", project="Weather", count=1, lines=""))
LATER = Button(say("button_later", "en"), "later")
NONE = bubble(say("settle_none", "en"))


class Scripted:
    """A chat in which the answers are known beforehand; what comes by itself is handed out as news."""

    retries = 0

    def __init__(self, answers: list[tuple[Bubble, ...]], news: list[tuple[Bubble, ...]]) -> None:
        self._answers = answers
        self._news = news
        self.pressed: list[str] = []

    def _next(self) -> Answer:
        return Answer(self._answers.pop(0), 1, None, acknowledged=True)

    async def join(self, code: str, name: str) -> Answer:
        raise NotImplementedError

    async def download(self, address: str) -> bytes:
        raise NotImplementedError

    async def tap(self, bubble: Bubble, button: Button) -> Answer:
        self.pressed.append(button.payload)
        return self._next()

    async def say(self, text: str, *, again: bool = False) -> Answer:
        return self._next()

    async def upload(self, name: str, content: bytes, caption: str = "") -> Answer:
        return self._next()

    async def news(self, after: int, seconds: float = 1.0) -> tuple[list[Bubble], int]:
        return (list(self._news.pop(0)) if self._news else []), after + 1


def coordinator(chat: Scripted) -> Coordinator:
    return Coordinator(chat, lambda _who, _what: None)


async def test_a_message_before_the_form_is_not_taken_for_it() -> None:
    chat = Scripted([(bubble(NEWS),), (APPENDED,)], [(FORM,), (LOADED,)])
    await coordinator(chat).add("more.csv", TWEETS)
    assert chat.pressed == ["add"]


async def test_a_message_after_the_form_is_not_taken_for_it() -> None:
    chat = Scripted([(FORM, bubble(NEWS)), (APPENDED,)], [(LOADED,)])
    await coordinator(chat).add("more.csv", TWEETS)
    assert chat.pressed == ["add"]


async def test_a_bot_that_offers_no_job_to_add_to_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo.coordinator.ANSWER_SECONDS", 0.01)
    with pytest.raises(DemoError, match="does not offer to add"):
        await coordinator(Scripted([(bubble("1 row."),)], [])).add("more.csv", TWEETS)


async def test_settling_goes_on_behind_a_message_that_comes_by_itself() -> None:
    first = bubble("Sunny", Button("Positive", "a1"), LATER, item="Sunny")
    second = bubble("Rain", Button("Positive", "b1"), LATER, item="Rain")
    chat = Scripted([(first,), (bubble(NEWS),), (NONE,)], [(second,)])
    assert await coordinator(chat).settle({"Sunny": "Positive"}) == (1, 1)
    assert chat.pressed == ["a1", "later"]
