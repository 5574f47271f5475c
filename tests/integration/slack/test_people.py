"""Who somebody is and which language they speak: asked at the first contact, harmless where it cannot be had."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.surface import Outcome, Person, Send, Toast
from bot.surfaces.slack import SlackSurface
from bot.surfaces.slack_client import SlackClient
from bot.surfaces.slack_people import FAILED_SECONDS, FRESH_SECONDS, People
from bot.surfaces.slack_rates import Unlimited
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.slack_server import SlackServer
from tests.fakes.surfaces import card, running
from tests.integration.slack.rig import ANN, BEN, BOT_TOKEN


async def test_name_and_language_come_with_the_first_event(server: SlackServer, surface: SlackSurface) -> None:
    server.join(BEN, real_name="本", locale="zh-CN")
    dispatch = ScriptedDispatch()
    async with running(surface, dispatch):
        await server.acknowledged(await server.command(BEN, "/lightwork join ABCD2345"))
        await server.acknowledged(await server.say(BEN, "hello"))
        await server.acknowledged(await server.command(ANN, "/lightwork next"))
    people = [(event.person.name, event.person.locale) for event in dispatch.events]
    assert people == [("本", "zh-CN"), ("本", "zh-CN"), ("U0ANN Real", "en-US")]
    assert len(server.made("users.info")) == 2, "asked once for each"


async def test_a_slack_that_does_not_tell_is_harmless(server: SlackServer, surface: SlackSurface) -> None:
    server.fail_next("users.info", "missing_scope")
    dispatch = ScriptedDispatch()
    with capture_logs() as logs:
        async with running(surface, dispatch):
            for _ in range(2):
                await server.acknowledged(await server.command(ANN, "/lightwork next"))
    assert [(event.person.name, event.person.locale) for event in dispatch.events] == [("u0ann", "")] * 2
    assert [entry["event"] for entry in logs] == ["slack.profile_unknown"], "asked again only later"


async def test_a_slow_answer_serves_the_next_event(
    server: SlackServer, surface: SlackSurface, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, told = SlackClient.user, asyncio.Event()

    async def slowly(self: SlackClient, user: str) -> dict[str, object]:
        await told.wait()
        return await ask(self, user)

    dispatch = ScriptedDispatch()
    monkeypatch.setattr(SlackClient, "user", slowly)
    async with running(surface, dispatch):
        await server.acknowledged(await server.command(ANN, "/lightwork next"))
        told.set()
        await server.until(lambda: len(server.made("users.info")) == 1)
        await server.acknowledged(await server.command(ANN, "/lightwork next"))
    assert [event.person.locale for event in dispatch.events] == ["", "en-US"]


async def test_what_is_known_is_believed_for_a_day(server: SlackServer) -> None:
    now = 0.0
    client = SlackClient(BOT_TOKEN, (), server.api_url, Unlimited(), frozenset())
    people, ann = People(client, clock=lambda: now), Person("slack", "T", ANN, ANN, name="ann")
    assert (await people.introduced(ann)).locale == "en-US"
    server.join(ANN, locale="zh-CN")
    now += FRESH_SECONDS - 1
    assert (await people.introduced(ann)).locale == "en-US"
    now += 2
    server.fail_next("users.info", "internal_error")
    assert (await people.introduced(ann)).locale == "", "asked anew, without success"
    now += FAILED_SECONDS + 1
    assert (await people.introduced(ann)).locale == "zh-CN"
    assert people.locale_of(ann) == "zh-CN"
    await client.close()


async def test_a_command_typed_in_a_channel_is_told_where_the_answer_is(
    server: SlackServer, surface: SlackSurface
) -> None:
    server.join(BEN, locale="zh-CN")
    answer = Outcome((Send(card("first")),))
    dispatch = ScriptedDispatch(answer, answer, answer, Outcome((Toast("gone"),)))
    async with running(surface, dispatch):
        here = await server.acknowledged(await server.command(ANN, "/lightwork next"))
        direct = await server.acknowledged(await server.command(ANN, "/lightwork next", channel=f"D{ANN}"))
        chinese = await server.acknowledged(await server.command(BEN, "/lightwork next"))
    assert here.payload == {"text": "I have answered you in our direct messages: look under Apps."}
    assert direct.payload is None
    assert chinese.payload == {"text": "我在私信里回复你了，请在“应用”里查看。"}


async def test_an_app_that_was_taken_off_says_what_to_do(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch()
    with capture_logs() as logs:
        async with running(surface, dispatch):
            await server.acknowledged(await server.event({"type": "app_uninstalled"}))
            await server.acknowledged(await server.event({"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}))
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [("slack.uninstalled", "error")] * 2
    assert "Install the app again" in logs[0]["advice"]
    assert dispatch.events == []
