"""The Slack surface where it is hard: files, floods, blocked people, dead sockets, secrets."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from structlog.testing import capture_logs

from bot.surface import (
    Attachment,
    Blocked,
    Button,
    Event,
    Message,
    MessageRef,
    Outcome,
    Rejected,
    RetryLater,
    Said,
    Send,
    Uploaded,
)
from bot.surfaces.slack import SlackSurface
from core.errors import SettingsError
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.slack_blocks import texts
from tests.fakes.slack_server import SlackServer
from tests.fakes.surfaces import card, running
from tests.integration.slack.rig import ANN, APP_TOKEN, BEN, BOT_TOKEN, UPLOAD_BYTES, make


async def test_an_upload_lies_on_disk_during_dispatch_only(
    server: SlackServer, surface: SlackSurface, tmp_path: Path
) -> None:
    dispatch = ScriptedDispatch()
    async with running(surface, dispatch):
        await server.acknowledged(await server.share(ANN, "../items.csv", b"text\nrain\n", text="post Weather?"))
        await server.until(lambda: not list((tmp_path / "fetched").iterdir()))
    event = dispatch.events[0]
    assert isinstance(event, Uploaded)
    assert (event.name, event.caption) == ("items.csv", "/post Weather?")
    assert dispatch.contents == [b"text\nrain\n"]
    assert server.file_tokens == [f"Bearer {BOT_TOKEN}"]


async def test_several_large_files_at_once_are_acknowledged_in_time(server: SlackServer, surface: SlackSurface) -> None:
    commit = asyncio.Event()

    async def slow(event: Event) -> Outcome:
        await commit.wait()
        return Outcome()

    dispatch = ScriptedDispatch(slow, slow, slow)
    files = [server.file_object(server.upload(f"{number}.csv", str(number).encode())) for number in range(3)]
    async with running(surface, dispatch):
        ack = await server.acknowledged(await server.say(ANN, "", subtype="file_share", files=files))
        commit.set()
        await dispatch.until(lambda: len(dispatch.events) == 3)
    assert ack.seconds < 2.9
    assert dispatch.contents == [b"0", b"1", b"2"]


async def test_the_token_does_not_follow_a_file_to_another_host(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch()
    elsewhere = server.url.replace("127.0.0.1", "localhost") + "/files/F1"
    async with running(surface, dispatch):
        await server.acknowledged(await server.share(ANN, "items.csv", b"x", url=elsewhere))
        await server.until(lambda: len(server.inbox(ANN)) == 1)
    assert texts(server.inbox(ANN)[0]) == ["This file does not lie on Slack. Download it and share it here as a file."]
    assert dispatch.events == []
    assert server.file_tokens == []


async def test_send_a_file(server: SlackServer, surface: SlackSurface, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"item,label\n")
    attachment = Attachment("labels.csv", "text/csv", str(tmp_path / "labels.csv"))
    sent = await surface.send(ANN, Message(kind="file", text="Your labels", attachment=attachment))
    with pytest.raises(Rejected, match="cannot be replaced"):
        await surface.edit(sent, Message(text="Other labels"))
    (file,) = server.inbox(ANN)
    assert (file["files"][0]["name"], file["files"][0]["content"]) == ("labels.csv", b"item,label\n")
    assert file["text"] == "Your labels"
    with pytest.raises(Rejected, match=r"x\.csv"):
        await surface.send(ANN, Message(attachment=Attachment("x.csv", "text/csv", str(tmp_path / "x.csv"))))


async def test_a_picture_with_buttons_is_a_file_and_a_message(
    server: SlackServer, surface: SlackSurface, tmp_path: Path
) -> None:
    (tmp_path / "chart.png").write_bytes(b"PNG")
    picture = Attachment("chart.png", "image/png", str(tmp_path / "chart.png"))
    buttons = ((Button("Close", "close.a"),),)
    sent = await surface.send(ANN, Message(kind="picture", text="Done: 40%", attachment=picture, buttons=buttons))
    file, text = server.inbox(ANN)
    assert (file["files"][0]["name"], file["text"]) == ("chart.png", "")
    assert (texts(text), sent.message) == (["Done: 40%"], text["ts"])


async def test_a_file_that_is_too_large_is_refused_before_and_while_it_comes(
    server: SlackServer, surface: SlackSurface, tmp_path: Path
) -> None:
    dispatch = ScriptedDispatch()
    too_large = "That file is too large: at most 0.001 MB. Split it and share the parts."
    async with running(surface, dispatch):
        await server.share(ANN, "items.csv", b"x" * (UPLOAD_BYTES + 1))
        await server.until(lambda: server.seen(ANN) == [[too_large]])
        assert server.file_tokens == [], "its size was told, so it was not fetched"
        file = server.file_object(server.upload("lied.csv", b"x" * (UPLOAD_BYTES + 1))) | {"size": 1}
        await server.say(ANN, "", subtype="file_share", files=[file])
        await server.until(lambda: len(server.seen(ANN)) == 2)
    assert server.seen(ANN)[1] == [too_large]
    assert dispatch.events == []
    assert list((tmp_path / "fetched").iterdir()) == []


async def test_a_file_that_slack_does_not_hand_out_ends_in_a_sentence(
    server: SlackServer, surface: SlackSurface
) -> None:
    dispatch = ScriptedDispatch()
    file = server.file_object(server.upload("items.csv", b"x"))
    server.files.clear()
    async with running(surface, dispatch):
        await server.say(ANN, "", subtype="file_share", files=[{"id": file["id"], "file_access": "check_file_info"}])
        await server.until(lambda: len(server.seen(ANN)) == 1)
    assert server.seen(ANN) == [["Slack did not hand me that file. Please share it once more."]]
    assert dispatch.events == []


async def test_what_delivery_is_told(server: SlackServer, surface: SlackSurface) -> None:
    text = Message(text="Work is here.")
    server.fail_next("chat.postMessage", "ratelimited", status=429, retry_after=17)
    with pytest.raises(RetryLater) as busy:
        await surface.send(ANN, text)
    assert busy.value.seconds == 17
    for code, status, seconds in (
        ("internal_error", 200, 2),
        ("boom", 503, 2),
        ("token_revoked", 200, 60),
        ("account_inactive", 200, 60),
    ):
        server.fail_next("chat.postMessage", code, status=status)
        with pytest.raises(RetryLater) as away:
            await surface.send(ANN, text)
        assert away.value.seconds == seconds
    server.fail_next("chat.postMessage", "invalid_blocks")
    with pytest.raises(Rejected, match="invalid_blocks"):
        await surface.send(ANN, text)
    with pytest.raises(Rejected, match="0 bytes"):
        await surface.send(ANN, Message(buttons=((Button("A", ""),),)))
    with pytest.raises(Blocked, match="user_not_found"):
        await surface.send("U0NOBODY", text)
    with pytest.raises(Blocked, match="channel_not_found"):
        await surface.send("D0NOBODY", text)
    sent = await surface.send(ANN, text)
    server.disabled.add(ANN)
    with pytest.raises(Blocked, match="user_disabled"):
        await surface.send(ANN, text)
    server.disabled.clear()
    await surface.edit(sent, text)
    assert len(server.made("chat.update")) == 1
    with pytest.raises(Rejected, match="message_not_found"):
        await surface.edit(MessageRef(sent.address, "1.0"), text)


async def test_a_reply_waits_as_long_as_a_busy_slack_asks(server: SlackServer, surface: SlackSurface) -> None:
    server.fail_next("chat.postMessage", "ratelimited", status=429, retry_after=1)
    dispatch = ScriptedDispatch(Outcome((Send(Message(text="one")), Send(Message(text="two")))))
    async with running(surface, dispatch):
        await server.command(ANN, "/lightwork next")
        await server.until(lambda: len(server.inbox(ANN)) == 2)
    assert [texts(message) for message in server.inbox(ANN)] == [["one"], ["two"]]


async def test_a_dropped_socket_is_replaced(server: SlackServer, tmp_path: Path) -> None:
    surface = make(server, tmp_path, ping_interval=0.2)
    dispatch = ScriptedDispatch()
    async with running(surface, dispatch):
        await server.acknowledged(await server.say(ANN, "one"))
        await server.drop_sockets()
        await server.until(lambda: server.connections == 2)
        await server.acknowledged(await server.say(ANN, "two"))
    assert len(dispatch.events) == 2


async def test_two_processes_hold_a_socket_each(server: SlackServer, tmp_path: Path) -> None:
    ours, theirs = ScriptedDispatch(), ScriptedDispatch()
    async with running(make(server, tmp_path), ours):
        await server.acknowledged(await server.say(ANN, "one"))
        async with running(make(server, tmp_path), theirs):
            await server.until(lambda: server.connections == 2)
            await server.acknowledged(await server.say(ANN, "two"))
        await server.acknowledged(await server.say(ANN, "three"))
    heard = [[event.text for event in one.events if isinstance(event, Said)] for one in (ours, theirs)]
    assert heard == [["one", "three"], ["two"]]


async def test_a_socket_that_went_deaf_is_noticed_even_where_slacks_client_sleeps(
    server: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in bolt-python#675: the tasks that watch and read the socket are gone, nobody reconnects."""

    monitor, receive, first = (
        SocketModeClient.monitor_current_session,
        SocketModeClient.receive_messages,
        list[object](),
    )

    async def sleeping_monitor(self: SocketModeClient) -> None:
        await (asyncio.Event().wait() if first in ([], [self]) else monitor(self))

    async def sleeping_receiver(self: SocketModeClient) -> None:
        first.append(self)
        await (asyncio.Event().wait() if self is first[0] else receive(self))

    monkeypatch.setattr(SocketModeClient, "monitor_current_session", sleeping_monitor)
    monkeypatch.setattr(SocketModeClient, "receive_messages", sleeping_receiver)
    surface, dispatch = make(server, tmp_path, ping_interval=0.2), ScriptedDispatch()
    with capture_logs() as logs:
        async with running(surface, dispatch):
            await server.until(lambda: server.connections == 2)
            await server.acknowledged(await server.say(ANN, "heard"))
    assert [event.text for event in dispatch.events if isinstance(event, Said)] == ["heard"]
    assert "slack.socket_stale" in [entry["event"] for entry in logs]


