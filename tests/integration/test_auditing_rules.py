"""Audits in a random order: every rejected answer leaves items, workers and counts exactly as the rows say."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.adjudication import adjudicate, rule_unanswerable
from core.answers import last_answer, undo
from core.assignment import next_assignment
from core.audit_sample import RISKY_SHARE, AuditCase, next_case, summary
from core.auditing import REASONS, accept, find_annotation, reject
from core.config import Settings
from core.disputes import next_dispute
from core.errors import Conflict, InvalidInput, LightworkError, NotFound, Refused
from core.exporting.rows import agreed, all_annotations
from core.labeling import submit
from core.models import Adjudication, Annotation, Assignment, Item, LogEntry, Participation, Project, Skill, Workspace
from core.reestimation import read_snapshot, reestimate
from core.runtime import Runtime
from tests.factories import FakeClock, items_of, make_member, make_project, make_runtime
from tests.invariants import check_redundancy, uncovered

SURFACE = "web"
EVENTS = 220


class Bench:
    """A crowd that answers while experts settle and audit."""

    def __init__(self, runtime: Runtime, seed: int = 0, items: int = 8, error_cost: float = 15.0) -> None:
        self.runtime, self.clock = runtime, FakeClock()
        self.random = random.Random(seed)
        with self.runtime.writing() as session:
            self.experts = [make_member(session, name, "expert").id for name in ("Eve", "Sam")]
            self.workers = [make_member(session, f"w{number}").id for number in range(6)]
            texts = [f"text {number}" for number in range(items)]
            project = make_project(session, texts, ("A", "B", "C"), min_overlap=2, max_overlap=4, error_cost=error_cost)
            self.project_id, self.workspace_id = project.id, project.workspace_id

    def answer(self, worker: int, label: str) -> str | None:
        """The worker's next answer, by the annotation's public id; nothing where nothing is left for them."""
        with self.runtime.writing() as session:
            project = session.get_one(Project, self.project_id)
            lease = next_assignment(session, project, worker, SURFACE, self.clock())
            if lease is None:
                return None
            submit(
                session,
                worker_id=worker,
                assignment_public_id=lease.public_id,
                label_id=label,
                version=lease.version,
                now=self.clock(),
            )
            given = select(Annotation.public_id).where(Annotation.assignment_id == lease.assignment_id)
            return session.scalars(given.order_by(Annotation.id.desc()).limit(1)).one()

    def reject(self, public_id: str, expert: int = 0, reason: str = "careless") -> None:
        """An audit that fails the answer."""
        with self.runtime.writing() as session:
            reject(session, self.workspace_id, self.experts[expert], public_id, reason, self.clock())

    def check(self) -> None:
        """Counters equal rows."""
        with self.runtime.reading() as session:
            check_redundancy(session)


@pytest.fixture
def runtime(engine: Engine, redis: Redis, settings: Settings) -> Runtime:
    """A database and a Valkey."""
    return make_runtime(settings, engine, redis)


@pytest.fixture
def bench(runtime: Runtime) -> Bench:
    """A project with eight items, and nobody has answered."""
    return Bench(runtime)


@pytest.fixture
def single(runtime: Runtime) -> Bench:
    """A project with one item, on which two equal answers are enough."""
    return Bench(runtime, items=1, error_cost=2.0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_invariants_hold_after_every_audit(runtime: Runtime, seed: int) -> None:
    bench = Bench(runtime, seed)
    rejected: set[tuple[int, int]] = set()
    for _ in range(EVENTS):
        bench.clock.forward(1)
        act = bench.random.choices(["answer", "audit", "settle", "undo", "reestimate"], [60, 20, 6, 6, 2])[0]
        worker = bench.random.choice(bench.workers)
        if act == "answer":
            bench.answer(worker, bench.random.choice("aaabc"))
        elif act == "audit":
            rejected |= audit(bench)
        elif act == "settle":
            settle(bench)
        elif act == "undo":
            with suppress(Conflict):  # settled or audited meanwhile
                take_back(bench, worker)
        else:
            reestimate(bench.runtime.engine, bench.project_id, bench.runtime.run_effects, bench.clock)
        bench.check()
        with bench.runtime.reading() as session:
            nobody_is_asked_again(session, rejected)
    assert rejected


def draw(session: Session, workspace_id: int, auditor_id: int, after: str = "") -> AuditCase | None:
    """What an expert is shown next."""
    return next_case(session, workspace_id, auditor_id, summary(session, workspace_id).audited, after=after)


def audit(bench: Bench) -> set[tuple[int, int]]:
    """One audit by an expert; the (item, worker) of a rejected annotation."""
    expert = bench.random.choice(bench.experts)
    with bench.runtime.writing() as session:
        case = draw(session, bench.workspace_id, expert)
        if case is None:
            return set()
        if bench.random.random() < 0.3:
            accept(session, bench.workspace_id, expert, case.annotation_public_id, bench.clock())
            return set()
        reason = bench.random.choice([*REASONS, "because"])
        reject(session, bench.workspace_id, expert, case.annotation_public_id, reason, bench.clock())
        annotation, _ = find_annotation(session, bench.workspace_id, case.annotation_public_id)
        return {(annotation.item_id, annotation.worker_id)}


def settle(bench: Bench) -> None:
    """One dispute is settled, in one way or the other."""
    expert = bench.random.choice(bench.experts)
    with bench.runtime.writing() as session:
        dispute = next_dispute(session, bench.workspace_id, expert, bench.clock())
        if dispute is None:
            return
        workspace_id, public_id, now = bench.workspace_id, dispute.item_public_id, bench.clock()
        if bench.random.random() < 0.3:
            rule_unanswerable(session, workspace_id=workspace_id, worker_id=expert, item_public_id=public_id, now=now)
        else:
            adjudicate(
                session,
                workspace_id=workspace_id,
                worker_id=expert,
                item_public_id=public_id,
                label_id="a",
                now=now,
            )


def take_back(bench: Bench, worker: int) -> None:
    """Undo the worker's last answer."""
    with bench.runtime.writing() as session:
        last = last_answer(session, worker, bench.workspace_id)
        if last is not None:
            assignment = session.get_one(Assignment, last.assignment_id)
            undo(
                session,
                worker_id=worker,
                assignment_public_id=assignment.public_id,
                version=assignment.version,
                now=bench.clock(),
            )


