"""Accounts are joined in the middle of a job: exact redundancy holds, and nobody gets an item twice."""

from __future__ import annotations

import random
from collections import defaultdict
from functools import partial

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from core.assignment import expire_leases, next_assignment
from core.db import reading, unit_of_work
from core.db.tables import table_of
from core.db.writer import make_writer
from core.effects import Effect
from core.errors import Conflict
from core.labeling import skip, submit
from core.leases import active_lease
from core.merging import merge, merge_strays
from core.models import Annotation, Assignment, Cursor, Identity, Membership, Participation, Project, Skill, Worker
from core.reestimation import reestimate
from tests.answering import undo_answer
from tests.factories import START, FakeClock, make_member, make_project
from tests.integration.merging.accounts import join, take, two_workers
from tests.invariants import check_redundancy

EVENTS = 160
ACCOUNTS = 14


class Linkers:
    """People with up to three accounts each, who answer on all of them and join them at any moment."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self.engine, self.clock, self.random = engine, FakeClock(), random.Random(seed)
        self.effects: list[Effect] = []
        self.dealt_with: dict[int, set[int]] = defaultdict(set)
        """By worker: items answered or skipped, on whichever account."""
        with unit_of_work(engine, self.effects.extend) as session:
            self.workers = [make_member(session, f"w{number}").id for number in range(ACCOUNTS)]
            self.projects = [
                make_project(session, [f"{name} {number}" for number in range(9)], min_overlap=2, max_overlap=5).id
                for name in ("one", "two")
            ]

    def step(self) -> None:
        """One random event."""
        self.clock.forward(self.random.choice([0.2, 1, 5]))
        acts = [(50, self.answer), (14, self.skip), (10, self.undo), (3, self.expire), (2, self.reestimate)]
        self.random.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()

    def lease(self) -> tuple[int, str, int, int] | None:
        """Whatever a random account holds or is given: worker, assignment, version, item."""
        worker, project_id = self.random.choice(self.workers), self.random.choice(self.projects)
        with unit_of_work(self.engine, self.effects.extend) as session:
            held = active_lease(session, worker, project_id)
            lease = held or next_assignment(session, session.get_one(Project, project_id), worker, "web", self.clock())
        if lease is None:
            return None
        assert lease.item_id not in self.dealt_with[worker], "an item that the person has dealt with"
        return worker, lease.public_id, lease.version, lease.item_id

    def answer(self) -> None:
        if (lease := self.lease()) is not None and self.random.random() < 0.8:
            worker, public_id, version, item_id = lease
            with unit_of_work(self.engine, self.effects.extend) as session:
                submit(
                    session,
                    worker_id=worker,
                    assignment_public_id=public_id,
                    label_id=self.random.choice("aab"),
                    version=version,
                    now=self.clock(),
                )
            self.dealt_with[worker].add(item_id)

    def skip(self) -> None:
        if (lease := self.lease()) is not None:
            worker, public_id, version, item_id = lease
            with unit_of_work(self.engine, self.effects.extend) as session:
                skip(session, worker_id=worker, assignment_public_id=public_id, version=version, now=self.clock())
            self.dealt_with[worker].add(item_id)

    def undo(self) -> None:
        """Of any answer or skip, also one that was superseded."""
        worker = self.random.choice(self.workers)
        with reading(self.engine) as session:
            mine = select(Assignment).where(Assignment.worker_id == worker)
            done = list(session.scalars(mine.where(Assignment.state.in_(("submitted", "skipped")))))
        if not done:
            return
        one = self.random.choice(done)
        try:
            with unit_of_work(self.engine, self.effects.extend) as session:
                undo_answer(session, worker, one, self.clock())
        except Conflict:
            return
        self.dealt_with[worker].discard(one.item_id)

    def expire(self) -> None:
        self.clock.forward(700)
        for project_id in self.projects:
            with unit_of_work(self.engine, self.effects.extend) as session:
                expire_leases(session, project_id, self.clock())

    def reestimate(self) -> None:
        for project_id in self.projects:
            reestimate(self.engine, project_id, self.effects.extend, self.clock)

    def merge(self) -> None:
        """Two accounts turn out to be one person's."""
        keep, other = self.random.sample(self.workers, 2)
        with unit_of_work(self.engine, self.effects.extend) as session:
            merge(session, keep, other, self.clock())
        self.workers.remove(other)
        self.dealt_with[keep] |= self.dealt_with.pop(other, set())

    def check(self) -> None:
        with reading(self.engine) as session:
            check_redundancy(session)
            for model in (Annotation, Assignment, Participation, Skill, Cursor, Membership, Identity):
                owners = set(session.scalars(select(table_of(model).c.worker_id)))
                merged = set(session.scalars(select(Worker.id).where(Worker.merged_into_id.is_not(None))))
                assert not owners & merged, f"{model.__name__} of a merged worker"