async def test_a_slack_that_is_away_at_the_start_is_waited_for(server: SlackServer, surface: SlackSurface) -> None:
    server.fail_next("auth.test", "service_unavailable", status=503)
    server.fail_next("apps.connections.open", "internal_error")
    dispatch = ScriptedDispatch()
    with capture_logs() as logs:
        async with running(surface, dispatch):
            await server.acknowledged(await server.say(ANN, "hello"))
    assert [entry["event"] for entry in logs] == ["slack.unreachable"] * 2


async def test_a_token_revoked_at_work_is_waited_out(server: SlackServer, tmp_path: Path) -> None:
    surface, dispatch = make(server, tmp_path, ping_interval=0.2), ScriptedDispatch()
    with capture_logs() as logs:
        async with running(surface, dispatch):
            await server.acknowledged(await server.say(ANN, "one"))
        server.fail_next("auth.test", "token_revoked")
        async with running(surface, dispatch):
            await server.until(lambda: server.connections == 2)
            await server.acknowledged(await server.say(ANN, "two"))
    assert ["refused" in entry["error"] for entry in logs if entry["event"] == "slack.unreachable"] == [True]


@pytest.mark.parametrize("setting", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_a_wrong_token_ends_with_a_sentence(server: SlackServer, tmp_path: Path, setting: str) -> None:
    if setting == "SLACK_APP_TOKEN":
        server.app_token = "xapp-" + "other"
        surface = make(server, tmp_path)
    else:
        surface = make(server, tmp_path, token="xoxb-" + "wrong-wrong")
    with pytest.raises(SettingsError, match=setting) as refused:
        await surface.run(ScriptedDispatch())
    assert "wrong-wrong" not in repr(refused.value)


async def test_no_token_shows_in_any_log(
    server: SlackServer, surface: SlackSurface, caplog: pytest.LogCaptureFixture
) -> None:
    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)), RuntimeError("broken"))
    with caplog.at_level(logging.DEBUG), capture_logs() as logs:
        async with running(surface, dispatch):
            await server.acknowledged(await server.command(ANN, "/lightwork next"))
            await server.until(lambda: len(server.inbox(ANN)) == 1)
            await server.share(ANN, "a.csv", b"a")
            await dispatch.until(lambda: len(dispatch.events) == 2)
        await server.stop()
        with pytest.raises(RetryLater) as away:
            await surface.send(BEN, Message(text="x"))
    assert caplog.records, "the libraries log at this level"
    for token in (BOT_TOKEN, APP_TOKEN):
        assert token not in caplog.text
        assert token not in repr((logs, away.value))


async def test_a_token_in_slacks_own_words_is_hidden(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(Outcome((Send(card("first")),)))
    server.fail_next("chat.postMessage", f"failed with {BOT_TOKEN}")
    with capture_logs() as logs:
        async with running(surface, dispatch):
            await server.acknowledged(await server.command(ANN, "/lightwork next"))
            await server.until(lambda: any(call.error for call in server.calls))
            await server.acknowledged(await server.say(ANN, "on it goes"))
    assert [entry["event"] for entry in logs] == ["slack.reply_lost"]
    assert "failed with ***" in logs[0]["error"]
