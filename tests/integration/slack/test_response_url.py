"""How a card is replaced: through response_url while it lives, then within Slack's rates, then anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.limits import Budget, SharedBuckets
from bot.surface import Attachment, Edit, Message, MessageRef, Outcome, Rate, RetryLater, Send, Toast
from bot.surfaces import slack_replies
from bot.surfaces.slack import SlackSurface
from bot.surfaces.slack_turns import ResponseUrl, Trigger
from core.lanes import Lane
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.slack_server import SlackServer
from tests.fakes.surfaces import card, running
from tests.integration.slack.rig import ANN, APP_TOKEN, BEN, BOT_TOKEN, SIGNING_SECRET, make

FIRST = Outcome((Send(card("first")),))


@pytest.fixture
async def limited() -> AsyncIterator[SlackServer]:
    """A Slack that enforces its rates."""
    fake = SlackServer(BOT_TOKEN, APP_TOKEN, SIGNING_SECRET, limits=True)
    await fake.start()
    fake.join(ANN)
    fake.join(BEN)
    yield fake
    await fake.stop()


@pytest.fixture
async def budget() -> AsyncIterator[Budget]:
    """The limiter of the product, without a Redis: it keeps to the rates for itself."""
    made = Budget(SharedBuckets("redis://127.0.0.1:1/0", "test"))
    yield made
    await made.aclose()


class Recorder:
    """A limiter that admits everybody and remembers what was closed."""

    def __init__(self) -> None:
        self.admitted: list[tuple[tuple[str, ...], Lane]] = []
        self.closed: list[tuple[str, float]] = []

    async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
        """At once."""
        self.admitted.append((tuple(rate.name for rate in rates), lane))

    async def close(self, rate: Rate, seconds: float) -> None:
        """Noted."""
        self.closed.append((rate.name, seconds))


async def shown(server: SlackServer, user: str = ANN) -> str:
    """The ts of the first card that `user` sees."""
    await server.command(user, "/lightwork next")
    await server.until(lambda: len(server.inbox(user)) == 1)
    return str(server.inbox(user)[0]["ts"])


async def test_five_replacements_go_through_the_url_and_the_sixth_beside_it(
    server: SlackServer, surface: SlackSurface
) -> None:
    many = Outcome(tuple(Edit(card(f"number {number}")) for number in range(1, 8)))
    async with running(surface, ScriptedDispatch(FIRST, many)):
        ts = await shown(server)
        await server.tap(ANN, ts, "Rain")
        await server.until(lambda: "number 7" in server.seen(ANN)[0])
    assert [place.uses for place in server.response_urls.values()] == [0, 5]
    assert len(server.made("chat.update")) == 2
    assert server.refusals() == [], "a used-up url was not tried"
    assert len(server.inbox(ANN)) == 1


async def test_a_url_that_died_is_not_tried_twice(server: SlackServer, surface: SlackSurface) -> None:
    committed, clock = asyncio.Event(), server.clock

    async def follow_up() -> Outcome:
        await committed.wait()
        return Outcome((Edit(card("second")), Edit(card("third"))))

    async with running(surface, ScriptedDispatch(FIRST, Outcome(follow_up=follow_up()))):
        ts = await shown(server)
        await server.acknowledged(await server.tap(ANN, ts, "Rain"))
        server.clock = lambda: clock() + 31 * 60
        committed.set()
        await server.until(lambda: "third" in server.seen(ANN)[0])
    assert server.refusals() == [("response_url", "used_url")]
    assert len(server.made("chat.update")) == 2


async def test_a_notice_goes_through_the_url_too(server: SlackServer, surface: SlackSurface) -> None:
    notice = Outcome((Toast("Nothing to take back. Send /next."),))
    async with running(surface, ScriptedDispatch(FIRST, notice)):
        ts = await shown(server)
        await server.tap(ANN, ts, "Rain")
        await server.until(lambda: len(server.whispers) == 1)
    assert server.whispers[0]["text"] == "Nothing to take back. Send /lightwork next."
    assert server.seen(ANN)[0][1] == "first", "the card is still there"
    assert not server.made("chat.postEphemeral")


async def test_a_file_in_the_place_of_a_card_is_sent_anew(
    server: SlackServer, surface: SlackSurface, tmp_path: Path
) -> None:
    (tmp_path / "chart.png").write_bytes(b"PNG")
    picture = Message(kind="picture", attachment=Attachment("chart.png", "image/png", str(tmp_path / "chart.png")))
    async with running(surface, ScriptedDispatch(FIRST, Outcome((Edit(picture),)))):
        ts = await shown(server)
        await server.tap(ANN, ts, "Rain")
        await server.until(lambda: len(server.inbox(ANN)) == 2)
    assert server.inbox(ANN)[1]["files"][0]["name"] == "chart.png"


async def test_messages_to_one_person_keep_to_one_a_second(
    limited: SlackServer, budget: Budget, tmp_path: Path
) -> None:
    surface = make(limited, tmp_path, limits=budget)
    await asyncio.gather(*(surface.send(ANN, Message(text=str(number))) for number in range(4)))
    await surface.send(BEN, Message(text="not held up"))
    await surface.close()
    assert limited.refusals() == []
    assert sorted(text for (text,) in limited.seen(ANN)) == ["0", "1", "2", "3"]


async def test_the_fake_refuses_a_flood(limited: SlackServer, tmp_path: Path) -> None:
    surface = make(limited, tmp_path)
    await surface.send(ANN, Message(text="1"))
    await surface.send(ANN, Message(text="2"))
    with pytest.raises(RetryLater) as busy:
        await surface.send(ANN, Message(text="3"))
    await surface.close()
    assert busy.value.seconds == 1
    assert limited.refusals() == [("chat.postMessage", "ratelimited")]


async def test_where_the_share_of_updates_is_used_up_the_card_comes_anew(
    server: SlackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class UsedUp(Recorder):
        async def admit(self, rates: Sequence[Rate], lane: Lane = Lane.NOTICE) -> None:
            if rates[0].name == "chat.update":
                await asyncio.Event().wait()

    monkeypatch.setattr(slack_replies, "UPDATE_SECONDS", 0.05)
    server.urls_work = False
    surface = make(server, tmp_path, limits=UsedUp())
    async with running(surface, ScriptedDispatch(FIRST, Outcome((Edit(card("second")),)))):
        ts = await shown(server)
        await server.tap(ANN, ts, "Rain")
        await server.until(lambda: len(server.inbox(ANN)) == 2)
    assert [seen[1] for seen in server.seen(ANN)] == ["first", "second"]
    assert not server.made("chat.update")


async def test_a_refusal_closes_the_way_for_all_processes(server: SlackServer, tmp_path: Path) -> None:
    recorder = Recorder()
    surface = make(server, tmp_path, limits=recorder)
    server.fail_next("chat.postMessage", "ratelimited", status=429, retry_after=17)
    with pytest.raises(RetryLater):
        await surface.send(ANN, Message(text="Work is here."), Lane.OFFER)
    channel = f"chat.postMessage:D{ANN}"
    assert recorder.admitted == [(("conversations.open",), Lane.OFFER), ((channel, "chat.postMessage"), Lane.OFFER)]
    assert recorder.closed == [(channel, 17), ("chat.postMessage", 17)]
    server.fail_next("chat.postMessage", "internal_error")
    with pytest.raises(RetryLater):
        await surface.send(ANN, Message(text="Work is here."))
    assert len(recorder.closed) == 2, "an accident of Slack is no flood"
    sent = await surface.send(ANN, Message(text="Work is here."))
    await surface.edit(MessageRef(sent.address, sent.message), Message(text="Done."))
    await surface.close()
    assert recorder.admitted[-1] == (("chat.update",), Lane.NOTICE)


def test_a_url_is_worth_trying_five_times_within_half_an_hour() -> None:
    now = 100.0
    url = ResponseUrl("https://hooks.slack.com/x", clock=lambda: now)
    assert [url.take() for _ in range(6)] == [True] * 5 + [False]
    other = ResponseUrl("https://hooks.slack.com/x", clock=lambda: now)
    now += 29 * 60
    assert other.take()
    now += 61
    assert not other.take()
    assert not ResponseUrl("").take()


def test_a_trigger_is_worth_trying_for_less_than_three_seconds() -> None:
    now = 100.0
    trigger = Trigger("1.2.3", clock=lambda: now)
    assert 2 < trigger.seconds_left() < 3
    now += 3
    assert trigger.seconds_left() < 0
    assert Trigger("").seconds_left() == 0
