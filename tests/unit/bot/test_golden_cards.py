"""Every card, on every platform, in every language, exactly as it is sent: compared with files that people can read.

After a change that is wanted, `LIGHTWORK_GOLDEN=1` writes the files anew; their difference shows what people will see.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.assembly import sentence
from bot.cards import RENDERERS, render
from bot.routes import COMMANDS, STRANGERS
from bot.surface import Message, Rate
from bot.surfaces import telegram_render
from bot.surfaces.slack_client import SlackClient
from bot.surfaces.slack_forms import view_of
from bot.surfaces.slack_words import Words
from bot.surfaces.web_content import message_to_json
from bot.texts.catalogues import LANGUAGES
from bot.texts.units import length
from core.lanes import Lane
from tests.fakes.slack_blocks import check_blocks, check_view
from tests.unit.bot import card_samples, sentence_samples

GOLDEN = Path(__file__).parent / "golden"
WRITING = bool(os.environ.get("LIGHTWORK_GOLDEN"))
SPOKEN = frozenset({*COMMANDS, *STRANGERS})
COMMAND = re.compile(r"/[a-z]+(?: [A-Za-z0-9-]+)*|https?://\S+")
ENGLISH = re.compile(r"[A-Za-z][A-Za-z'’-]*(?:[ ,]+[A-Za-z][A-Za-z'’-]*){2,}")
FAULTS = ("Traceback", "Error(", "{", "}", "None", "<bot.", "[]")

Shown = dict[str, Any]


class NoLimits:
    """There is always room."""

    async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
        """At once."""

    async def close(self, rate: Rate, seconds: float) -> None:
        """Nothing is refused."""


class SlackCalls(AsyncWebClient):
    """Keeps what would be sent to Slack."""

    def __init__(self) -> None:
        super().__init__("xoxb-1")
        self.sent: Shown = {}

    async def api_call(self, api_method: str, **call: Any) -> Any:
        """Instead of a request."""
        self.sent[api_method] = {name: value for name, value in call["json"].items() if value is not None}
        return {"ts": "1.0"}

    async def files_upload_v2(self, *, file: str, **call: Any) -> Any:  # type: ignore[override]
        """Instead of three requests; where the file lies is nobody's business."""
        self.sent["files_upload_v2"] = call


class Slack(SlackClient):
    """The client with nobody at the other end."""

    def __init__(self) -> None:
        super().__init__("xoxb-1", (), "http://localhost", NoLimits(), SPOKEN)
        self.calls = SlackCalls()

    @property
    def web(self) -> AsyncWebClient:
        """What keeps the calls."""
        return self.calls


def on_telegram(message: Message) -> Shown:
    """What Telegram is sent: text, entities, buttons, and the name of a file."""
    shown = telegram_render.render(message)
    made: Shown = {"text": shown.text, "entities": [entity.to_dict() for entity in shown.entities]}
    made["keyboard"] = shown.keyboard.to_dict()["inline_keyboard"] if shown.keyboard else []
    return made | ({"file": message.attachment.name} if message.attachment else {})


def on_slack(message: Message) -> Shown:
    """What Slack is sent, call by call."""
    client = Slack()
    asyncio.run(client.post("D1", message, Lane.REPLY))
    return client.calls.sent


def on_web(message: Message) -> Shown:
    """What the web chat keeps."""
    return message_to_json(message)


def whispered(text: str) -> Shown:
    """A notice beside a message of Slack."""
    client = Slack()
    asyncio.run(client.whisper("D1", "U1", text))
    return client.calls.sent


PLATFORMS: dict[str, tuple[Callable[[Message], Shown], Callable[[str], Shown]]] = {
    "telegram": (on_telegram, lambda text: {"answer": telegram_render.toast(text)}),
    "slack": (on_slack, whispered),
    "web": (on_web, lambda text: {"toast": text}),
}
PLACES = [(platform, locale) for platform in PLATFORMS for locale in sorted(LANGUAGES)]
EVERYWHERE = pytest.mark.parametrize(("platform", "locale"), PLACES)