def nobody_is_asked_again(session: Session, rejected: set[tuple[int, int]]) -> None:
    """Who had an answer rejected never holds that item again."""
    held = select(Assignment.item_id, Assignment.worker_id).where(Assignment.state == "active")
    assert not rejected & {(item, worker) for item, worker in session.execute(held)}


def test_an_item_that_was_agreed_only_with_a_rejected_answer_is_asked_again(single: Bench) -> None:
    first, second, third = single.workers[:3]
    wrong = single.answer(first, "b")
    single.answer(second, "b")
    assert wrong is not None
    assert single.answer(third, "b") is None, "they are idle now"
    with single.runtime.reading() as session:
        [item] = items_of(session, single.project_id)
        assert (item.state, item.label_id) == ("agreed", "b")
        skilled = session.get_one(Skill, (first, single.project_id)).accuracy
    single.reject(wrong)
    single.check()
    with single.runtime.writing() as session:
        assert uncovered(session, single.runtime.redis, single.clock()) == [], "somebody is asked"
        [item] = items_of(session, single.project_id)
        assert (item.state, item.label_id, item.submitted, item.slots) == ("open", None, 1, 1)
        assert session.get_one(Participation, (first, single.project_id)).annotation_count == 0
        skill = session.get_one(Skill, (first, single.project_id))
        assert skill.annotation_count == 0
        assert skill.accuracy != skilled
        annotation, project = find_annotation(session, single.workspace_id, wrong)
        assert (annotation.state, annotation.audit_state, annotation.audit_reason) == (
            "rejected",
            "rejected",
            "careless",
        )
        assert (annotation.audited_by_id, annotation.audited_at) == (single.experts[0], single.clock())
        assert next_assignment(session, project, first, SURFACE, single.clock()) is None, "never the same person"
        assert next_assignment(session, project, third, SURFACE, single.clock()) is not None


def test_an_item_that_stands_without_the_rejected_answer_stays_agreed(single: Bench) -> None:
    odd = single.answer(single.workers[0], "c")
    for worker in single.workers[1:4]:
        single.answer(worker, "a")
    assert odd is not None
    single.reject(odd)
    with single.runtime.reading() as session:
        [item] = items_of(session, single.project_id)
        assert (item.state, item.label_id, item.slots) == ("agreed", "a", 0)
        assert item.submitted >= 2
    single.check()


