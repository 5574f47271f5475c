"""Menus by role and language, pictures, and people who block the bot."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.assembly import strangers_menu
from bot.surface import Attachment, Button, Edit, Left, MenuEntry, Message, Outcome, Send
from bot.surfaces.telegram import TelegramSurface
from bot.surfaces.telegram_menus import commands_of
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.surfaces import Memory, card, running
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import ANN, make

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
MENU = (MenuEntry("next", "your next item"), MenuEntry("stats", "what you have done"))


def named(menu: list[dict[str, str]]) -> list[str]:
    return [entry["command"] for entry in menu]


async def test_strangers_see_start_and_help_in_their_language(
    server: TelegramServer, offsets: Memory, tmp_path: Path
) -> None:
    menus = {"": strangers_menu("en"), "zh": strangers_menu("zh")}
    async with running(make(server, offsets, tmp_path, menus=menus), ScriptedDispatch()):
        await server.until(lambda: len(server.menus) == 2)
    assert named(server.menus["default", ""]) == named(server.menus["default", "zh"]) == ["start", "help"]
    assert server.menus["default", ""] != server.menus["default", "zh"]


async def test_a_menu_is_set_once_for_each_change_and_taken_away_with_an_empty_one(
    server: TelegramServer, surface: TelegramSurface
) -> None:
    dispatch = ScriptedDispatch(
        *(Outcome((Send(Message(text=str(number), menu=MENU)),)) for number in range(2)),
        Outcome((Send(Message(text="expert", menu=(*MENU, MenuEntry("settle", "disputed items")))),)),
        Outcome((Send(Message(text="nothing new")),)),
        Outcome((Send(Message(text="bye", menu=())),)),
    )
    seen = []
    async with running(surface, dispatch):
        for number in range(5):
            await server.say(ANN, "/next")
            await server.until(lambda count=number + 1: len(server.inbox(ANN)) == count)  # type: ignore[misc]
            await server.until(lambda: server.queue == [])
            seen.append(named(server.menus.get((str(ANN), ""), [])))
        await server.until(lambda: len(server.made("deleteMyCommands")) == 1)
    assert len(server.made("setMyCommands")) == 2
    assert server.menus == {}
    assert ["next", "stats", "settle"] in seen


async def test_a_menu_that_cannot_be_set_costs_nothing_but_a_line_in_the_log(
    server: TelegramServer, surface: TelegramSurface
) -> None:
    server.fail_next("setMyCommands", 400, "Bad Request: BOT_COMMAND_INVALID")
    dispatch = ScriptedDispatch(*(Outcome((Send(Message(text=text, menu=MENU)),)) for text in ("one", "two")))
    with capture_logs() as logs:
        async with running(surface, dispatch):
            await server.say(ANN, "/start")
            await server.until(lambda: len(server.made("setMyCommands", 400)) == 1)
            await server.say(ANN, "/start")
            await server.until(lambda: len(server.made("setMyCommands")) == 1)
    assert [message["text"] for message in server.inbox(ANN)] == ["one", "two"]
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["telegram.menu_lost"]


def test_entries_that_telegram_would_refuse_are_left_out_or_cut() -> None:
    entries = (
        MenuEntry("ok_1", "x" * 300),
        MenuEntry("Not-OK", "why"),
        MenuEntry("a" * 33, "too long"),
        MenuEntry("empty", "  "),
        *(MenuEntry(f"many_{number}", "one more") for number in range(120)),
    )
    commands = commands_of(entries)
    assert len(commands) == 100
    assert commands[0].command == "ok_1"
    assert len(commands[0].description) == 256
    assert commands[1].command == "many_0"


def picture(directory: Path, content: bytes = PNG, media_type: str = "image/png") -> Attachment:
    (directory / "progress.png").write_bytes(content)
    return Attachment("progress.png", media_type, str(directory / "progress.png"))


async def test_a_picture_is_shown_with_its_caption_and_buttons(
    server: TelegramServer, surface: TelegramSurface, tmp_path: Path
) -> None:
    await server.say(ANN, "hi")
    buttons = ((Button("More", "more.a.1.0"),),)
    await surface.send(
        str(ANN), Message(kind="picture", text="Half done", attachment=picture(tmp_path), buttons=buttons)
    )
    await surface.send(str(ANN), Message(kind="picture", text="long " * 300, attachment=picture(tmp_path)))
    await surface.send(str(ANN), Message(kind="picture", attachment=picture(tmp_path)))
    captioned, bare, text, silent = server.inbox(ANN)
    assert server.files[captioned["photo"][0]["file_id"]].content == PNG
    assert captioned["caption"] == "Half done"
    assert captioned["reply_markup"]["inline_keyboard"][0][0]["text"] == "More"
    assert bare["caption"] == ""
    assert text["text"] == ("long " * 300).strip()
    assert silent["caption"] == ""


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(b"no picture at all", "image/png"), (PNG, "image/svg+xml"), (PNG + bytes(10_000_000), "image/png")],
)
async def test_what_telegram_cannot_show_goes_as_a_file(
    server: TelegramServer, surface: TelegramSurface, tmp_path: Path, content: bytes, media_type: str
) -> None:
    await server.say(ANN, "hi")
    await surface.send(str(ANN), Message(text="Half done", attachment=picture(tmp_path, content, media_type)))
    (sent,) = server.inbox(ANN)
    assert sent["document"]["file_name"] == "progress.png"
    assert sent["caption"] == "Half done"


async def test_a_text_cannot_take_the_place_of_a_picture_nor_a_picture_that_of_a_text(
    server: TelegramServer, surface: TelegramSurface, tmp_path: Path
) -> None:
    buttons = card("x").buttons
    shown = Message(kind="picture", text="Half done", attachment=picture(tmp_path), buttons=buttons)
    dispatch = ScriptedDispatch(Outcome((Send(shown),)), Outcome((Edit(card("text")),)), Outcome((Edit(shown),)))
    async with running(surface, dispatch):
        await server.say(ANN, "/status")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        await server.tap(ANN, server.inbox(ANN)[0]["message_id"], "Sun")
        await server.until(lambda: len(server.inbox(ANN)) == 2)
        await server.tap(ANN, server.inbox(ANN)[1]["message_id"], "Sun")
        await server.until(lambda: len(server.inbox(ANN)) == 3)
    assert ["photo" in message for message in server.inbox(ANN)] == [True, False, True]


async def test_a_block_is_told_and_an_unblocking_comes_with_what_is_said_next(
    server: TelegramServer, surface: TelegramSurface
) -> None:
    dispatch = ScriptedDispatch()
    group = {"id": -5, "type": "group", "title": "All"}
    async with running(surface, dispatch):
        await server.say(ANN, "/next")
        blocked = await server.block(ANN)
        await server.redeliver({**blocked, "my_chat_member": {**blocked["my_chat_member"], "chat": group}})
        await server.block(ANN, blocked=False)
        await server.say(ANN, "/start")
        await dispatch.until(lambda: len(dispatch.events) == 3)
        await server.until(lambda: server.queue == [])
    assert isinstance(dispatch.events[1], Left)
    assert dispatch.events[1].person.external_id == str(ANN)
    assert [type(event).__name__ for event in dispatch.events] == ["Command", "Left", "Command"]
    assert server.inbox(ANN) == []
