"""The calls that we put together ourselves say what the library's own would, and take no nonsense for an answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from telegram import Bot, LinkPreviewOptions
from telegram.error import BadRequest, TelegramError
from telegram.request import BaseRequest, RequestData

from bot.surface import Button, Message, MessageRef, Part
from bot.surfaces.telegram_calls import ALLOWED_UPDATES, Calls
from bot.surfaces.telegram_render import Rendered, render
from bot.surfaces.telegram_turns import Turn

MESSAGE = {"message_id": 3, "date": 1, "chat": {"id": 5, "type": "private"}}
CARD = Message(
    heading="What is it? 🌧",
    parts=(Part("text", "See example.org"),),
    buttons=((Button("Rain", "tap.1"), Button("Sun", "tap.2")), (Button("Skip", "skip"),)),
)
MESSAGES = (CARD, Message(text="Nothing bold"), Message(heading="Only bold"))


class Recorder(BaseRequest):
    """Sends nothing, remembers what it was to send, and answers what it was told to."""

    def __init__(self, result: Any = True, status: int = 200) -> None:
        self.said: list[tuple[str, dict[str, Any], object]] = []
        self.status = status
        self.answer: dict[str, Any] = {"ok": True, "result": result}

    @property
    def read_timeout(self) -> float:
        return 10.0

    async def initialize(self) -> None:
        """Nothing."""

    async def shutdown(self) -> None:
        """Nothing."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = None,
        *args: Any,
        **_: Any,
    ) -> tuple[int, bytes]:
        assert request_data is not None
        waits = read_timeout if url.endswith("getUpdates") else None
        said = json.loads(json.dumps(request_data.parameters))
        self.said.append((f"{method} {url}", {name: value for name, value in said.items() if value != []}, waits))
        return self.status, json.dumps(self.answer).encode()


def bot_of(recorder: Recorder) -> Bot:
    return Bot("123456789:" + "A" * 35, request=recorder, get_updates_request=recorder)


def no_preview(shown: Rendered) -> LinkPreviewOptions | None:
    return LinkPreviewOptions(is_disabled=True) if "." in shown.text else None


@pytest.mark.parametrize("message", MESSAGES)
async def test_a_text_is_sent_and_edited_as_the_library_would(message: Message) -> None:
    recorder, shown = Recorder(MESSAGE), render(message)
    bot, calls = bot_of(recorder), Calls(bot_of(recorder))
    assert await calls.send_text("5", shown) == MessageRef("5", "3")
    await calls.edit_text(MessageRef("5", "3"), shown)
    content: dict[str, Any] = {
        "reply_markup": shown.keyboard,
        "entities": shown.entities,
        "link_preview_options": no_preview(shown),
    }
    await bot.send_message("5", shown.text, **content)
    await bot.edit_message_text(shown.text, chat_id="5", message_id=3, **content)
    assert recorder.said[:2] == recorder.said[2:]


@pytest.mark.parametrize("text", ["Saved", ""])
async def test_a_tap_is_answered_as_the_library_would(text: str) -> None:
    recorder = Recorder()
    bot = bot_of(recorder)
    await Calls(bot).answer("99", text)
    await bot.answer_callback_query("99", text or None)
    assert recorder.said[0] == recorder.said[1]


@pytest.mark.parametrize("offset", [0, 7])
async def test_updates_are_asked_for_as_the_library_would(offset: int) -> None:
    recorder = Recorder([])
    bot = bot_of(recorder)
    assert await Calls(bot).updates(offset, 25) == []
    await bot.get_updates(offset or None, timeout=25, allowed_updates=ALLOWED_UPDATES)
    ours, theirs = recorder.said
    assert theirs[1].pop("limit", 100) == 100
    assert ours == theirs
    assert ours[2] == 35.0


async def test_taps_among_the_updates_are_turns_at_once() -> None:
    person, chat = {"id": 5, "is_bot": False, "first_name": "Ann"}, {"id": 5, "type": "private"}
    query = {"id": "9", "from": person, "chat_instance": "1", "data": "a", "message": {**MESSAGE, "chat": chat}}
    said = {**MESSAGE, "from": person, "text": "hello"}
    found = await Calls(
        bot_of(Recorder([{"update_id": 1, "callback_query": query}, {"update_id": 2, "message": said}]))
    ).updates(0, 1)
    assert [(isinstance(one, Turn), one.update_id) for one in found] == [(True, 1), (False, 2)]


@pytest.mark.parametrize("result", [True, {}, {"message_id": "3"}, {"message_id": True}, [], None])
async def test_an_answer_without_a_message_is_an_error_of_telegram(result: Any) -> None:
    with pytest.raises(TelegramError, match="no message"):
        await Calls(bot_of(Recorder(result))).send_text("5", render(CARD))


@pytest.mark.parametrize("result", [True, {}, None, "updates"])
async def test_an_answer_without_a_list_of_updates_is_an_error_of_telegram(result: Any) -> None:
    with pytest.raises(TelegramError, match="no list"):
        await Calls(bot_of(Recorder(result))).updates(0, 1)


async def test_a_refusal_is_the_librarys() -> None:
    recorder = Recorder(status=400)
    recorder.answer = {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}
    with pytest.raises(BadRequest, match="Chat not found"):
        await Calls(bot_of(recorder)).send_text("5", render(CARD))