@pytest.mark.parametrize("seed", [1, 2])
def test_redundancy_holds_when_accounts_are_joined_in_the_middle_of_a_job(engine: Engine, seed: int) -> None:
    people = Linkers(engine, seed)
    superseded = select(func.count()).select_from(Annotation).where(Annotation.state == "superseded")
    for number in range(1, EVENTS + 1):
        people.step()
        if number % 14 == 0:
            people.merge()
            people.check()
        elif number % 5 == 0:
            people.check()
    with reading(engine) as session:
        assert session.scalar(superseded), "no item was ever answered by both"


def test_what_a_tap_of_that_moment_wrote_is_moved_by_the_sweep(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, "only", min_overlap=3, max_overlap=3)
    take(engine, project_id, keep, "a")
    join(engine, keep, other)
    take(engine, project_id, other)
    with unit_of_work(engine, lambda _: None) as session:
        assert merge_strays(session, START) == 1
    with unit_of_work(engine, lambda _: None) as session:
        assert merge_strays(session, START) == 0
        check_redundancy(session)
        assert set(session.scalars(select(Assignment.worker_id))) == {keep}
        assert sorted(session.scalars(select(Assignment.state))) == ["released", "submitted"]


def test_accounts_that_are_joined_while_both_answer(engine: Engine) -> None:
    """Taps of both accounts cross the merge: counts stay exact, and what came too late is moved by the sweep."""
    texts = [f"text {number}" for number in range(40)]
    keep, other, project_id = two_workers(engine, *texts, min_overlap=2, max_overlap=3)
    writer, clock = make_writer(engine, lambda _: None), FakeClock()

    def tap(session: Session, account: str) -> None:
        """As in chat: the account first, then the answer, then the next item, in one transaction."""
        worker_id = session.scalars(select(Identity.worker_id).where(Identity.surface == account)).one()
        project = session.get_one(Project, project_id)
        lease = next_assignment(session, project, worker_id, account, clock())
        if lease is not None:
            keys = {"worker_id": worker_id, "assignment_public_id": lease.public_id, "version": lease.version}
            submit(session, label_id="a", now=clock(), **keys)  # type: ignore[arg-type]
            next_assignment(session, project, worker_id, account, clock())

    with unit_of_work(engine, lambda _: None) as session:
        session.execute(update(Identity).where(Identity.worker_id == keep).values(surface="slack"))
    taps = [writer.submit(partial(tap, account=who)) for who in ("slack", "telegram") * 8]
    joining = writer.submit(lambda session: merge(session, keep, other, clock()))
    taps += [writer.submit(partial(tap, account=who)) for who in ("slack", "telegram") * 8]
    joining.result(30)
    failures = [type(one.exception(30)).__name__ for one in taps if one.exception(30) is not None]
    writer.close()
    assert set(failures) <= {"NoResultFound", "Conflict"}, "at most the taps of that moment are to be repeated"
    with unit_of_work(engine, lambda _: None) as session:
        merge_strays(session, clock())
    with reading(engine) as session:
        check_redundancy(session)
        assert set(session.scalars(select(Assignment.worker_id))) == {keep}
        assert set(session.scalars(select(Participation.worker_id))) == {keep}


def test_an_answer_is_looked_at_again_where_its_account_is_joined_between_its_statements(
    postgresql_engine: Engine,
) -> None:
    keep, other, project_id = two_workers(postgresql_engine, "text", min_overlap=2, max_overlap=3)
    writer, clock = make_writer(postgresql_engine, lambda _: None), FakeClock()
    with unit_of_work(postgresql_engine, lambda _: None) as session:
        lease = next_assignment(session, session.get_one(Project, project_id), other, "telegram", clock())
        assert lease is not None
        identity_id = session.scalars(select(Identity.id).where(Identity.worker_id == other)).one()
    looks: list[int] = []

    def tap(session: Session) -> None:
        looks.append(session.scalars(select(Identity.worker_id).where(Identity.id == identity_id)).one())
        if len(looks) == 1:
            with unit_of_work(postgresql_engine, lambda _: None) as joining:
                merge(joining, keep, other, clock())
        keys = {"worker_id": looks[-1], "assignment_public_id": lease.public_id, "version": lease.version}
        submit(session, label_id="a", now=clock(), **keys)  # type: ignore[arg-type]

    writer.submit(tap).result(30)
    writer.close()
    assert looks == [other, keep]
    with reading(postgresql_engine) as session:
        assert session.scalars(select(Annotation.worker_id)).all() == [keep]
