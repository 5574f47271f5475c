"""What a job aims at moves how many answers it takes, in small steps."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from core.aggregation.controllers import STEP
from core.aims import Aim, information_wanted
from core.errors import InvalidInput
from core.forecast import forecast
from core.models import Item
from core.runtime import Runtime
from core.steering import reached, set_aim
from tests.integration.steering.crowd import Crowd
from tests.invariants import check_redundancy


def information(crowd: Crowd) -> float:
    with crowd.runtime.reading() as session:
        return information_wanted(crowd.project(session))


def at_work(crowd: Crowd, skill: float) -> None:
    """Everybody answers whatever there is, with the background every few answers."""
    crowd.skill = dict.fromkeys(crowd.workers, skill)
    while sum(crowd.answer(worker) is not None for worker in crowd.workers for _ in range(5)):
        crowd.background()
    crowd.background()


@pytest.mark.parametrize(("target", "higher"), [(0.999, False), (0.51, True)])
def test_a_target_is_steered_towards(runtime: Runtime, target: float, higher: bool) -> None:
    crowd = Crowd(runtime, items=40, workers=6, min_overlap=2, max_overlap=6)
    crowd.aims(Aim("accuracy", target=target))
    before = information(crowd)
    at_work(crowd, 0.85)
    assert (information(crowd) > before) is higher
    with runtime.reading() as session:
        check_redundancy(session)


def test_steps_are_small(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=40, workers=4, min_overlap=2, max_overlap=4)
    at_work(crowd, 0.9)
    crowd.aims(Aim("accuracy", target=0.999))
    for _ in range(3):
        before = information(crowd)
        crowd.aims(Aim("accuracy", target=0.999 - 0.0001 * before))
        assert before / STEP <= information(crowd) * 1.0001
        assert information(crowd) <= before * STEP


def test_dearer_errors_take_more_answers(runtime: Runtime) -> None:
    taken = {}
    for cost in (2.0, 200.0):
        crowd = Crowd(runtime, items=30, workers=8, seed=1, min_overlap=1, max_overlap=8)
        crowd.aims(Aim(error_cost=cost))
        at_work(crowd, 0.8)
        taken[cost] = crowd.used()
    assert taken[2.0] < taken[200.0]


def test_items_that_are_decided_are_asked_on_where_errors_become_dear(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=30, workers=8, min_overlap=1, max_overlap=8)
    crowd.aims(Aim(error_cost=1.5))
    at_work(crowd, 0.85)
    assert set(crowd.states()) == {"agreed"}
    crowd.aims(Aim(error_cost=500.0))
    assert "open" in crowd.states()


def test_the_usual_aim_is_what_it_was(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=2)
    assert information(crowd) == 1 / 20
    crowd.aims(Aim("accuracy", target=0.95))
    assert information(crowd) == 0.05
    crowd.aims(Aim())
    assert information(crowd) == 1 / 20


def test_what_is_expected_needs_enough_items(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=25, workers=4, min_overlap=2, max_overlap=3)
    with runtime.reading() as session:
        assert reached(session, crowd.project(session)).accuracy is None
    at_work(crowd, 1.0)
    with runtime.reading() as session:
        so_far = reached(session, crowd.project(session))
    assert so_far.decided == 25
    assert so_far.accuracy is not None
    assert 0.8 < so_far.accuracy <= 1.0
    with runtime.writing() as session:
        session.execute(update(Item).values(state="adjudicated"))
        assert reached(session, crowd.project(session)).accuracy == 1.0


def test_the_aim_and_the_forecast_expect_the_same(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=25, workers=4, min_overlap=2, max_overlap=3)
    at_work(crowd, 1.0)
    with runtime.reading() as session:
        project = crowd.project(session)
        said = forecast(session, project, crowd.clock()).accuracy
        assert said is not None
        assert reached(session, project).accuracy == pytest.approx(said.middle)
        assert said.low < said.middle < said.high


@pytest.mark.parametrize(
    ("aim", "code"),
    [
        (Aim("accuracy", target=1.0), "bad_target"),
        (Aim("accuracy"), "bad_target"),
        (Aim("budget", budget=0), "bad_budget"),
        (Aim(error_cost=0.5), "bad_error_cost"),
    ],
)
def test_aims_that_cannot_be(runtime: Runtime, aim: Aim, code: str) -> None:
    crowd = Crowd(runtime, items=1)
    with pytest.raises(InvalidInput, match=code), runtime.writing() as session:
        set_aim(session, crowd.project(session), aim, crowd.owner, crowd.clock())
