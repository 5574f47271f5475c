"""Forms as modals: opened in time or asked for again, validated at once, never lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.surface import Ask, Button, Edit, Event, Field, Filled, Form, Message, Outcome, Send, Toast, Uploaded
from bot.surfaces.slack import SlackSurface
from tests.fakes.dispatching import ScriptedDispatch
from tests.fakes.slack_server import SlackServer
from tests.fakes.surfaces import running
from tests.integration.slack.rig import ANN, BEN

FORM = Form(
    payload="post..new.3",
    title="A job for your crowd, with a long title",
    submit="Go on",
    fields=(
        Field("question", "Question", hint="As in /post"),
        Field("labels", "Labels", "lines", value="Rain\nSun"),
        Field("who", "Who may answer", "choice", value="", options=(("", "Everybody"), ("expert", "Experts"))),
        Field("price", "Price", optional=True),
        Field("file", "Items", "file", optional=True),
    ),
)
INSTEAD = Message(text="Send /post to begin.", buttons=((Button("Ask me again", "post..form.0"),),))
ASK = Outcome((Ask(FORM, INSTEAD),))
VALUES = {"question": "Weather?", "labels": "Rain\nSun", "who": "", "price": ""}


async def opened(server: SlackServer) -> None:
    """Ann has the form before her."""
    await server.command(ANN, "/lightwork post")
    await server.until(lambda: ANN in server.modals)


async def test_a_form_is_filled_in_and_its_file_follows(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(ASK, Outcome((Send(Message(text="I read the file now.")),)))
    async with running(surface, dispatch):
        command = await server.acknowledged(await server.command(ANN, "/lightwork post"))
        await server.until(lambda: ANN in server.modals)
        file = server.upload("items.csv", b"text\nrain\n")
        ack = await server.acknowledged(await server.submit(ANN, file, question="Weather?"))
        await dispatch.until(lambda: len(dispatch.events) == 3)
        await server.until(lambda: len(server.inbox(ANN)) == 1)
    assert (command.payload, ack.payload, server.modals) == (None, None, {})
    asked, filled, uploaded = dispatch.events
    assert asked.person.forms
    assert isinstance(filled, Filled)
    assert (filled.payload, filled.values, filled.person.forms) == (FORM.payload, VALUES, False)
    assert isinstance(uploaded, Uploaded)
    assert (uploaded.name, uploaded.caption, dispatch.contents) == ("items.csv", "", [b"text\nrain\n"])
    assert server.seen(ANN) == [["I read the file now."]]


async def test_what_is_shown_in_a_modal(server: SlackServer, surface: SlackSurface) -> None:
    async with running(surface, ScriptedDispatch(ASK)):
        await opened(server)
    view = server.modals[ANN].view
    assert view["title"]["text"] == "A job for your crowd, w…"
    assert view["blocks"][0]["hint"]["text"] == "As in /lightwork post"
    elements = [block["element"] for block in view["blocks"]]
    assert [element["type"] for element in elements] == [
        "plain_text_input",
        "plain_text_input",
        "static_select",
        "plain_text_input",
        "file_input",
    ]
    assert elements[2]["initial_option"]["text"]["text"] == "Everybody"
    assert [block["optional"] for block in view["blocks"]] == [False, False, False, True, True]


async def test_a_file_of_which_only_the_id_is_told_is_asked_for(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(ASK)
    async with running(surface, dispatch):
        await opened(server)
        await server.submit(ANN, server.upload("items.csv", b"a", bare=True), question="Weather?")
        await dispatch.until(lambda: len(dispatch.events) == 3)
    assert len(server.made("files.info")) == 1
    assert dispatch.contents == [b"a"]


async def test_problems_stand_at_their_fields_until_they_are_mended(server: SlackServer, surface: SlackSurface) -> None:
    problems = {"labels": "Two labels at least.", "deadline": "Send /help to see how."}
    dispatch = ScriptedDispatch(ASK, Outcome(refused="invalid_input", problems=problems), Outcome())
    async with running(surface, dispatch):
        await opened(server)
        file = server.upload("items.csv", b"a")
        await server.acknowledged(await server.submit(ANN, file, question="Weather?", labels="Rain"))
        # A problem of no field of this form stands at the first one, with the command as Slack has it.
        assert server.modals[ANN].errors == {
            "labels": "Two labels at least.",
            "question": "Send /lightwork help to see how.",
        }
        await server.acknowledged(await server.submit(ANN, file, question="Weather?", who="Experts"))
        await dispatch.until(lambda: len(dispatch.events) == 4)
    assert ANN not in server.modals
    assert [type(event).__name__ for event in dispatch.events] == ["Command", "Filled", "Filled", "Uploaded"]
    mended = dispatch.events[2]
    assert isinstance(mended, Filled)
    assert mended.values == VALUES | {"who": "expert"}
    assert server.inbox(ANN) == []


async def test_a_refusal_keeps_what_was_written(server: SlackServer, surface: SlackSurface) -> None:
    refusal = Outcome((Send(Message(kind="error", text="It is very busy right now.")),), refused="overloaded")
    dispatch = ScriptedDispatch(ASK, refusal, Outcome((Toast("Too late."),), refused="stale_button"))
    async with running(surface, dispatch):
        await opened(server)
        await server.acknowledged(await server.submit(ANN, question="Weather?"))
        assert server.modals[ANN].errors == {"question": "It is very busy right now."}
        await server.acknowledged(await server.submit(ANN, question="Weather?"))
        assert server.modals[ANN].errors == {"question": "Too late."}
    assert server.inbox(ANN) == []


async def test_an_accident_is_a_sentence(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(ASK, RuntimeError("secret detail"))
    async with running(surface, dispatch):
        await opened(server)
        ack = await server.acknowledged(await server.submit(ANN, question="Weather?"))
    assert "Something went wrong on our side" in server.modals[ANN].errors["question"]
    assert "secret" not in str(ack.payload)


@pytest.mark.parametrize("code", ["expired_trigger_id", "exchanged_trigger_id", "ratelimited", "internal_error"])
async def test_a_form_that_slack_does_not_open_is_asked_for_by_a_button(
    server: SlackServer, surface: SlackSurface, code: str
) -> None:
    dispatch = ScriptedDispatch(ASK, ASK)
    server.fail_next("views.open", code)
    async with running(surface, dispatch):
        await server.command(ANN, "/lightwork post")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        assert server.seen(ANN) == [["Send /lightwork post to begin."]]
        assert server.modals == {}
        await server.tap(ANN, server.inbox(ANN)[0]["ts"], "Ask me again")
        await server.until(lambda: ANN in server.modals)
    assert dispatch.events[1].person.forms
    assert len(server.inbox(ANN)) == 1


async def test_a_trigger_that_slack_holds_for_too_old(server: SlackServer, surface: SlackSurface) -> None:
    clock = server.clock

    async def slowly(event: Event) -> Outcome:
        server.clock = lambda: clock() + 4.0
        return ASK

    async with running(surface, ScriptedDispatch(slowly)):
        await server.command(ANN, "/lightwork post")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
    assert ("views.open", "expired_trigger_id") in server.refusals()


async def test_a_late_form_is_not_tried(server: SlackServer, surface: SlackSurface) -> None:
    committed = asyncio.Event()

    async def follow_up() -> Outcome:
        await committed.wait()
        return ASK

    async with running(surface, ScriptedDispatch(Outcome(follow_up=follow_up()))):
        await server.acknowledged(await server.command(ANN, "/lightwork post"))
        committed.set()
        await server.until(lambda: len(server.inbox(ANN)) == 1)
    assert [call for call in server.calls if call.method == "views.open"] == []


async def test_a_form_that_would_lose_text_is_not_opened(server: SlackServer, surface: SlackSurface) -> None:
    long = replace(FORM, fields=(Field("guidelines", "Guidelines", "lines", value="x" * 3001),))
    async with running(surface, ScriptedDispatch(Outcome((Ask(long, INSTEAD),)))):
        await server.command(ANN, "/lightwork post")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
    assert [call for call in server.calls if call.method == "views.open"] == []


async def test_a_slow_commit_keeps_the_form_open_and_counts_once(server: SlackServer, surface: SlackSurface) -> None:
    commit = asyncio.Event()

    async def slow(event: Event) -> Outcome:
        await commit.wait()
        return Outcome((Send(Message(text="Posted.")),))

    dispatch = ScriptedDispatch(ASK, slow)
    async with running(surface, dispatch):
        await opened(server)
        file = server.upload("items.csv", b"a")
        first = await server.acknowledged(await server.submit(ANN, file, question="Weather?"))
        assert 1.4 < first.seconds < 2.9
        assert "One moment" in server.modals[ANN].errors["question"]
        commit.set()
        await server.until(lambda: server.seen(ANN) == [["Posted."]])
        second = await server.acknowledged(await server.submit(ANN, file, question="Weather?"))
        await dispatch.until(lambda: len(dispatch.events) == 3)
    assert second.payload is None
    assert ANN not in server.modals
    assert [type(event).__name__ for event in dispatch.events] == ["Command", "Filled", "Uploaded"]
    assert server.seen(ANN) == [["Posted."]]


async def test_a_form_sent_off_by_two_clicks_counts_once(server: SlackServer, surface: SlackSurface) -> None:
    commit = asyncio.Event()

    async def slow(event: Event) -> Outcome:
        await commit.wait()
        return Outcome((Send(Message(text="Posted.")),))

    dispatch = ScriptedDispatch(ASK, slow)
    async with running(surface, dispatch):
        await opened(server)
        first = await server.submit(ANN, question="Weather?")
        second = await server.deliver("interactive", server.submission)
        await dispatch.until(lambda: len(dispatch.events) == 2)
        commit.set()
        acks = [await server.acknowledged(envelope) for envelope in (first, second)]
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        await server.acknowledged(await server.say(ANN, "on it goes"))
    assert [ack.payload for ack in acks] == [None, None]
    assert [type(event).__name__ for event in dispatch.events] == ["Command", "Filled", "Said"]
    assert server.seen(ANN) == [["Posted."]]


async def test_a_form_opens_although_messages_before_it_still_wait(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(Outcome((Send(Message(text="one")),)), ASK)
    server.fail_next("chat.postMessage", "ratelimited", status=429, retry_after=2)
    async with running(surface, dispatch):
        await server.command(ANN, "/lightwork next")
        await server.until(lambda: ("chat.postMessage", "ratelimited") in server.refusals())
        await opened(server)
        assert server.inbox(ANN) == []


async def test_two_people_fill_in_the_same_form_at_once(server: SlackServer, surface: SlackSurface) -> None:
    dispatch = ScriptedDispatch(ASK, ASK)
    async with running(surface, dispatch):
        await opened(server)
        await server.command(BEN, "/lightwork post")
        await server.until(lambda: BEN in server.modals)
        for user in (ANN, BEN):
            await server.acknowledged(await server.submit(user, question=f"By {user}?"))
    filled = [event for event in dispatch.events if isinstance(event, Filled)]
    assert [(event.person.external_id, event.values["question"]) for event in filled] == [
        (ANN, f"By {ANN}?"),
        (BEN, f"By {BEN}?"),
    ]


async def test_a_form_and_a_replaced_card_together(server: SlackServer, surface: SlackSurface) -> None:
    card = Message(text="Job", buttons=((Button("Change", "change.a"),),))
    dispatch = ScriptedDispatch(Outcome((Send(card),)), Outcome((Edit(Message(text="Changing")), Ask(FORM, INSTEAD))))
    async with running(surface, dispatch):
        await server.command(ANN, "/lightwork next")
        await server.until(lambda: len(server.inbox(ANN)) == 1)
        await server.tap(ANN, server.inbox(ANN)[0]["ts"], "Change")
        await server.until(lambda: ANN in server.modals and server.seen(ANN) == [["Changing"]])
