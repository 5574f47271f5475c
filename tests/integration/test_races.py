"""Events that cross, repeat, or come in another order than they were meant to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core import reestimation
from core.answers import undo
from core.assignment import expire_leases, next_assignment
from core.db import reading, unit_of_work
from core.db.writer import GroupWriter, make_writer
from core.effects import Effect, EnqueueJob
from core.errors import Conflict
from core.labeling import skip, submit
from core.leases import active_lease
from core.models import Assignment, Cursor, Item, Participation, Project, Skill
from tests.factories import FakeClock, items_of, make_member, make_project
from tests.invariants import check_redundancy
from tests.waiting import wait_for_lock

WEB = "web"


def job_ids(effects: list[Effect]) -> list[str]:
    return [effect.job_id for effect in effects if isinstance(effect, EnqueueJob)]


class Desk:
    """One project and one worker, whose taps are single calls."""

    def __init__(self, engine: Engine, effects: list[Effect], texts: list[str], **options: Any) -> None:
        self.engine, self.effects, self.clock = engine, effects, FakeClock()
        with self.writing() as session:
            self.project_id = make_project(session, texts, **options).id
            self.worker_id = make_member(session).id

    def writing(self) -> Any:
        return unit_of_work(self.engine, self.effects.extend)

    def next(self, session: Session, worker_id: int | None = None) -> str:
        project = session.get_one(Project, self.project_id)
        lease = next_assignment(session, project, worker_id or self.worker_id, WEB, self.clock())
        return lease.public_id if lease else ""

    def taps(self, session: Session, verb: Callable[..., Any], public_id: str, version: int = 1, **more: Any) -> None:
        verb(
            session,
            worker_id=self.worker_id,
            assignment_public_id=public_id,
            version=version,
            now=self.clock(),
            **more,
        )


def test_an_old_skip_cannot_be_undone_over_a_newer_lease_or_answer(engine: Engine, effects: list[Effect]) -> None:
    desk = Desk(engine, effects, ["only"], min_overlap=3)
    with desk.writing() as session:
        old = desk.next(session)
    desk.clock.forward(601)
    with desk.writing() as session:
        expire_leases(session, desk.project_id, desk.clock())
    with desk.writing() as session:
        new = desk.next(session)
    with desk.writing() as session:
        desk.taps(session, skip, old)
    with pytest.raises(Conflict, match="too_late_to_undo"), desk.writing() as session:
        desk.taps(session, undo, old)
    with desk.writing() as session:
        desk.taps(session, submit, new, label_id="a")
    with pytest.raises(Conflict, match="too_late_to_undo"), desk.writing() as session:
        desk.taps(session, undo, old)
    with reading(engine) as session:
        check_redundancy(session)


def test_an_undone_surplus_answer_does_not_come_back_by_a_repeated_tap(engine: Engine, effects: list[Effect]) -> None:
    desk = Desk(engine, effects, ["only"], min_overlap=1, max_overlap=1)
    with desk.writing() as session:
        mine = desk.next(session)
        other = make_member(session, "Bob").id
    desk.clock.forward(601)
    with desk.writing() as session:
        expire_leases(session, desk.project_id, desk.clock())
        lease = desk.next(session, other)
        submit(session, worker_id=other, assignment_public_id=lease, label_id="a", version=1, now=desk.clock())
    with desk.writing() as session:
        desk.taps(session, submit, mine, label_id="b")
        desk.taps(session, undo, mine)
    with pytest.raises(Conflict, match="stale_button"), desk.writing() as session:
        desk.taps(session, submit, mine, label_id="b")


def test_undo_takes_the_answer_out_of_the_skill_too(engine: Engine, effects: list[Effect]) -> None:
    desk = Desk(engine, effects, ["one", "two"])
    with desk.writing() as session:
        mine = desk.next(session)
    for version in range(1, 6):
        with desk.writing() as session:
            desk.taps(session, submit, mine, version, label_id="a")
            desk.taps(session, undo, mine, version)
    with desk.writing() as session:
        desk.taps(session, submit, mine, 6, label_id="a")
        skill = session.get_one(Skill, (desk.worker_id, desk.project_id))
        assert sum(map(sum, skill.counts["matrix"])) == pytest.approx(1.0, abs=0.01)
        assert skill.annotation_count == 1


def test_skips_are_counted_once(engine: Engine, effects: list[Effect]) -> None:
    desk = Desk(engine, effects, ["one", "two"])
    with desk.writing() as session:
        mine = desk.next(session)
        desk.taps(session, skip, mine)
        desk.taps(session, undo, mine)
        desk.taps(session, skip, mine, 2)
        assert session.get_one(Participation, (desk.worker_id, desk.project_id)).skip_count == 1


@pytest.mark.parametrize("verb", [submit, skip])
def test_a_tap_from_before_an_undo_that_waited_for_it_is_stale(
    postgresql_engine: Engine, effects: list[Effect], verb: Callable[..., Any]
) -> None:
    desk = Desk(postgresql_engine, effects, ["one", "two"])
    with desk.writing() as session:
        mine = desk.next(session)
        desk.taps(session, submit, mine, label_id="a")
    caught: list[BaseException] = []

    def repeated() -> None:
        try:
            with desk.writing() as session:
                more: dict[str, Any] = {"label_id": "a"} if verb is submit else {}
                desk.taps(session, verb, mine, **more)
        except Conflict as error:
            caught.append(error)

    thread = threading.Thread(target=repeated)
    with desk.writing() as session:
        desk.taps(session, undo, mine)
        thread.start()
        wait_for_lock(postgresql_engine)
    thread.join(10)
    assert [error.code for error in caught if isinstance(error, Conflict)] == ["stale_button"]
    with reading(postgresql_engine) as session:
        assert session.scalars(select(Assignment.state).where(Assignment.public_id == mine)).one() == "active"


def test_the_same_person_twice_at_once_gets_one_lease(postgresql_engine: Engine, effects: list[Effect]) -> None:
    desk = Desk(postgresql_engine, effects, [str(number) for number in range(20)])
    writer = make_writer(postgresql_engine, effects.extend)
    together = threading.Barrier(4)

    def work(session: Session) -> str:
        project = session.get_one(Project, desk.project_id)
        active_lease(session, desk.worker_id, project.id)
        with suppress(threading.BrokenBarrierError):  # the second try finds it broken
            together.wait(1)
        return desk.next(session)

    found = [writer.submit(work) for _ in range(4)]
    assert len({one.result(20) for one in found}) == 1
    writer.close()
    with reading(postgresql_engine) as session:
        check_redundancy(session)


def test_items_that_are_locked_for_a_moment_are_not_passed_over(
    postgresql_engine: Engine, effects: list[Effect]
) -> None:
    desk = Desk(postgresql_engine, effects, [str(number) for number in range(40)])
    with desk.writing() as holding:
        first = items_of(holding, desk.project_id)[:20]
        holding.execute(select(Item.id).where(Item.id.in_([item.id for item in first])).with_for_update()).all()
        with desk.writing() as session:
            assert desk.next(session)
            passed = session.scalars(select(Cursor.rank)).first()
    assert passed is None or passed < first[0].rank
    with desk.writing() as session:
        idle = make_member(session, "Ida").id
    effects.clear()
    with desk.writing() as holding:
        holding.execute(select(Item.id).with_for_update()).all()
        with desk.writing() as session:
            assert desk.next(session, idle) == ""
    assert any(job_id.startswith("offer-") for job_id in job_ids(effects)), "work is there, and the worker is idle"


def test_leases_that_expire_while_others_tap_do_not_deadlock(postgresql_engine: Engine, effects: list[Effect]) -> None:
    """Both give slots back, which takes fresh ranks from the project: items must be locked before the project."""
    desk = Desk(postgresql_engine, effects, ["one", "two"], min_overlap=1, max_overlap=1)
    with desk.writing() as session:
        first = desk.next(session)
        other = make_member(session, "Bob").id
        desk.next(session, other)
    desk.clock.forward(601)
    order: list[str] = []

    def expire() -> None:
        with desk.writing() as session:
            expire_leases(session, desk.project_id, desk.clock())
        order.append("expired")

    thread = threading.Thread(target=expire)
    with desk.writing() as session:
        second = session.scalars(select(Assignment).where(Assignment.worker_id == other)).one()
        session.execute(select(Item.id).where(Item.id == second.item_id).with_for_update()).all()
        thread.start()
        wait_for_lock(postgresql_engine)
        session.get_one(Project, desk.project_id, with_for_update={"nowait": True})
    thread.join(10)
    assert order == ["expired"]
    assert first


def test_an_undo_holds_both_items_before_it_counts(postgresql_engine: Engine, effects: list[Effect]) -> None:
    """On their other device the same person may tap the item that gives way: it locks that one, and then the count."""
    desk = Desk(postgresql_engine, effects, ["one", "two"])
    with desk.writing() as session:
        first = desk.next(session)
        desk.taps(session, submit, first, label_id="a")
        second = desk.next(session)
    order: list[str] = []

    def take_back() -> None:
        with desk.writing() as session:
            desk.taps(session, undo, first)
        order.append("undone")

    thread = threading.Thread(target=take_back)
    with desk.writing() as session:
        given_up = session.scalars(select(Assignment).where(Assignment.public_id == second)).one()
        session.execute(select(Item.id).where(Item.id == given_up.item_id).with_for_update()).all()
        thread.start()
        wait_for_lock(postgresql_engine)
        counted = (desk.worker_id, desk.project_id)
        session.get_one(Participation, counted, with_for_update={"nowait": True})
    thread.join(10)
    assert order == ["undone"]


# --- re-estimation ----------------------------------------------------------------------------------------------


def answered_project(engine: Engine, effects: list[Effect]) -> Desk:
    desk = Desk(engine, effects, [str(number) for number in range(30)], min_overlap=3, max_overlap=5)
    for name in ("Bob", "Cid"):
        with desk.writing() as session:
            worker_id = make_member(session, name).id
            while public_id := desk.next(session, worker_id):
                submit(
                    session,
                    worker_id=worker_id,
                    assignment_public_id=public_id,
                    label_id="ab"[len(public_id) % 2],
                    version=1,
                    now=desk.clock(),
                )
    return desk


def test_an_answer_between_the_two_reads_of_a_re_estimation_is_kept(
    postgresql_engine: Engine, effects: list[Effect]
) -> None:
    desk = answered_project(postgresql_engine, effects)
    with desk.writing() as session:
        mine = desk.next(session)
    with reading(postgresql_engine) as session:
        before = session.scalars(select(Item).join(Assignment).where(Assignment.public_id == mine)).one()
    crossed: list[str] = []

    @event.listens_for(postgresql_engine, "after_cursor_execute")
    def cross(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        reads = statement.startswith(("SELECT item.id, item.revision", "SELECT annotation.item_id"))
        if reads and not crossed:
            crossed.append(statement)
            with desk.writing() as other:
                desk.taps(other, submit, mine, label_id="b")

    reestimation.reestimate(postgresql_engine, desk.project_id, effects.extend, desk.clock)
    assert crossed
    with reading(postgresql_engine) as session:
        item = session.get_one(Item, before.id)
        assert item.submitted == 3
        assert item.revision == before.revision + 1, "written by the answer alone, not over it"


def test_a_re_estimation_that_was_killed_is_done_again(
    engine: Engine, effects: list[Effect], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = answered_project(engine, effects)

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(reestimation, "_revise_items", killed)
        with pytest.raises(KeyboardInterrupt):
            reestimation.reestimate(engine, desk.project_id, effects.extend, desk.clock)
    assert reestimation.reestimate(engine, desk.project_id, effects.extend, desk.clock) > 0


# --- the writer -------------------------------------------------------------------------------------------------


def test_a_caller_who_went_away_does_not_stop_the_writer(engine: Engine) -> None:
    writer = make_writer(engine, lambda effects: None)
    started, go_on = threading.Event(), threading.Event()

    def slow(_session: Session) -> str:
        started.set()
        assert go_on.wait(10)
        return "slow"

    first, gone = writer.submit(slow), writer.submit(lambda _session: "gone")
    assert started.wait(10)
    first.cancel()
    gone.cancel()
    go_on.set()
    last: Future[str] = writer.submit(lambda _session: "still here")
    assert last.result(10) == "still here"
    writer.close()


def test_a_statement_that_cannot_run_costs_its_own_event_only(sqlite_engine: Engine) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(_session: Session) -> None:
        started.set()
        assert go_on.wait(10)

    writer = GroupWriter(sqlite_engine, lambda effects: None)
    writer.submit(slow)
    assert started.wait(10)
    broken = writer.submit(lambda session: session.execute(text("SELECT * FROM nowhere")).all())
    fine = writer.submit(lambda session: session.execute(text("SELECT 1")).scalar_one())
    go_on.set()
    assert fine.result(20) == 1
    with pytest.raises(OperationalError):
        broken.result(20)
    writer.close()