def test_an_audit_is_final(bench: Bench) -> None:
    eve, sam = bench.experts
    public_id = bench.answer(bench.workers[0], "a")
    other = bench.answer(bench.workers[1], "a")
    assert public_id is not None
    assert other is not None
    workspace_id, now = bench.workspace_id, bench.clock()
    with bench.runtime.writing() as session:
        accept(session, workspace_id, eve, public_id, now)
        for expert in (eve, sam):
            with pytest.raises(Conflict, match="audit_accepted_before"):
                reject(session, workspace_id, expert, public_id, "wrong", now)
            with pytest.raises(Conflict, match="audit_accepted_before"):
                accept(session, workspace_id, expert, public_id, now)
        reject(session, workspace_id, eve, other, "wrong", now)
        with pytest.raises(Conflict, match="audit_rejected_before"):
            accept(session, workspace_id, sam, other, now)
        assert session.scalars(select(LogEntry.subject).where(LogEntry.act == "audit")).all() == [
            f"accepted {public_id}",
            f"rejected {other}",
        ]
        found = summary(session, workspace_id, bench.project_id)
        assert (found.audited, found.accepted, found.error_rate) == (2, 1, 0.5)
    for worker in bench.workers[:2]:
        with pytest.raises(Conflict, match="too_late_to_undo"):
            take_back(bench, worker)
    bench.check()


def test_what_cannot_be_audited(bench: Bench) -> None:
    public_id = bench.answer(bench.workers[0], "a")
    assert public_id is not None
    now = bench.clock()
    with bench.runtime.writing() as session:
        other = Workspace(name="Elsewhere", created_at=now)
        session.add(other)
        session.flush()
        for unknown in (public_id[::-1], "", "x" * 16, "'; drop table"):
            with pytest.raises(NotFound, match="audit_unknown"):
                accept(session, bench.workspace_id, bench.experts[0], unknown, now)
        with pytest.raises(NotFound, match="audit_unknown"):
            reject(session, other.id, bench.experts[0], public_id, "wrong", now)
        with pytest.raises(Refused, match="audit_own"):
            accept(session, bench.workspace_id, bench.workers[0], public_id, now)
        for reason, code in (("  ", "audit_reason_missing"), ("x" * 301, "audit_reason_long")):
            with pytest.raises(InvalidInput, match=code):
                reject(session, bench.workspace_id, bench.experts[0], public_id, reason, now)
        assert draw(session, other.id, bench.experts[0]) is None
        assert draw(session, bench.workspace_id, bench.workers[0]) is None, "nobody audits their own"
        find_annotation(session, bench.workspace_id, public_id)[0].state = "withdrawn"
        with pytest.raises(Conflict, match="audit_gone"):
            accept(session, bench.workspace_id, bench.experts[0], public_id, now)
        assert draw(session, bench.workspace_id, bench.experts[0]) is None


def test_the_sample_is_random_by_ids_and_begins_with_what_is_doubtful(runtime: Runtime) -> None:
    bench = Bench(runtime, items=60)
    given = [bench.answer(bench.workers[0], "a") for _ in range(60)]
    doubtful = set(given[::6])
    with bench.runtime.writing() as session:
        session.get_one(Skill, (bench.workers[0], bench.project_id)).accuracy = 0.9
        for annotation in session.scalars(select(Annotation).where(Annotation.public_id.in_(doubtful))):
            item = session.get_one(Item, annotation.item_id)
            item.state, item.label_id = "agreed", "b"
    drawn: list[str] = []
    with bench.runtime.writing() as session:
        for _ in range(14):
            case = draw(session, bench.workspace_id, bench.experts[0])
            again = draw(session, bench.workspace_id, bench.experts[0])
            assert case is not None
            assert case == again, "the same draw until something is audited"
            drawn.append(case.annotation_public_id)
            accept(session, bench.workspace_id, bench.experts[0], case.annotation_public_id, bench.clock())
    positions = [given.index(public_id) for public_id in drawn]
    assert positions != sorted(positions), "not in the order of entry"
    assert len(doubtful & set(drawn)) >= 5, f"with {RISKY_SHARE} of the draws, of 10 among 60"


