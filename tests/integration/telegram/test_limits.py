"""The Telegram surface where it is hard: files, floods, blocked people, a broken server, secrets."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.surface import (
    Attachment,
    Blocked,
    Button,
    Message,
    MessageRef,
    Outcome,
    Rejected,
    RetryLater,
    Send,
    Uploaded,
)
from bot.surfaces.telegram import TelegramSurface
from bot.texts import say
from core.errors import SettingsError
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.surfaces import Memory, card, running
from tests.fakes.telegram_server import TelegramServer
from tests.integration.telegram.rig import ANN, BEN, TOKEN, make


async def test_an_upload_lies_on_disk_during_dispatch_only(
    server: TelegramServer, surface: TelegramSurface, tmp_path: Path
) -> None:
    dispatch = ScriptedDispatch()
    async with running(surface, dispatch):
        await server.upload(ANN, "../../etc/items.csv", b"text\nrain\n", caption="/post Weather?")
        await server.until(lambda: server.confirmed > 0)
    event = dispatch.events[0]
    assert isinstance(event, Uploaded)
    assert (event.name, event.caption) == ("items.csv", "/post Weather?")
    assert dispatch.contents == [b"text\nrain\n"]
    assert event.path.parent == tmp_path / "fetched"
    assert list((tmp_path / "fetched").iterdir()) == []


async def test_a_file_above_20_mb_is_refused_with_a_sentence(server: TelegramServer, surface: TelegramSurface) -> None:
    dispatch = ScriptedDispatch()
    async with running(surface, dispatch):
        await server.upload(ANN, "big.csv", b"x", size=20_000_001)
        await server.until(lambda: len(server.inbox(ANN)) == 1)
    assert server.inbox(ANN)[0]["text"] == say("telegram_file_too_large", "en", megabytes=20)
    assert dispatch.events == []
    assert not server.made("getFile")


async def test_send_a_file_with_a_short_and_with_a_long_text(
    server: TelegramServer, surface: TelegramSurface, tmp_path: Path
) -> None:
    await server.say(ANN, "hi")
    (tmp_path / "labels.csv").write_bytes(b"item,label\n")
    attachment = Attachment("labels.csv", "text/csv", str(tmp_path / "labels.csv"))
    await surface.send(str(ANN), Message(kind="file", text="Your labels", attachment=attachment))
    await surface.send(str(ANN), Message(kind="file", text="long " * 300, attachment=attachment))
    first, second, text = server.inbox(ANN)
    assert first["caption"] == "Your labels"
    assert server.files[first["document"]["file_id"]].content == b"item,label\n"
    assert (second["document"]["file_name"], second["caption"]) == ("labels.csv", "")
    assert text["text"] == ("long " * 300).strip()
    missing = Attachment("x.csv", "text/csv", str(tmp_path / "x.csv"))
    with pytest.raises(Rejected, match=r"x\.csv"):
        await surface.send(str(ANN), Message(attachment=missing))


async def test_what_delivery_is_told(server: TelegramServer, surface: TelegramSurface) -> None:
    await server.say(ANN, "hi")
    text = Message(text="Work is here.")
    server.fail_next("sendMessage", 429, "Too Many Requests: retry after 7", retry_after=7)
    with pytest.raises(RetryLater) as busy:
        await surface.send(str(ANN), text)
    assert busy.value.seconds == 7
    server.fail_next("sendMessage", 502, "Bad Gateway")
    with pytest.raises(RetryLater) as away:
        await surface.send(str(ANN), text)
    assert away.value.seconds == 2
    with pytest.raises(Blocked):
        await surface.send("999", text)
    server.blocked.add(ANN)
    with pytest.raises(Blocked, match="blocked by the user"):
        await surface.send(str(ANN), text)
    server.blocked.clear()
    server.fail_next("sendMessage", 400, "Bad Request: BUTTON_TYPE_INVALID")
    with pytest.raises(Rejected, match=r"(?i)button_type_invalid"):
        await surface.send(str(ANN), text)
    with pytest.raises(Rejected, match="65 bytes"):
        await surface.send(str(ANN), Message(buttons=((Button("A", "x" * 65),),)))
    sent = await surface.send(str(ANN), text)
    await surface.edit(sent, text)  # not modified: success
    await surface.edit(sent, Message(text="https://example.org is no preview"))
    assert server.calls[-1].params["link_preview_options"] == {"is_disabled": True}
    with pytest.raises(Rejected, match="not found"):
        await surface.edit(MessageRef(str(ANN), "12345"), text)


async def test_a_reply_waits_as_long_as_a_busy_telegram_asks(server: TelegramServer, surface: TelegramSurface) -> None:
    server.fail_next("sendMessage", 429, "Too Many Requests: retry after 1", retry_after=1)
    dispatch = ScriptedDispatch(Outcome((Send(Message(text="one")), Send(Message(text="two")))))
    async with running(surface, dispatch):
        await server.say(ANN, "/next")
        await server.until(lambda: [message["text"] for message in server.inbox(ANN)] == ["one", "two"])


async def test_polling_goes_on_after_conflict_flood_and_a_broken_server(
    server: TelegramServer, surface: TelegramSurface
) -> None:
    await server.say(BEN, "hello")
    async with running(surface, ScriptedDispatch()):
        await server.until(lambda: server.confirmed > 0)
    server.fail_next("getUpdates", 409, "Conflict: terminated by other getUpdates request")
    server.fail_next("getUpdates", 502, "Bad Gateway")
    server.fail_next("getUpdates", 401, "Unauthorized")
    server.fail_next("getUpdates", 429, "Too Many Requests: retry after 1", retry_after=1)
    dispatch = ScriptedDispatch()
    with capture_logs() as logs:
        async with running(surface, dispatch):
            await server.say(ANN, "/next")
            await dispatch.until(lambda: len(dispatch.events) == 1)
    warnings = [entry for entry in logs if entry["log_level"] == "warning"]
    assert [entry["event"] for entry in warnings] == ["telegram.poll_failed"] * 4
    assert [entry["failures"] for entry in warnings] == [1, 2, 3, 4]
    assert "Conflict" in warnings[0]["error"]
    assert warnings[3]["retry_in"] >= 1


async def test_a_second_poller_is_seen_in_the_log(
    server: TelegramServer, surface: TelegramSurface, tmp_path: Path
) -> None:
    other = make(server, Memory(), tmp_path)
    with capture_logs() as logs:
        async with running(surface, ScriptedDispatch()), running(other, ScriptedDispatch()):
            await server.until(lambda: len(server.made("getUpdates", 409)) >= 2)
    assert {entry["event"] for entry in logs if entry["log_level"] == "warning"} == {"telegram.poll_failed"}


async def test_a_wrong_token_ends_with_a_sentence_and_shows_in_no_log(
    server: TelegramServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = TOKEN.replace("AA", "BB")
    surface = make(server, Memory(), tmp_path, token=wrong)
    with caplog.at_level(logging.DEBUG), pytest.raises(SettingsError, match="TELEGRAM_BOT_TOKEN") as refused:
        await surface.run(ScriptedDispatch())
    assert wrong not in str(refused.value)
    with pytest.raises(RetryLater):
        await surface.send(str(ANN), Message(text="x"))
    await surface.close()
    assert wrong not in caplog.text


async def test_the_token_shows_in_no_log_and_no_error(
    server: TelegramServer, offsets: Memory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    surface = make(server, offsets, tmp_path)
    await server.say(ANN, "/next")
    await server.upload(ANN, "a.csv", b"a")
    server.fail_next("getFile", 502, "Bad Gateway")
    server.fail_next("getUpdates", 500, f"failed at /bot{TOKEN}/getUpdates")
    server.fail_next("sendMessage", 400, f"Bad Request: failed at /bot{TOKEN}/sendMessage")
    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)), Outcome((Send(card("second")),)))
    with caplog.at_level(logging.DEBUG), capture_logs() as logs:
        async with running(surface, dispatch):
            await server.until(lambda: server.confirmed > 0 and len(server.inbox(ANN)) == 1)
        await server.stop()
        with pytest.raises(RetryLater) as away:
            await surface.send(str(ANN), Message(text="x"))
        await surface.close()
    assert {entry["event"] for entry in logs if entry["log_level"] != "info"} == {
        "telegram.poll_failed",
        "telegram.reply_lost",
        "telegram.update_failed",
    }
    assert caplog.records, "the libraries log at this level"
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(logs)
    assert TOKEN not in repr(away.value)
