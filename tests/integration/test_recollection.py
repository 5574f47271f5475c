"""After a ban, what one person alone decided is asked again; what others carry stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis
from sqlalchemy import Engine, func, select, update

from core import recollection
from core.assignment import next_assignment
from core.config import Settings
from core.effects import EnqueueJob
from core.enrolment import Account, ensure_workspace
from core.errors import Conflict, Refused
from core.items import lock_item
from core.members import find_member
from core.membership import set_status
from core.models import Annotation, Identity, Item, LogEntry, Membership, OutboxMessage, Participation, Project, Worker
from core.recollection import order_recollection, recollect, unfinished_recollections
from core.runtime import Runtime
from core.sweep import sweep_rest
from tests.answering import give
from tests.factories import START, FakeClock, make_member, make_project, make_runtime
from tests.invariants import check_redundancy


class Job:
    """A job, a person who is going to be banned, and people who are not."""

    def __init__(
        self, runtime: Runtime, *texts: str, minimum: int = 1, maximum: int = 3, error_cost: float = 1.0
    ) -> None:
        self.runtime, self.clock = runtime, FakeClock()
        with runtime.writing() as session:
            self.coordinator = make_member(session, "Olga", "coordinator").id
            self.banned = make_member(session, "Mallory").id
            self.others = [make_member(session, f"Other {number}").id for number in range(3)]
            project = make_project(
                session, texts, ("A", "B"), min_overlap=minimum, max_overlap=maximum, error_cost=error_cost
            )
            self.project_id, self.workspace_id = project.id, project.workspace_id

    def answers(self, worker_id: int, label: str, number: int = 1) -> None:
        """Somebody answers the next items."""
        for _ in range(number):
            with self.runtime.writing() as session:
                project = session.get_one(Project, self.project_id)
                lease = next_assignment(session, project, worker_id, "web", self.clock.forward(1))
                assert lease is not None
                give(session, worker_id, lease, label, self.clock())

    def account(self, worker_id: int) -> Account:
        with self.runtime.reading() as session:
            identity = session.scalars(select(Identity).where(Identity.worker_id == worker_id)).one()
            membership = session.scalars(select(Membership).where(Membership.worker_id == worker_id)).one()
            return Account(identity, session.get_one(Worker, worker_id), membership.workspace_id, membership.role)

    def ban(self) -> None:
        with self.runtime.writing() as session:
            public_id = session.get_one(Worker, self.banned).public_id
            account = self.account(self.coordinator)
            member = set_status(session, account, public_id, "ban", self.clock.forward(1))
            order_recollection(session, account, member, self.clock())

    def runs(self) -> None:
        recollect(self.runtime, self.workspace_id, self.banned, self.clock)
        with self.runtime.reading() as session:
            check_redundancy(session)

    def states(self) -> list[tuple[str, int, int]]:
        """(state, submitted, free slots) of each item."""
        with self.runtime.reading() as session:
            rows = session.execute(select(Item.state, Item.submitted, Item.slots).order_by(Item.id))
            return [(row[0], row[1], row[2]) for row in rows]

    def theirs(self) -> list[tuple[str, str, str]]:
        with self.runtime.reading() as session:
            rows = session.execute(
                select(Annotation.state, Annotation.audit_state, Annotation.audit_reason)
                .where(Annotation.worker_id == self.banned)
                .order_by(Annotation.id)
            )
            return [(row[0], row[1], row[2]) for row in rows]

    def report(self) -> list[dict[str, int]]:
        with self.runtime.reading() as session:
            owed = select(OutboxMessage).where(OutboxMessage.kind == "recollected")
            return [{name: row.params[name] for name in ("rejected", "kept")} for row in session.scalars(owed)]


@pytest.fixture
def runtime(settings: Settings, engine: Engine, redis: Redis) -> Runtime:
    return make_runtime(settings, engine, redis)


def test_what_they_alone_decided_is_asked_again(runtime: Runtime) -> None:
    job = Job(runtime, "one", "two")
    job.answers(job.banned, "a", 2)
    assert [state for state, _, _ in job.states()] == ["agreed", "agreed"]
    job.ban()
    job.runs()
    assert job.states() == [("open", 0, 1), ("open", 0, 1)]
    assert job.theirs() == [("rejected", "rejected", "ban")] * 2
    assert job.report() == [{"rejected": 2, "kept": 0}]
    with runtime.reading() as session:
        counts = select(Participation.annotation_count).where(Participation.worker_id == job.banned)
        assert session.scalars(counts).one() == 0
        audited = session.scalars(select(Annotation.audited_by_id).distinct()).one()
        assert audited == job.coordinator
    job.answers(job.others[0], "b", 2)
    assert [state for state, _, _ in job.states()] == ["agreed", "agreed"]


def test_where_the_others_carry_the_decision_the_answer_stays(runtime: Runtime) -> None:
    job = Job(runtime, "only", minimum=3, maximum=5)
    for worker_id in (*job.others, job.banned):
        with runtime.writing() as session:
            session.execute(update(Item).values(overlap=4, state="open", label_id=None, decided_at=None))
        job.answers(worker_id, "a")
    before = job.states()
    assert before[0][:2] == ("agreed", 4)
    job.ban()
    job.runs()
    assert job.states() == before
    assert job.theirs() == [("counted", "unaudited", "")]
    assert job.report() == [{"rejected": 0, "kept": 1}]


def test_an_agreement_that_needed_them_for_the_minimum_is_opened(runtime: Runtime) -> None:
    job = Job(runtime, "only", minimum=2, maximum=3)
    job.answers(job.others[0], "a")
    job.answers(job.banned, "a")
    assert job.states() == [("agreed", 2, 0)]
    job.ban()
    job.runs()
    assert job.states() == [("open", 1, 1)]


def test_open_and_disputed_items_lose_the_answer_and_verdicts_keep_it(runtime: Runtime) -> None:
    job = Job(runtime, "open", "disputed", "settled", minimum=2, maximum=2, error_cost=1000.0)
    job.answers(job.banned, "a", 3)
    with runtime.writing() as session:
        ids = session.scalars(select(Item.id).order_by(Item.id)).all()
    job.answers(job.others[0], "b", 3)
    assert [state for state, _, _ in job.states()] == ["disputed"] * 3
    with runtime.writing() as session:
        session.execute(update(Item).where(Item.id == ids[2]).values(state="adjudicated", label_id="b"))
    job.ban()
    job.runs()
    assert job.states() == [("open", 1, 1), ("open", 1, 1), ("adjudicated", 2, 0)]
    assert [state for state, _, _ in job.theirs()] == ["rejected", "rejected", "counted"]


def test_what_an_expert_accepted_stays(runtime: Runtime) -> None:
    job = Job(runtime, "only")
    job.answers(job.banned, "a")
    with runtime.writing() as session:
        session.execute(update(Annotation).values(audit_state="accepted"))
    job.ban()
    job.runs()
    assert job.states()[0][0] == "agreed"
    assert job.report() == [{"rejected": 0, "kept": 1}]


def test_it_goes_on_in_chunks_after_a_crash_and_reports_once(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(runtime, *"abcdefg")
    job.answers(job.banned, "a", 7)
    job.ban()
    monkeypatch.setattr(recollection, "CHUNK", 2)
    looked = 0

    def fails_in_the_third_chunk(session: object, item_id: int) -> object:
        nonlocal looked
        looked += 1
        if looked == 6:
            raise RuntimeError("killed")
        return lock_item(session, item_id)  # type: ignore[arg-type]

    monkeypatch.setattr(recollection, "lock_item", fails_in_the_third_chunk)
    with pytest.raises(RuntimeError, match="killed"):
        job.runs()
    assert [state for state, _, _ in job.theirs()].count("rejected") == 4, "two chunks are there to stay"
    with runtime.reading() as session:
        check_redundancy(session)
        assert [effect.job_id for effect in unfinished_recollections(session)] == [
            f"recollect-{job.workspace_id}-{job.banned}"
        ]
    for _ in range(2):
        job.runs()
    assert [state for state, _, _ in job.theirs()] == ["rejected"] * 7
    assert job.report() == [{"rejected": 7, "kept": 0}]
    with runtime.reading() as session:
        assert unfinished_recollections(session) == []
        assert session.scalar(select(func.count()).where(LogEntry.act == "recollected")) == 1


def test_the_sweep_enqueues_what_redis_forgot(runtime: Runtime) -> None:
    job = Job(runtime, "only")
    job.ban()
    effects: list[object] = []
    with runtime.writing() as session:
        sweep_rest(session, job.clock())
        effects += [one.function for one in session.info["lightwork_effects"] if isinstance(one, EnqueueJob)]
    assert "core.jobs.recollect" in effects


def test_a_ban_that_was_lifted_meanwhile_stops_it(runtime: Runtime) -> None:
    job = Job(runtime, "one", "two")
    job.answers(job.banned, "a", 2)
    job.ban()
    with runtime.writing() as session:
        public_id = session.get_one(Worker, job.banned).public_id
        set_status(session, job.account(job.coordinator), public_id, "unban", job.clock.forward(1))
    job.runs()
    assert [state for state, _, _ in job.theirs()] == ["counted", "counted"]
    assert job.report() == [{"rejected": 0, "kept": 2}]


def test_a_second_order_while_one_runs_and_an_order_from_below_are_refused(runtime: Runtime) -> None:
    job = Job(runtime, "only")
    job.ban()
    with runtime.writing() as session:
        member = find_member(session, job.workspace_id, session.get_one(Worker, job.banned).public_id)
        with pytest.raises(Conflict, match="recollect_running"):
            order_recollection(session, job.account(job.coordinator), member, START + timedelta(hours=1))
        with pytest.raises(Refused, match="member_above"):
            order_recollection(session, job.account(job.others[0]), member, START)


def test_other_workspaces_are_left_alone(runtime: Runtime) -> None:
    job = Job(runtime, "only")
    job.answers(job.banned, "a")
    with runtime.writing() as session:
        from core.models import Workspace

        other = Workspace(name="Other", created_at=START)
        session.add(other)
        session.flush()
        session.execute(update(Project).values(workspace_id=other.id))
        assert ensure_workspace(session, START).id == job.workspace_id
    job.ban()
    job.runs()
    assert job.theirs() == [("counted", "unaudited", "")]
