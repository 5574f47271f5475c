"""The parts of `make chaos` and `make soak` that could hide a fault."""

from __future__ import annotations

import asyncio

import pytest

from tests.chaos.faults import FAULTS, OF_POSTGRESQL, PROCESSES, plan
from tests.chaos.gate import Gate
from tests.soak.memory import growth
from tests.soak.retention import RULES
from tests.soak.soaking import Soaked
from tests.soak.verdict import check


def soaked(bot: list[float], rate: float = 60.0, members: int = 5) -> Soaked:
    samples = {"bot": bot, **{name: [50.0] * 10 for name in ("worker", "schedule", "trainer", "valkey")}}
    rows = dict.fromkeys(RULES, (5, 5)) | {"membership": (5, members), "annotation": (0, 1000)}
    return Soaked(60.0, 100.0, rate, [0.01], samples, rows, 1000)


def test_some_rounds_hold_every_kind_of_fault() -> None:
    drawn = {kind for seed in range(8) for kind in plan(10, "postgresql", seed)}
    assert drawn == set(FAULTS)
    assert plan(10, "sqlite", 1) == plan(10, "sqlite", 1) != plan(10, "sqlite", 2)
    assert not {kind for seed in range(20) for kind in plan(10, "sqlite", seed)} & set(OF_POSTGRESQL)
    assert sum(kind in PROCESSES for kind in plan(10, "sqlite", 3)) == 5


async def test_nobody_is_at_a_card_while_all_are_held() -> None:
    gate, at_card = Gate(), []

    async def work(number: int) -> None:
        for _ in range(20):
            async with gate.turn():
                at_card.append(number)
                await asyncio.sleep(0)
                at_card.remove(number)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(work(number))
        for _ in range(5):
            async with gate.held(5.0):
                assert at_card == []
                await asyncio.sleep(0)
                assert at_card == []


async def test_who_never_ends_is_not_waited_for_in_vain() -> None:
    gate = Gate()
    async with gate.turn():
        with pytest.raises(TimeoutError):
            async with gate.held(0.01):
                pass
    async with gate.held(1.0):
        pass


def test_growth_compares_the_ends() -> None:
    assert growth([100.0] * 10) == 0.0
    assert growth([100.0] * 5 + [500.0] + [110.0] * 4) == pytest.approx(0.1)


def test_what_grows_is_named() -> None:
    check(soaked([100.0] * 10))
    with pytest.raises(AssertionError, match="bot"):
        check(soaked([100.0 + 2 * step for step in range(10)]))
    with pytest.raises(AssertionError, match="membership"):
        check(soaked([100.0] * 10, members=505))
    with pytest.raises(AssertionError, match="kept up"):
        check(soaked([100.0] * 10, rate=30.0))