@cache
def rendered(platform: str, locale: str) -> dict[str, Shown]:
    """By name of the file, then by name of the sample."""
    shown, noticed = PLATFORMS[platform]
    files = {
        snake(kind.__name__): {name: shown(render(view, locale)) for name, view in views.items()}
        for kind, views in card_samples.cards(locale).items()
    }
    refusals, toasts = sentence_samples.refusals(locale), sentence_samples.toasts(locale)
    files["refusal"] = {code: shown(Message(kind="error", text=text)) for code, text in refusals.items()}
    files["toast"] = {code: noticed(text) for code, text in toasts.items()}
    if platform == "slack":
        words = Words(sentence, SPOKEN)
        files["form"] = {name: view_of(form, words) for name, form in sentence_samples.forms(locale).items()}
    return files


def snake(name: str) -> str:
    """ItemCard as item_card."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def texts(shown: object) -> Iterator[str]:
    """Every text in it, also those that only a machine reads."""
    if isinstance(shown, str):
        yield shown
    elif isinstance(shown, dict):
        for value in shown.values():
            yield from texts(value)
    elif isinstance(shown, (list, tuple)):
        for value in shown:
            yield from texts(value)


@pytest.fixture(autouse=True)
def _files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of samples lie nowhere; that they are there is not what is tested here."""
    monkeypatch.setattr(Path, "is_file", lambda path: True)


@pytest.mark.parametrize("locale", sorted(LANGUAGES))
def test_no_kind_of_card_is_without_a_sample(locale: str) -> None:
    assert set(card_samples.cards(locale)) == set(RENDERERS)


@EVERYWHERE
def test_every_card_is_sent_as_its_golden_file_shows(platform: str, locale: str) -> None:
    folder = GOLDEN / platform / locale
    made = {f"{name}.json": written(shown) for name, shown in rendered(platform, locale).items()}
    if WRITING:
        folder.mkdir(parents=True, exist_ok=True)
        for old in set(folder.glob("*.json")) - {folder / name for name in made}:
            old.unlink()
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8")
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    assert sorted(kept) == sorted(made), "LIGHTWORK_GOLDEN=1 writes the files anew"
    for name, text in made.items():
        assert json.loads(text) == json.loads(kept[name]), f"{platform}/{locale}/{name}"
        assert text == kept[name]


def written(shown: Shown) -> str:
    """One value a line, so that a change shows as the line that it changes."""
    return json.dumps(shown, ensure_ascii=False, indent=1) + "\n"


@EVERYWHERE
def test_nothing_that_people_read_is_half_made(platform: str, locale: str) -> None:
    for text in texts(rendered(platform, locale)):
        assert not [fault for fault in FAULTS if fault in text], text
        assert text == text.strip() or platform == "web", text


@pytest.mark.parametrize("platform", PLATFORMS)
def test_chinese_speaks_chinese(platform: str) -> None:
    left = [text for text in texts(rendered(platform, "zh")) if ENGLISH.search(COMMAND.sub("", text))]
    assert left == []


@pytest.mark.parametrize("locale", sorted(LANGUAGES))
def test_telegram_takes_all_of_it(locale: str) -> None:
    files = rendered("telegram", locale)
    for shown in (one for name, file in files.items() if name != "toast" for one in file.values()):
        assert 1 <= length(shown["text"]) <= telegram_render.TEXT_LIMIT
        assert sum(len(row) for row in shown["keyboard"]) <= telegram_render.MAX_BUTTONS
        for button in (button for row in shown["keyboard"] for button in row):
            assert 1 <= len(button["callback_data"].encode()) <= telegram_render.PAYLOAD_BYTES
            assert len(row_text := button["text"]) <= telegram_render.BUTTON_TEXT, row_text
    for code, toast in files["toast"].items():
        assert length(toast["answer"]) <= telegram_render.TOAST_LIMIT, code


@pytest.mark.parametrize("locale", sorted(LANGUAGES))
def test_slack_takes_all_of_it(locale: str) -> None:
    files = rendered("slack", locale)
    for name, file in files.items():
        for sample, shown in file.items():
            if name == "form":
                check_view(shown)
                continue
            assert shown, sample
            for call in (call for method, call in shown.items() if method.startswith("chat.")):
                check_blocks(call["blocks"])
                assert 1 <= length(call["text"]) <= 3000
