"""A budget is never exceeded, whatever people do at once; when it is used up, the coordinator is told, once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select

from core.aims import Aim
from core.changes import apply_overlap
from core.db import is_sqlite
from core.errors import Conflict
from core.importing import append_item
from core.models import OutboxMessage
from core.runtime import Runtime
from core.steering import set_aim
from tests.integration.steering.crowd import Crowd
from tests.invariants import check_redundancy


def budget(answers: int) -> Aim:
    return Aim("budget", budget=answers)


def told(crowd: Crowd) -> list[OutboxMessage]:
    with crowd.runtime.reading() as session:
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "budget_used")))


def test_nobody_gets_more_than_the_budget_has(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=10, workers=6, min_overlap=3, max_overlap=5)
    crowd.aims(budget(17))
    assert crowd.claimed() == 17, "all of it is given out at once"
    for _ in range(40):
        for worker in crowd.workers:
            crowd.answer(worker)
            assert crowd.used() <= 17
        crowd.background()
    assert crowd.used() == 17
    answers = sorted(item.submitted for item in crowd.items())
    assert (answers[0], answers[-1]) == (1, 2), "breadth first"
    with runtime.reading() as session:
        check_redundancy(session)


def test_the_coordinator_is_told_once_and_again_after_it_was_raised(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=4, min_overlap=2, max_overlap=4)
    crowd.aims(budget(5))
    assert told(crowd) == []
    for _ in range(3):
        for worker in crowd.workers:
            crowd.answer(worker)
        crowd.background()
    assert [message.params["budget"] for message in told(crowd)] == [5]
    assert all(crowd.next(worker) is None for worker in crowd.workers)
    crowd.aims(budget(7))
    assert crowd.claimed() == 7
    while any(crowd.answer(worker) for worker in crowd.workers):
        crowd.background()
    assert sorted(message.params["budget"] for message in told(crowd)) == [5, 7]


def test_a_generous_budget_stops_where_answers_do_not_pay(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=6, min_overlap=2, max_overlap=5)
    crowd.aims(budget(1000))
    for _ in range(20):
        for worker in crowd.workers:
            crowd.answer(worker)
        crowd.background()
    assert set(crowd.states()) == {"agreed"}
    assert crowd.used() < 30
    assert told(crowd) == []


def test_a_budget_below_what_is_given_is_refused(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=4)
    for worker in crowd.workers[:3]:
        crowd.answer(worker)
    assert crowd.next(crowd.workers[3]) is not None
    with pytest.raises(Conflict, match="budget_too_small"), runtime.writing() as session:
        set_aim(session, crowd.project(session), budget(3), crowd.owner, crowd.clock())
    crowd.aims(budget(4))
    assert [crowd.next(worker) for worker in crowd.workers[:3]] == [None] * 3
    assert crowd.used() == 4


def test_an_answer_after_its_time_takes_nothing_beyond_the_budget(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=1, workers=3, min_overlap=1, max_overlap=3)
    crowd.aims(budget(1))
    late, other, _ = crowd.workers
    lease = crowd.next(late)
    assert lease is not None
    crowd.clock.forward(601)
    crowd.expire()
    assert crowd.answer(other) is not None
    with pytest.raises(Conflict, match="budget_over_time"):
        crowd.say(lease, late, 0)
    assert crowd.used() == 1


def test_late_answers_count_where_the_budget_has_room(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=1, workers=3, min_overlap=1, max_overlap=1)
    crowd.aims(budget(2))
    late, other, _ = crowd.workers
    lease = crowd.next(late)
    assert lease is not None
    crowd.clock.forward(601)
    crowd.expire()
    assert crowd.answer(other) is not None
    crowd.say(lease, late, 0)
    assert crowd.used() == 2


def test_undo_and_expiry_give_places_back_without_making_more(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=5, workers=5, min_overlap=2, max_overlap=4)
    crowd.aims(budget(8))
    for round_ in range(6):
        for worker in crowd.workers:
            crowd.next(worker)
        crowd.clock.forward(601)
        crowd.expire()
        assert crowd.claimed() <= 8, round_
        crowd.background()
    while any(crowd.answer(worker) for worker in crowd.workers):
        assert crowd.claimed() <= 8
        crowd.background()
    assert crowd.used() == 8


def test_new_items_wait_for_their_places(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=2, min_overlap=1, max_overlap=2)
    crowd.aims(budget(3))
    assert crowd.claimed() == 2
    with runtime.writing() as session:
        for text in ("late one", "late two"):
            append_item(session, crowd.project(session), text, crowd.owner, crowd.clock())
    assert crowd.claimed() == 2, "no place came with them"
    crowd.background()
    assert [item.slots for item in crowd.items()] == [1, 1, 1, 0]


def test_lifting_the_budget_opens_what_was_held_back(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=6, workers=8, min_overlap=2, max_overlap=3)
    crowd.aims(budget(3))
    while any(crowd.answer(worker) for worker in crowd.workers):
        crowd.background()
    assert crowd.used() == 3
    crowd.aims(Aim())
    apply_overlap(runtime.engine, crowd.id, runtime.run_effects, crowd.clock)
    while any(crowd.answer(worker) for worker in crowd.workers):
        pass
    assert set(crowd.states()) <= {"agreed", "disputed"}


def test_people_at_once_take_no_more_than_there_is(runtime: Runtime, engine: Engine) -> None:
    crowd = Crowd(runtime, items=12, workers=8, min_overlap=3, max_overlap=5)
    crowd.aims(budget(20))

    def work(worker: int) -> None:
        for _ in range(10):
            lease = crowd.next(worker)
            if lease is not None:
                crowd.say(lease, worker, crowd.truth[lease.item_id])

    def often() -> None:
        for _ in range(8):
            crowd.background()

    with ThreadPoolExecutor(1 if is_sqlite(engine) else 8) as pool:
        background = pool.submit(often)
        list(pool.map(work, crowd.workers))
        background.result()
    crowd.background()
    for worker in crowd.workers:
        while crowd.answer(worker) is not None:
            pass
    assert crowd.used() <= 20
    with runtime.reading() as session:
        check_redundancy(session)
