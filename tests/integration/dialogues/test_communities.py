"""Several communities of one person: made, named, switched, and closed to others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from core.clock import now
from core.models import Assignment, Participation, Workspace
from tests.factories import make_project
from tests.fakes.chat import Chat


async def test_an_owner_makes_another_community_and_goes_back(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ("sun",), ("Good", "Bad"))
    olga = await chat.member("Olive", "owner")
    assert "the only one" in await olga.says("/workspace")
    assert "You own “Bird watchers” now" in await olga.says("/workspace new  Bird   watchers")
    assert "1 member" in await olga.says("/workers")
    assert "no open job" in await olga.says("/next")
    assert "It is called “Birds” now" in await olga.says("/workspace rename Birds")
    assert "You are in “Birds”, as owner." in await olga.says("/workspace")
    assert olga.buttons() == ["Lightwork", "Currency: USD"]
    back = olga.button("Lightwork").payload
    assert "You are in “Lightwork” now, as owner." in await olga.taps("Lightwork")
    assert "sun" in await olga.says("/next")
    assert "Birds" not in await olga.says("/log"), "what was done there is not shown here"
    await olga.taps_payload(back)
    assert olga.refused is None, "a second tap changes nothing"


async def test_switching_gives_back_what_was_held(chat: Chat) -> None:
    with chat.writing() as session:
        make_project(session, ("sun",), ("Good", "Bad"))
    olga = await chat.member("Olive", "owner")
    await olga.says("/next")
    await olga.says("/workspace new Birds")
    with chat.writing() as session:
        assert session.scalars(select(Assignment.state)).one() == "released"
        assert session.scalars(select(Participation.state)).one() == "away"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("new", "workspace_how"),
        ("rename   ", "workspace_how"),
        ("dance", "workspace_how"),
        (f"new {'x' * 61}", "workspace_name_long"),
    ],
)
async def test_communities_without_a_proper_name_are_refused(chat: Chat, said: str, code: str) -> None:
    olga = await chat.member("Olga", "owner")
    await olga.says(f"/workspace {said}")
    assert olga.refused == code


async def test_who_may_make_and_rename_communities(chat: Chat) -> None:
    otto = await chat.member("Otto", "coordinator")
    for said in ("new Birds", "rename Birds"):
        await otto.says(f"/workspace {said}")
        assert otto.refused == "needs_role"
    slack = chat.someone("Sue")
    slack.person = replace(slack.person, surface="slack", tenant="T1")
    await slack.says(f"/start {chat.invite('owner')}")
    assert "In Slack there is one community" in await slack.says("/workspace new Birds")


async def test_communities_of_others_are_not_to_be_had(chat: Chat) -> None:
    ann = await chat.member("Ann")
    with chat.writing() as session:
        other = Workspace(name="Secret", created_at=now())
        session.add(other)
        session.flush()
        public_id = other.public_id
    for forged in (public_id, "x", ""):
        heard = await ann.taps_payload(f"inws.{forged}..0")
        assert ann.refused == "workspace_unknown"
        assert "Secret" not in heard


async def test_an_owner_changes_the_currency_and_all_money_follows(chat: Chat) -> None:
    olga, ann = await chat.member("Olive", "owner"), await chat.member("Ann")
    with chat.writing() as session:
        make_project(session, ("sun",), ("Good", "Bad"), price=5)
    assert "$0.05 per answer" in await ann.says("/jobs")
    await olga.says("/workspace")
    heard = await olga.taps("Currency: USD")
    assert "Money is counted in US Dollar (USD) here, for example $12.34." in heard
    assert olga.buttons() == ["EUR", "GBP", "CNY", "INR", "JPY"]
    heard = await olga.taps("EUR")
    assert "Money is counted in Euro (EUR) from now on" in heard
    assert "what was $12.34 is €12.34 now" in heard
    assert "€0.05 per answer" in await ann.says("/jobs")
    await ann.says("/next")
    await ann.taps("Good")
    assert "€0.05" in await olga.says("/costs")
    assert "Money is counted in Swiss Franc (CHF) from now on" in await olga.says("/workspace currency  chf ")
    await olga.says("/workspace currency CHF")
    log = await olga.says("/log")
    assert "Olive changed the currency: USD → EUR" in log
    assert log.count("changed the currency") == 2, "the same once more is no change"


@pytest.mark.parametrize("code", ["XXX", "DEM", "dollars", "€", "🙂", "EU", "XAU"])
async def test_what_nobody_pays_with_is_no_currency(chat: Chat, code: str) -> None:
    olga = await chat.member("Olga", "owner")
    heard = await olga.says(f"/workspace currency {code}")
    assert olga.refused == "currency_unknown"
    assert "Send its code of three letters" in heard
    with chat.writing() as session:
        assert session.scalars(select(Workspace.currency)).all() == ["USD"]


async def test_only_owners_of_a_community_change_its_currency(chat: Chat) -> None:
    olga, otto = await chat.member("Olga", "owner"), await chat.member("Otto", "coordinator")
    await otto.says("/workspace currency EUR")
    assert otto.refused == "needs_role"
    await otto.says("/workspace")
    assert otto.buttons() == []
    for forged in ("currency..EUR.0", "currency...0"):
        await otto.taps_payload(forged)
        assert otto.refused == "unknown_button"
    await olga.taps_payload("currency..XYZ.0")
    assert olga.refused == "currency_unknown"
    await olga.says("/workspace new Birds")
    await olga.says("/workspace currency EUR")
    with chat.writing() as session:
        currencies = session.execute(select(Workspace.name, Workspace.currency).order_by(Workspace.id)).all()
        assert [tuple(row) for row in currencies] == [("Lightwork", "USD"), ("Birds", "EUR")]
