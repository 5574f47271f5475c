"""Two workers become one in the middle of a job: exact redundancy holds, and nobody gets an item twice."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from core.answers import undo
from core.assignment import active_lease, expire_leases, next_assignment, set_standing
from core.db import reading, unit_of_work
from core.db.tables import table_of
from core.db.writer import make_writer
from core.effects import Effect
from core.enrolment import record_act
from core.errors import Conflict, Refused
from core.labeling import skip, submit
from core.merging import merge, merge_strays
from core.models import (
    Adjudication,
    Annotation,
    Assignment,
    Base,
    Cursor,
    Identity,
    Item,
    LogEntry,
    Membership,
    OutboxMessage,
    Participation,
    Project,
    Skill,
    Worker,
    Workspace,
)
from core.outbox import owe
from core.reestimation import reestimate
from tests.factories import START, FakeClock, add_items, make_member, make_project
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
                undo(
                    session,
                    worker_id=worker,
                    assignment_public_id=one.public_id,
                    version=one.version,
                    now=self.clock(),
                )
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


def two_workers(engine: Engine, *texts: str, **options: object) -> tuple[int, int, int]:
    """Ids of two workers and of a project."""
    with unit_of_work(engine, lambda _: None) as session:
        keep, other = make_member(session, "Keep"), make_member(session, "Other", surface="telegram")
        project = make_project(session, texts or ("one", "two"), **options)  # type: ignore[arg-type]
        return keep.id, other.id, project.id


def take(engine: Engine, project_id: int, worker_id: int, label: str = "", seconds: float = 0) -> tuple[str, int]:
    """Lease the next item, and answer it where a label is given; the assignment's public id and the item."""
    now = START + timedelta(seconds=seconds)
    with unit_of_work(engine, lambda _: None) as session:
        lease = next_assignment(session, session.get_one(Project, project_id), worker_id, "web", now)
        assert lease is not None
        if label:
            submit(
                session,
                worker_id=worker_id,
                assignment_public_id=lease.public_id,
                label_id=label,
                version=lease.version,
                now=now,
            )
        return lease.public_id, lease.item_id


def join(engine: Engine, keep: int, other: int, seconds: float = 100) -> None:
    with unit_of_work(engine, lambda _: None) as session:
        merge(session, keep, other, START + timedelta(seconds=seconds))
    with reading(engine) as session:
        check_redundancy(session)


def test_the_later_answer_is_superseded_and_its_slot_given_back(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, "only", min_overlap=2, max_overlap=2)
    take(engine, project_id, other, "a", 1)
    take(engine, project_id, keep, "b", 2)
    with reading(engine) as session:
        assert session.scalars(select(Item.state)).one() == "disputed"
    join(engine, keep, other)
    with reading(engine) as session:
        states = session.execute(select(Annotation.label_id, Annotation.state, Annotation.worker_id)).all()
        assert sorted(states) == [("a", "counted", keep), ("b", "superseded", keep)]
        item = session.scalars(select(Item)).one()
        assert (item.state, item.submitted, item.slots, item.label_id) == ("open", 1, 1, None)
        assert item.posterior is not None
        assert item.posterior[0] > item.posterior[1], "only the answer that stands is believed"
        assert session.scalars(select(Participation.annotation_count)).one() == 1


def test_an_agreement_of_one_person_with_themselves_is_none(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, "only", min_overlap=2, max_overlap=4, error_cost=1.0)
    take(engine, project_id, keep, "a", 1)
    take(engine, project_id, other, "a", 2)
    with reading(engine) as session:
        assert session.scalars(select(Item.state)).one() == "agreed"
    join(engine, keep, other)
    with reading(engine) as session:
        item = session.scalars(select(Item)).one()
        assert (item.state, item.submitted, item.decided_at) == ("open", 1, None)
        assert item.slots >= 1


def test_a_verdict_is_not_touched(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, "only", min_overlap=2, max_overlap=2)
    take(engine, project_id, keep, "a", 1)
    take(engine, project_id, other, "b", 2)
    with unit_of_work(engine, lambda _: None) as session:
        session.execute(update(Item).values(state="adjudicated", label_id="b"))
    join(engine, keep, other)
    with reading(engine) as session:
        item = session.scalars(select(Item)).one()
        assert (item.state, item.label_id, item.submitted, item.slots) == ("adjudicated", "b", 1, 0)


def test_of_two_leases_in_a_project_one_is_given_back(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, min_overlap=1, max_overlap=1)
    kept, _ = take(engine, project_id, keep)
    gone, item_id = take(engine, project_id, other)
    join(engine, keep, other)
    with reading(engine) as session:
        assert {row[0]: row[1] for row in session.execute(select(Assignment.public_id, Assignment.state))} == {
            kept: "active",
            gone: "released",
        }
        assert session.get_one(Item, item_id).slots == 1
        assert session.scalars(select(Participation.state)).one() == "working"


@pytest.mark.parametrize("side", ["keep", "other"])
def test_what_the_other_side_has_dealt_with_is_given_back(engine: Engine, side: str) -> None:
    keep, other, project_id = two_workers(engine, "only", min_overlap=3, max_overlap=3)
    holds, dealt = (keep, other) if side == "keep" else (other, keep)
    take(engine, project_id, dealt, "a")
    public_id, item_id = take(engine, project_id, holds)
    join(engine, keep, other)
    with reading(engine) as session:
        assert session.scalars(select(Assignment.state).where(Assignment.public_id == public_id)).one() == "released"
        assert session.get_one(Item, item_id).slots == 2
    with pytest.raises(Conflict, match="already_submitted"), unit_of_work(engine, lambda _: None) as session:
        submit(session, worker_id=keep, assignment_public_id=public_id, label_id="b", version=1, now=START)