def test_answers_of_the_weak_are_doubtful_before_anything_is_decided(bench: Bench) -> None:
    weak, fine = bench.workers[:2]
    for worker in (weak, fine):
        for _ in range(4):
            bench.answer(worker, "a")
    with bench.runtime.writing() as session:
        session.get_one(Skill, (weak, bench.project_id)).accuracy = 0.4
        for item in session.scalars(select(Item)):
            item.state, item.label_id = "open", None
        seen = []
        for _ in range(6):
            case = draw(session, bench.workspace_id, bench.experts[0])
            assert case is not None
            seen.append(find_annotation(session, bench.workspace_id, case.annotation_public_id)[0].worker_id)
            find_annotation(session, bench.workspace_id, case.annotation_public_id)[0].audit_state = "accepted"
            session.flush()
    assert seen.count(weak) >= 3


def test_passing_over_goes_round_and_shows_everything(bench: Bench) -> None:
    given = {bench.answer(bench.workers[0], "a") for _ in range(5)}
    seen, after = set(), ""
    with bench.runtime.reading() as session:
        for _ in range(5):
            case = draw(session, bench.workspace_id, bench.experts[0], after=after)
            assert case is not None
            after = case.annotation_public_id
            seen.add(after)
    assert seen == given


def test_rejected_answers_are_exported_as_such_and_teach_nothing(single: Bench) -> None:
    wrong = single.answer(single.workers[0], "b")
    single.answer(single.workers[1], "a")
    assert wrong is not None
    single.reject(wrong)
    single.answer(single.workers[2], "a")
    with single.runtime.reading() as session:
        project = session.get_one(Project, single.project_id)
        rows = [(row.label, row.state, row.audit) for row in all_annotations(session, project)]
        assert rows == [("B", "rejected", "rejected"), ("A", "counted", "unaudited"), ("A", "counted", "unaudited")]
        assert [(row.label, row.annotations) for row in agreed(session, project)] == [("A", 2)]
        snapshot = read_snapshot(session, project)
        assert snapshot is not None
        assert sorted(snapshot.worker_ids) == sorted(single.workers[1:3])


def test_what_a_ban_rejected_is_not_counted_as_audited(bench: Bench) -> None:
    public_id = bench.answer(bench.workers[0], "a")
    assert public_id is not None
    bench.reject(public_id, reason="ban")
    with bench.runtime.reading() as session:
        assert summary(session, bench.workspace_id).audited == 0


def at_once(*works: Callable[[], None]) -> list[str]:
    """Everything at the same time; "done", or the code with which it was refused."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], None]) -> str:
        barrier.wait(10)
        try:
            work()
        except LightworkError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_of_two_audits_and_an_undo_at_once_one_wins(bench: Bench) -> None:
    worker = bench.workers[0]
    for _ in range(5):
        public_id = bench.answer(worker, "a")
        assert public_id is not None
        outcomes = at_once(
            partial(bench.reject, public_id, 0),
            partial(bench.reject, public_id, 1),
            partial(take_back, bench, worker),
        )
        assert outcomes.count("done") == 1, outcomes
        assert set(outcomes) <= {"done", "audit_rejected_before", "audit_gone", "too_late_to_undo"}
        bench.check()


def test_of_two_verdicts_at_once_one_stands(single: Bench) -> None:
    single.answer(single.workers[0], "a")
    with single.runtime.writing() as session:
        item = session.scalars(select(Item)).one()
        item.state, public_id = "disputed", item.public_id

    def decide(expert: int, label_id: str) -> None:
        with single.runtime.writing() as session:
            adjudicate(
                session,
                workspace_id=single.workspace_id,
                worker_id=expert,
                item_public_id=public_id,
                label_id=label_id,
                now=single.clock(),
            )

    first, second = single.experts
    outcomes = at_once(partial(decide, first, "a"), partial(decide, second, "b"))
    assert sorted(outcomes) == ["already_settled", "done"]
    with single.runtime.reading() as session:
        [verdict] = session.scalars(select(Adjudication))
        [item] = items_of(session, single.project_id)
        assert (item.state, item.label_id) == ("adjudicated", verdict.label_id)
