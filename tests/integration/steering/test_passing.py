"""Whose answer is worth too little is passed over while somebody better is there; nobody waits for people not there."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from core.aggregation.confusion import Counts
from core.models import Item, OutboxMessage, Participation, Project
from core.offers import offer_work
from core.openings import has_work
from core.runtime import Runtime
from core.search import JUDGED_FROM, PATIENCE, Seeker, search
from core.skills import crowd_model, save_counts
from tests.factories import items_of
from tests.integration.steering.crowd import Crowd
from tests.invariants import check_redundancy

GOOD = Counts(matrix=[[19.0, 1.0], [1.0, 19.0]])
GUESSING = Counts(matrix=[[10.0, 10.0], [10.0, 10.0]])


def give_skill(crowd: Crowd, worker: int, counts: Counts) -> None:
    with crowd.runtime.writing() as session:
        save_counts(session, worker, crowd.id, counts, crowd_model(crowd.project(session)), 40, crowd.clock())


def two_people(runtime: Runtime) -> tuple[Crowd, int, int]:
    """Somebody who knows, and somebody who guesses; both have been at work just now."""
    crowd = Crowd(runtime, items=10, workers=2, min_overlap=1, max_overlap=1)
    good, guessing = crowd.workers
    assert crowd.answer(guessing) is not None
    assert crowd.answer(good) is not None
    give_skill(crowd, good, GOOD)
    give_skill(crowd, guessing, GUESSING)
    return crowd, good, guessing


def told(crowd: Crowd, worker: int) -> list[str]:
    with crowd.runtime.reading() as session:
        mine = select(OutboxMessage).where(OutboxMessage.worker_id == worker, OutboxMessage.kind == "training")
        return [message.params["code"] for message in session.scalars(mine.order_by(OutboxMessage.id))]


def test_who_guesses_gets_nothing_while_others_are_there_and_is_told(runtime: Runtime) -> None:
    crowd, good, guessing = two_people(runtime)
    assert crowd.next(guessing) is None
    assert crowd.next(guessing) is None
    assert crowd.restriction(guessing) == "training"
    assert told(crowd, guessing) == ["training_waits"], "once, and there is nothing to practise on"
    with runtime.writing() as session:
        project = crowd.project(session)
        assert not has_work(session, project, guessing, crowd.clock())
        assert has_work(session, project, good, crowd.clock())


def test_of_few_answers_nobody_says_that_they_tell_nothing(runtime: Runtime) -> None:
    crowd, _, guessing = two_people(runtime)
    few = (JUDGED_FROM - 1.0) / 4.0
    give_skill(crowd, guessing, Counts(matrix=[[few, few], [few, few]]))
    with runtime.writing() as session:
        crowd.project(session).quality = {"least_accuracy": 0.7}
    assert crowd.next(guessing) is not None
    assert crowd.restriction(guessing) == ""
    assert told(crowd, guessing) == []


def test_they_come_back_as_soon_as_their_answers_tell_something(runtime: Runtime) -> None:
    crowd, _, guessing = two_people(runtime)
    assert crowd.next(guessing) is None
    give_skill(crowd, guessing, GOOD)
    assert crowd.answer(guessing) is not None
    assert crowd.restriction(guessing) == ""
    assert told(crowd, guessing) == ["training_waits", "training_over"]


def test_after_a_day_they_may_show_what_they_can_do(runtime: Runtime) -> None:
    crowd, good, guessing = two_people(runtime)
    assert crowd.next(guessing) is None
    crowd.clock.forward(timedelta(days=1).total_seconds())
    crowd.answer(good)
    give_skill(crowd, good, GOOD)
    assert crowd.answer(guessing) is not None, "somebody better is there, and still"
    assert crowd.restriction(guessing) == ""
    give_skill(crowd, guessing, GUESSING)
    assert crowd.answer(guessing) is not None, "for a while"
    give_skill(crowd, guessing, GUESSING)
    crowd.clock.forward(3600)
    crowd.answer(good)
    give_skill(crowd, good, GOOD)
    assert crowd.next(guessing) is None


def test_a_job_finishes_with_nobody_but_weak_people(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=8, workers=4, min_overlap=2, max_overlap=3)
    for worker in crowd.workers:
        give_skill(crowd, worker, GUESSING)
    for _ in range(60):
        for worker in crowd.workers:
            crowd.answer(worker)
            give_skill(crowd, worker, GUESSING)
    assert "open" not in crowd.states()
    with runtime.reading() as session:
        check_redundancy(session)


def test_nobody_waits_for_who_has_left_or_has_answered_already(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=2, workers=2, min_overlap=2, max_overlap=2)
    good, guessing = crowd.workers
    give_skill(crowd, good, GOOD)
    first = crowd.answer(good)
    give_skill(crowd, guessing, GUESSING)
    lease = crowd.next(guessing)
    assert lease is not None
    assert lease.item_id == first, "they have answered it already, so there is nobody better for it"
    crowd.say(lease, guessing, 0)
    give_skill(crowd, guessing, GUESSING)
    assert crowd.next(guessing) is None
    crowd.clock.forward(PATIENCE.total_seconds() + 1)
    assert crowd.next(guessing) is not None, "nobody better has been seen for a while"


def test_an_item_that_is_nearly_sure_goes_to_who_tells_more(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=2, workers=2, min_overlap=1, max_overlap=5)
    good, weak = crowd.workers
    crowd.answer(good)
    give_skill(crowd, good, GOOD)
    give_skill(crowd, weak, Counts(matrix=[[14.0, 10.0], [10.0, 14.0]]))
    with runtime.writing() as session:
        nearly = items_of(session, crowd.id)[1].id
        values = {"posterior": [0.93, 0.07], "submitted": 0}
        session.execute(update(Item).where(Item.id == nearly).values(values))
        project = session.get_one(Project, crowd.id)
        project.min_overlap = 0  # as if it had its least answers
        assert search(session, project, Seeker(weak, crowd.clock()), lease=False).passed
        assert search(session, project, Seeker(good, crowd.clock()), lease=False).item_id == nearly
        session.rollback()


def test_who_is_paused_gets_nothing_and_is_offered_nothing(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=4, workers=1)
    (worker,) = crowd.workers
    crowd.answer(worker)
    with runtime.writing() as session:
        session.execute(update(Participation).values(restriction="paused"))
    assert crowd.next(worker) is None
    with runtime.writing() as session:
        session.execute(update(Participation).values(state="idle"))
        assert offer_work(session, crowd.id, crowd.clock()) == 0
        assert not has_work(session, crowd.project(session), worker, crowd.clock())


def test_a_document_is_read_once_and_in_its_order(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=8, workers=1, min_overlap=1, max_overlap=1)
    with runtime.writing() as session:
        for place, item in enumerate(items_of(session, crowd.id)):
            item.group_key, item.position = f"document {place % 2}", place // 2
    (reader,) = crowd.workers
    read = [crowd.answer(reader) for _ in range(8)]
    by_id = {item.id: (item.group_key, item.position) for item in crowd.items()}
    order = [by_id[item_id] for item_id in read if item_id is not None]
    assert order == [(f"document {document}", position) for document in (0, 1) for position in range(4)]


def test_offers_go_first_to_who_tells_most(runtime: Runtime) -> None:
    crowd = Crowd(runtime, items=1, workers=3, min_overlap=1, max_overlap=1)
    _, good, _ = crowd.workers
    give_skill(crowd, good, GOOD)
    with runtime.writing() as session:
        assert offer_work(session, crowd.id, crowd.clock()) == 1
        asked = session.scalars(select(Participation.worker_id).where(Participation.state == "offered")).all()
    assert list(asked) == [good]