def test_a_lease_in_another_project_is_taken_along(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine)
    with unit_of_work(engine, lambda _: None) as session:
        second_id = make_project(session, ["elsewhere"]).id
    take(engine, project_id, keep)
    public_id, _ = take(engine, second_id, other)
    join(engine, keep, other)
    with unit_of_work(engine, lambda _: None) as session:
        submit(session, worker_id=keep, assignment_public_id=public_id, label_id="a", version=1, now=START)


def test_counts_and_skills_are_added_up(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, *"abcd", min_overlap=3, max_overlap=3)
    for worker_id, count in ((keep, 2), (other, 4)):
        for _ in range(count):
            take(engine, project_id, worker_id, "a")
    with reading(engine) as session:
        counts = [row["matrix"] for row in session.scalars(select(Skill.counts))]
    join(engine, keep, other)
    with reading(engine) as session:
        participation = session.scalars(select(Participation)).one()
        skill = session.scalars(select(Skill)).one()
        assert participation.annotation_count == skill.annotation_count == 4, "two items were answered by both"
        assert sum(map(sum, skill.counts["matrix"])) == pytest.approx(4, abs=0.01)
        assert sum(sum(map(sum, matrix)) for matrix in counts) == pytest.approx(6, abs=0.01)


def test_a_worker_with_thousands_of_answers_can_be_joined(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine)
    with unit_of_work(engine, lambda _: None) as session:
        _answers_in_bulk(session, project_id, other, 3000)
    join(engine, keep, other)
    with reading(engine) as session:
        count = select(func.count()).select_from(Annotation)
        assert session.scalar(count.where(Annotation.worker_id == keep)) == 3000


def _answers_in_bulk(session: Session, project_id: int, worker_id: int, number: int) -> None:
    project = session.get_one(Project, project_id)
    batch = add_items(session, project, [f"bulk {one}" for one in range(number)])
    items = session.scalars(select(Item.id).where(Item.batch_id == batch.id)).all()
    common = {"project_id": project_id, "worker_id": worker_id, "guidelines_version": 1}
    leases = [
        {**common, "item_id": item, "state": "submitted", "surface": "web", "leased_at": START, "expires_at": START}
        for item in items
    ]
    session.execute(table_of(Assignment).insert(), leases)
    rows = session.execute(select(Assignment.id, Assignment.item_id).where(Assignment.worker_id == worker_id)).all()
    answers = [
        {
            **common,
            "item_id": row.item_id,
            "assignment_id": row.id,
            "label_id": "a",
            "value": {"choice": "a"},
            "state": "counted",
            "duration_ms": 1,
            "created_at": START,
        }
        for row in rows
    ]
    session.execute(table_of(Annotation).insert(), answers)
    session.execute(update(Item).where(Item.batch_id == batch.id).values(submitted=1))
    set_standing(session, worker_id, project_id, "idle", START)
    session.execute(update(Participation).values(annotation_count=number))


def test_everything_that_points_to_the_other_worker_points_to_the_kept_one(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine)
    take(engine, project_id, other, "a")
    with unit_of_work(engine, lambda _: None) as session:
        project = session.get_one(Project, project_id)
        project.created_by_id = other
        item_id = session.scalars(select(Item.id)).first()
        session.add(
            Adjudication(project_id=project_id, item_id=item_id, worker_id=other, label_id="a", created_at=START)
        )
        owe(
            session,
            worker_id=other,
            workspace_id=project.workspace_id,
            kind="import_done",
            params={},
            dedupe_key="one",
            now=START,
        )
        record_act(session, project.workspace_id, other, "post", "", START)
    join(engine, keep, other)
    worker_key = table_of(Worker).c.id
    with reading(engine) as session:
        for table in Base.metadata.sorted_tables:
            for column in (one for one in table.c if one.references(worker_key)):
                found = session.scalar(select(func.count()).select_from(table).where(column == other))
                assert not found or table.name == "log_entry", f"{table.name}.{column.name}"
        assert other in session.scalars(select(LogEntry.worker_id)).all(), "the log is never changed"
        assert session.scalars(select(OutboxMessage.worker_id)).one() == keep
        gone = session.get_one(Worker, other)
        assert (gone.merged_into_id, gone.name) == (keep, "")


def test_the_higher_role_and_the_graver_status_win(engine: Engine) -> None:
    keep, other, _ = two_workers(engine)
    with unit_of_work(engine, lambda _: None) as session:
        elsewhere = Workspace(name="Elsewhere", created_at=START)
        session.add(elsewhere)
        session.flush()
        session.add(Membership(workspace_id=elsewhere.id, worker_id=other, role="owner", created_at=START))
        session.execute(
            update(Membership)
            .where(Membership.worker_id == other, Membership.role == "worker")
            .values(role="expert", status="banned")
        )
    join(engine, keep, other)
    with reading(engine) as session:
        found = session.execute(select(Membership.role, Membership.status).where(Membership.worker_id == keep))
        assert sorted(found) == [("expert", "banned"), ("owner", "active")]


def test_who_was_merged_or_forgotten_cannot_be_merged_again(engine: Engine) -> None:
    keep, other, _ = two_workers(engine)
    join(engine, keep, other)
    for pair in ((keep, other), (other, keep)):
        with pytest.raises(Conflict, match="link_gone"), unit_of_work(engine, lambda _: None) as session:
            merge(session, *pair, START)


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


def test_a_refused_tap_of_a_merged_worker_changes_nothing(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine)
    public_id, _ = take(engine, project_id, other)
    join(engine, keep, other)
    with pytest.raises(Refused), unit_of_work(engine, lambda _: None) as session:
        submit(session, worker_id=other, assignment_public_id=public_id, label_id="a", version=1, now=START)


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
