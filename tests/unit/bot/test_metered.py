"""Every event is counted once, by what came of it, also where that came late."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from bot.metered import Metered
from bot.surface import Command, Event, Outcome, Person, Tapped


def counted(surface: str, kind: str, outcome: str) -> float:
    labels = {"surface": surface, "kind": kind, "outcome": outcome}
    return REGISTRY.get_sample_value("lightwork_events_total", labels) or 0.0


def timed(surface: str, kind: str) -> float:
    return REGISTRY.get_sample_value("lightwork_event_seconds_count", {"surface": surface, "kind": kind}) or 0.0


@pytest.mark.parametrize(
    ("refused", "outcome"),
    [(None, "ok"), ("already_submitted", "refused"), ("overloaded", "overloaded"), ("unexpected", "failed")],
)
async def test_an_event_is_counted_by_its_outcome(refused: str | None, outcome: str) -> None:
    async def dispatch(_event: Event) -> Outcome:
        return Outcome(refused=refused)

    ann = Person("here", "", "ann", "ann")
    before, times = counted("here", "tap", outcome), timed("here", "tap")
    assert (await Metered(dispatch)(Tapped(ann, "next"))).refused == refused
    assert counted("here", "tap", outcome) == before + 1
    assert timed("here", "tap") == times + 1


async def test_a_late_event_is_counted_when_it_is_done_whoever_waits() -> None:
    commit: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def dispatch(_event: Event) -> Outcome:
        return Outcome(follow_up=commit)

    outcome = await Metered(dispatch)(Command(Person("late", "", "ann", "ann"), "next"))
    assert outcome.late
    assert timed("late", "command") == 0
    commit.set_result(Outcome(refused="overloaded"))
    assert outcome.follow_up is not None
    await outcome.follow_up
    await asyncio.sleep(0)
    assert counted("late", "command", "overloaded") == 1
    assert timed("late", "command") == 1


async def test_a_late_event_that_was_cancelled_counts_as_nothing() -> None:
    commit: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def dispatch(_event: Event) -> Outcome:
        return Outcome(follow_up=commit)

    await Metered(dispatch)(Command(Person("gone", "", "ann", "ann"), "next"))
    commit.cancel()
    await asyncio.sleep(0)
    assert timed("gone", "command") == 0
