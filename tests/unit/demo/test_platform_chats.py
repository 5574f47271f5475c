"""People of the demo on Telegram and Slack: what they take for an answer, a refusal, a card."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
import pytest

from bot.surface import Button as SurfaceButton
from bot.surface import Message, Part
from bot.surfaces.slack_render import blocks, fallback
from bot.surfaces.telegram_render import render
from bot.texts import say
from demo import slack_chat, telegram_chat
from demo.chat import Answer, Bubble
from demo.errors import DemoError
from demo.inbox import Inbox
from demo.run import main
from demo.slack_chat import SlackChat
from demo.telegram_chat import TelegramChat

TWEET = "Sunny & warm <3 #sun"
CARD = Message(
    kind="card",
    heading="What does it say?",
    parts=(Part("text", TWEET),),
    text="1. Positive\n2. Neutral / author is just sharing information",
    footer="0 of 60 items done",
    progress=0.0,
    buttons=(
        (SurfaceButton("1 · Positive", "a1"),),
        (SurfaceButton("2 · Neutral / author is…", "a2"),),
        (SurfaceButton(say("button_hard", "en"), "hard"),),
    ),
)
NEXT = replace(CARD, parts=(Part("text", "Rain again"),))
OFFER = Message(text="There is work", buttons=((SurfaceButton(say("button_start", "en"), "next"),),))
SECONDS = 0.05


def on_telegram(message: Message, message_id: int = 7) -> dict[str, Any]:
    shown = render(message)
    keyboard = {"reply_markup": shown.keyboard.to_dict()} if shown.keyboard else {}
    entities = [entity.to_dict() for entity in shown.entities]
    return {"message_id": message_id, "text": shown.text, "entities": entities, **keyboard}


def on_slack(message: Message, notice: str = "", ts: str = "7") -> dict[str, Any]:
    return {"ts": ts, "text": fallback(message), "blocks": blocks(message, notice)}


class Telegram:
    """Takes a tap and does what the test has set."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.inbox = Inbox()
        self.then: Callable[[], None] = lambda: None

    async def forge(self, _user: int, _message: int, _data: str) -> dict[str, Any]:
        asyncio.get_running_loop().call_soon(self.then)
        return {"callback_query": {"id": "q1"}}

    async def tap(self) -> Answer:
        chat = TelegramChat(self, 1, self.inbox, patience=SECONDS)
        bubble = telegram_chat.bubble_of(on_telegram(CARD))
        return await chat.tap(bubble, bubble.buttons[0])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a message that does not move."""
    monkeypatch.setattr(telegram_chat, "STILL_SECONDS", 0.01)


@pytest.mark.parametrize(
    "bubble", [telegram_chat.bubble_of(on_telegram(CARD)), slack_chat.bubble_of(on_slack(CARD, "✓ Positive"))]
)
def test_a_card_is_read_as_a_person_reads_it(bubble: Bubble) -> None:
    assert (bubble.kind, bubble.item, bubble.id) == ("card", TWEET, "7")
    neutral = bubble.answering("Neutral / author is just sharing information")
    assert neutral is not None
    assert neutral.payload == "a2"
    assert bubble.answering("Negative") is None


def test_commands_are_read_in_slack_as_the_catalogue_has_them() -> None:
    bubble = slack_chat.bubble_of(on_slack(Message(text="Send /lightwork next, please.")))
    assert (bubble.kind, bubble.text) == ("text", "Send /next, please.")


async def test_a_changed_message_acknowledges_a_tap() -> None:
    telegram = Telegram()
    telegram.then = lambda: telegram.inbox.take(telegram_chat.bubble_of(on_telegram(NEXT)))
    answer = await telegram.tap()
    assert (answer.acknowledged, len(answer.bubbles), answer.revision) == (True, 1, 1)


async def test_a_notice_that_an_answer_is_saved_is_enough_where_the_next_card_is_lost() -> None:
    telegram = Telegram()
    telegram.then = lambda: telegram.inbox.notice("q1", say("answered", "en", label="Positive"))
    answer = await telegram.tap()
    assert (answer.acknowledged, answer.bubbles) == (True, ())


@pytest.mark.parametrize(("code", "refused"), [("already_submitted", None), ("unexpected", "unexpected")])
async def test_another_notice_is_a_refusal(code: str, refused: str | None) -> None:
    telegram = Telegram()
    telegram.then = lambda: telegram.inbox.notice("q1", say(code, "en"))
    answer = await telegram.tap()
    assert not answer.acknowledged
    assert answer.refused == (refused or say(code, "en"))


async def test_one_moment_is_no_answer_yet() -> None:
    telegram = Telegram()

    def late() -> None:
        telegram.inbox.notice("q1", say("one_moment", "en"))
        telegram.inbox.take(telegram_chat.bubble_of(on_telegram(OFFER, 8)))
        asyncio.get_running_loop().call_soon(telegram.inbox.take, telegram_chat.bubble_of(on_telegram(NEXT)))

    telegram.then = late
    answer = await telegram.tap()
    assert answer.acknowledged
    assert [bubble.item for bubble in answer.bubbles] == ["", "Rain again"]


async def test_a_refusal_after_one_moment_comes_as_a_message() -> None:
    telegram = Telegram()

    def late() -> None:
        telegram.inbox.notice("q1", say("one_moment", "en"))
        sorry = Message(kind="error", text=say("database_away", "en"))
        telegram.inbox.take(telegram_chat.bubble_of(on_telegram(sorry, 8)))

    telegram.then = late
    answer = await telegram.tap()
    assert (answer.acknowledged, answer.refused) == (False, "database_away")


async def test_a_message_that_stays_as_it_is_ends_the_wait() -> None:
    telegram = Telegram()
    telegram.then = lambda: telegram.inbox.notice("q1", "")
    answer = await telegram.tap()
    assert (answer.acknowledged, answer.bubbles) == (True, ())


async def test_a_bot_that_says_nothing_ends_it() -> None:
    with pytest.raises(DemoError, match="does not answer"):
        await Telegram().tap()


class Slack:
    """A workspace where something comes of every tap: for each member `then` is called with their inbox."""

    def __init__(self, then: Callable[[Inbox], None]) -> None:
        self.inboxes: dict[str, Inbox] = {}
        self._then = then

    async def tap(self) -> tuple[Answer, Answer]:
        """Somebody joins, and taps the first label of a card; what came of either."""
        chat = SlackChat(self, self.inboxes, patience=SECONDS)
        joined = await chat.join("https://t.me/bot?start=abcdefghijklmnop", "w00001")
        bubble = slack_chat.bubble_of(on_slack(CARD))
        return joined, await chat.tap(bubble, bubble.buttons[0])

    def join(self, _user: str, **_profile: str) -> None:
        """Everybody may come in."""

    async def command(self, user: str, line: str, channel: str) -> None:
        self.inboxes[user].take(slack_chat.bubble_of(on_slack(Message(text=f"{line} {channel}"))))

    async def forge(self, user: str, _ts: str, _value: str) -> None:
        self._then(self.inboxes[user])


async def test_in_slack_a_whisper_is_a_refusal_and_a_command_has_its_own_name() -> None:
    joined, tapped = await Slack(lambda inbox: inbox.notice("", "Too late.")).tap()
    last = joined.last()
    assert last is not None
    assert last.text == "/join abcdefghijklmnop DW00001"
    assert (tapped.acknowledged, tapped.refused) == (False, "Too late.")


async def test_in_slack_nothing_but_a_change_of_the_card_acknowledges_a_tap() -> None:
    def come(inbox: Inbox) -> None:
        for late in (on_slack(OFFER, ts="8"), on_slack(CARD)):
            inbox.take(slack_chat.bubble_of(late))
        asyncio.get_running_loop().call_soon(inbox.take, slack_chat.bubble_of(on_slack(NEXT)))

    _, tapped = await Slack(come).tap()
    assert tapped.acknowledged
    assert [bubble.item for bubble in tapped.bubbles] == ["", TWEET, "Rain again"]


async def test_in_slack_an_offer_between_a_tap_and_its_refusal_acknowledges_nothing() -> None:
    def come(inbox: Inbox) -> None:
        inbox.take(slack_chat.bubble_of(on_slack(OFFER, ts="8")))
        asyncio.get_running_loop().call_soon(inbox.notice, "", "Too late.")

    _, tapped = await Slack(come).tap()
    assert (tapped.acknowledged, tapped.refused) == (False, "Too late.")


def test_nobody_is_asked_to_look_around_where_they_cannot_come_in() -> None:
    with pytest.raises(click.UsageError, match="web chat"):
        main(["--surface", "telegram", "--keep"])
