"""A job changes while people work on it: its settings, its range of answers, its labels."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, select

from core import changes
from core.adjudication import adjudicate
from core.answers import undo
from core.assignment import active_lease, expire_leases, next_assignment
from core.changes import add_labels, apply_overlap, change_overlap, change_settings, unfinished_overlaps
from core.config import Settings
from core.effects import Effect
from core.errors import Conflict, InvalidInput, Refused
from core.importing import create_batch, load_batch, receive, store
from core.labeling import skip, submit
from core.labels import choice
from core.models import Annotation, Assignment, Item, LogEntry, OutboxMessage, Project, Skill
from core.projects import create_project, set_state
from core.queue import ASSIGNMENTS, queue
from core.reestimation import reestimate
from core.runtime import Runtime
from core.sweep import sweep_rest
from tests.factories import START, FakeClock, items_of, make_member, make_project, make_runtime
from tests.invariants import check_redundancy

LABELS = ("A", "B", "C")


class Job:
    """A job with its crowd, and a journal of what was acknowledged to people."""

    def __init__(self, runtime: Runtime, items: int = 6, workers: int = 6, seed: int = 0, **options: object) -> None:
        self.runtime, self.clock, self.random = runtime, FakeClock(), random.Random(seed)
        self.journal: dict[tuple[int, int], str] = {}
        self.ceilings: dict[int, int] = {}
        self.most = 0
        with runtime.writing() as session:
            self.workers = [make_member(session, f"w{number}").id for number in range(workers)]
            texts = [f"text {number}" for number in range(items)]
            project = make_project(session, texts, LABELS, **options)  # type: ignore[arg-type]
            self.id, self.owner, self.workspace_id = project.id, project.created_by_id, project.workspace_id

    def next(self, worker: int) -> None:
        """Lease an item."""
        with self.runtime.writing() as session:
            next_assignment(session, session.get_one(Project, self.id), worker, "web", self.clock())

    def answer(self, worker: int, *labels: str) -> bool:
        """Answer the item in hand, or the next one, with the label of its place; false where there is none."""
        self.next(worker)
        with self.runtime.reading() as session:
            lease = active_lease(session, worker, self.id)
            places = [item.id for item in items_of(session, self.id)]
        if lease is None:
            return False
        label = labels[places.index(lease.item_id) % len(labels)]
        with self.runtime.writing() as session:
            submit(
                session,
                worker_id=worker,
                assignment_public_id=lease.public_id,
                label_id=label,
                version=lease.version,
                now=self.clock(),
            )
        self.journal[(worker, lease.item_id)] = label
        return True

    def overlap(self, minimum: int, maximum: int) -> None:
        """Change the range; items follow with `follow`."""
        with self.runtime.writing() as session:
            project = session.get_one(Project, self.id)
            self.most = max(self.most, project.max_overlap, maximum)
            change_overlap(session, project, minimum, maximum, self.owner, self.clock())

    def follow(self, between: Callable[[list[Effect]], None] = lambda effects: None) -> int:
        """What the RQ job does; `between` is called after each of its transactions."""
        changed = apply_overlap(self.runtime.engine, self.id, between, self.clock)
        with self.runtime.reading() as session:
            if not unfinished_overlaps(session, self.clock()):
                self.ceilings = {item.id: item.submitted + item.leased for item in items_of(session, self.id)}
                self.most = 0
        return changed

    def states(self) -> list[tuple[str, int, int]]:
        """State, overlap and answers of each item."""
        with self.runtime.reading() as session:
            return [(item.state, item.overlap, item.submitted) for item in items_of(session, self.id)]

    def check(self) -> None:
        """All invariants, and the journal."""
        with self.runtime.reading() as session:
            ceilings = {item.id: max(self.most, self.ceilings.get(item.id, 0)) for item in items_of(session, self.id)}
            check_redundancy(session, ceilings)
            rows = session.execute(
                select(Annotation.worker_id, Annotation.item_id, Annotation.label_id).where(
                    Annotation.state.in_(("counted", "surplus"))
                )
            )
            assert {(worker, item): label for worker, item, label in rows} == self.journal


@pytest.fixture
def runtime(settings: Settings, engine: Engine, redis: Redis) -> Runtime:
    """A runtime of the test's own."""
    return make_runtime(settings, engine, redis)


# --- settings -----------------------------------------------------------------------------------------------------


def test_settings_change_and_are_recorded(runtime: Runtime) -> None:
    job = Job(runtime)
    later = START + timedelta(days=2)
    with runtime.writing() as session:
        project = session.get_one(Project, job.id)
        values = {"price": 5, "priority": 3, "deadline": later, "guidelines": "Look twice.", "language": "zh"}
        assert change_settings(session, project, job.owner, START, **values)
        assert not change_settings(session, project, job.owner, START, **values), "the same again is no change"
    with runtime.reading() as session:
        project = session.get_one(Project, job.id)
        assert (project.price, project.priority, project.deadline, project.language) == (5, 3, later, "zh")
        assert (project.guidelines, project.guidelines_version) == ("Look twice.", 2)
        recorded = session.scalars(select(LogEntry.subject).where(LogEntry.act == "edit")).all()
    assert sorted(recorded) == sorted(
        f"{project.public_id} {what}"
        for what in (f"deadline {later}", "guidelines version 2", "language zh", "price 5", "priority 3")
    )


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"price": -1}, "bad_price"),
        ({"price": 100_001}, "bad_price"),
        ({"lease_seconds": 0}, "bad_lease"),
        ({"lease_seconds": 10**9}, "bad_lease"),
        ({"deadline": START}, "deadline_past"),
        ({"priority": 101}, "bad_priority"),
        ({"audience": "friends"}, "bad_audience"),
        ({"language": "chinese"}, "bad_language"),
        ({"guidelines": "x" * 8001}, "guidelines_too_long"),
        ({"name": "  "}, "bad_name"),
    ],
)
def test_settings_that_cannot_be_are_refused(runtime: Runtime, values: dict[str, object], code: str) -> None:
    job = Job(runtime)
    with pytest.raises(InvalidInput, match=code), runtime.writing() as session:
        change_settings(session, session.get_one(Project, job.id), job.owner, START, **values)
    with runtime.reading() as session:
        assert session.scalars(select(LogEntry).where(LogEntry.act == "edit")).all() == []


def test_a_new_job_is_checked_as_a_changed_one(runtime: Runtime) -> None:
    job = Job(runtime)
    values: dict[str, Any] = {"workspace_id": job.workspace_id, "worker_id": job.owner, "question": "?", "price": -5}
    with pytest.raises(InvalidInput, match="bad_price"), runtime.writing() as session:
        create_project(session, schema=choice.make(LABELS), now=START, **values)


def test_the_question_cannot_be_changed(runtime: Runtime) -> None:
    job = Job(runtime)
    with pytest.raises(ValueError, match="question"), runtime.writing() as session:
        change_settings(session, session.get_one(Project, job.id), job.owner, START, question="Another?")


def test_paused_jobs_hand_out_nothing_and_take_what_is_in_hand(runtime: Runtime) -> None:
    job = Job(runtime)
    ann, bob = job.workers[:2]
    job.next(ann)
    with runtime.writing() as session:
        set_state(session, session.get_one(Project, job.id), "paused", job.owner, START)
    assert not job.answer(bob, "a")
    with runtime.reading() as session:
        held = active_lease(session, ann, job.id)
    assert held is not None
    with runtime.writing() as session:
        submit(session, worker_id=ann, assignment_public_id=held.public_id, label_id="a", version=1, now=START)
    with runtime.writing() as session:
        set_state(session, session.get_one(Project, job.id), "closed", job.owner, START)
    with pytest.raises(Conflict, match="job_is_closed"), runtime.writing() as session:
        set_state(session, session.get_one(Project, job.id), "paused", job.owner, START)


# --- the range of answers -----------------------------------------------------------------------------------------


def test_more_answers_reopen_what_has_too_few(runtime: Runtime) -> None:
    job = Job(runtime, items=2, min_overlap=2, max_overlap=2)
    for worker in job.workers[:2]:
        job.answer(worker, "a")
        job.answer(worker, "a")
    assert job.states() == [("agreed", 2, 2)] * 2
    job.overlap(3, 5)
    assert job.states() == [("agreed", 2, 2)] * 2, "items follow in the job"
    assert job.follow() == 2
    assert job.states() == [("open", 3, 2)] * 2
    assert job.follow() == 0, "a second run changes nothing"
    assert job.answer(job.workers[2], "a")
    job.check()
    with runtime.reading() as session:
        [item] = [item for item in items_of(session, job.id) if item.state == "open"]
        assert (item.label_id, item.confidence, item.decided_at, item.posterior is None) == (None, None, None, False)


def test_fewer_answers_decide_what_has_enough(runtime: Runtime) -> None:
    job = Job(runtime, items=2, min_overlap=4, max_overlap=6)
    for label, worker in zip("aab", job.workers, strict=False):
        job.answer(worker, "a", label)
        job.answer(worker, "a", label)
    assert job.states() == [("open", 4, 3)] * 2
    job.overlap(2, 3)
    job.follow()
    assert job.states() == [("agreed", 4, 3), ("disputed", 4, 3)]
    job.check()


def test_items_without_answers_ask_for_as_many_as_they_should(runtime: Runtime) -> None:
    job = Job(runtime, items=1, min_overlap=2, max_overlap=4)
    for minimum, maximum in ((5, 8), (1, 1), (3, 3)):
        job.overlap(minimum, maximum)
        job.follow()
        assert job.states() == [("open", minimum, 0)]


def test_a_higher_maximum_asks_on_about_what_was_disputed(runtime: Runtime) -> None:
    job = Job(runtime, items=1, min_overlap=2, max_overlap=2)
    job.answer(job.workers[0], "a")
    job.answer(job.workers[1], "b")
    assert job.states() == [("disputed", 2, 2)]
    job.overlap(2, 4)
    job.follow()
    assert job.states() == [("open", 3, 2)]


def test_leases_in_hand_stay_valid_when_fewer_are_wanted(runtime: Runtime) -> None:
    job = Job(runtime, items=1, min_overlap=4, max_overlap=6)
    for worker in job.workers[:3]:
        job.next(worker)
    job.overlap(1, 2)
    job.follow()
    assert job.states() == [("open", 3, 0)], "just the places that are taken"
    assert not job.answer(job.workers[4], "b"), "nothing more is handed out"
    for worker in job.workers[:3]:
        assert job.answer(worker, "a")
    assert job.states()[0][2] == 3
    job.check()


def test_the_change_is_owed_until_the_job_has_run(runtime: Runtime, redis: Redis) -> None:
    job = Job(runtime, items=2)
    job.overlap(4, 6)
    scheduled = queue(ASSIGNMENTS, redis).scheduled_job_registry
    assert [job_id for job_id in scheduled.get_job_ids() if job_id.startswith(f"overlap-{job.id}-")]
    redis.flushall()
    with runtime.writing() as session:
        sweep_rest(session, job.clock.forward(3600))
    assert [job_id for job_id in scheduled.get_job_ids() if job_id.startswith(f"overlap-{job.id}-")]
    with runtime.reading() as session:
        [message] = session.scalars(select(OutboxMessage))
        assert message.not_before > job.clock() + timedelta(days=100), "it is told only when it is done"
    job.follow()
    with runtime.reading() as session:
        assert unfinished_overlaps(session, job.clock()) == []
        [message] = session.scalars(select(OutboxMessage))
        assert (message.kind, message.state, message.not_before) == ("overlap_applied", "pending", job.clock())


def test_a_killed_job_goes_on_where_it_stopped(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "CHUNK", 2)
    job = Job(runtime, items=6)
    job.overlap(4, 6)

    def killed(_effects: list[Effect]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.follow(killed)
    assert sorted(job.states())[0][1] == 3
    with runtime.reading() as session:
        assert len(unfinished_overlaps(session, job.clock())) == 1
    assert job.follow() == 4
    assert {overlap for _, overlap, _ in job.states()} == {4}


def test_the_same_range_again_is_no_change(runtime: Runtime) -> None:
    job = Job(runtime)
    job.overlap(3, 8)
    with pytest.raises(InvalidInput, match="bad_overlap"):
        job.overlap(5, 2)
    with runtime.reading() as session:
        assert session.scalars(select(OutboxMessage)).all() == []
        assert session.scalars(select(LogEntry).where(LogEntry.act == "edit")).all() == []


def test_a_file_that_is_being_loaded_follows_a_change(runtime: Runtime, tmp_path: Path) -> None:
    job = Job(runtime, items=1)
    path = tmp_path / "more.csv"
    path.write_text("text\nWhat a lovely day\nRain again\n")
    received = receive(path, path.name)
    with runtime.writing() as session:
        upload = store(session, runtime.settings, job.workspace_id, job.owner, path, received, START)
        mapping = {"text": "text", "id": None, "gold": None}
        batch_id = create_batch(session, session.get_one(Project, job.id), upload, mapping, job.owner, START).id
    came: list[bool] = []

    def change_once(_effects: list[Effect]) -> None:
        if not came:
            came.append(True)
            job.overlap(5, 6)
            job.follow()

    load_batch(runtime.engine, runtime.settings, batch_id, change_once)
    assert sorted(overlap for _, overlap, _ in job.states()) == [3, 3, 5], "they were inserted after the job had run"
    assert job.follow() == 2
    assert {overlap for _, overlap, _ in job.states()} == {5}


RANGES = [(1, 1), (1, 3), (2, 2), (2, 4), (3, 3), (3, 5), (1, 6), (4, 6)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_invariants_hold_while_the_range_changes_under_taps(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(changes, "CHUNK", 3)
    job = Job(runtime, items=10, workers=7, seed=seed, min_overlap=2, max_overlap=4)

    def tap(_effects: object = None) -> None:
        worker = job.random.choice(job.workers)
        act = job.random.choices([answer, leave, take_back, late], [10, 2, 2, 1])[0]
        try:
            act(worker)
        except (Conflict, Refused):
            return
        finally:
            job.check()

    def answer(worker: int) -> None:
        job.clock.forward(1)
        if job.random.random() < 0.3:
            job.next(worker)
        else:
            job.answer(worker, job.random.choice("aaabc"))

    def leave(worker: int) -> None:
        with job.runtime.writing() as session:
            lease = active_lease(session, worker, job.id)
            if lease is not None:
                skip(
                    session,
                    worker_id=worker,
                    assignment_public_id=lease.public_id,
                    version=lease.version,
                    now=job.clock(),
                )

    def take_back(worker: int) -> None:
        with job.runtime.writing() as session:
            given = select(Assignment).where(Assignment.worker_id == worker, Assignment.state == "submitted")
            last = session.scalars(given.order_by(Assignment.id.desc())).first()
            if last is not None:
                undo(
                    session,
                    worker_id=worker,
                    assignment_public_id=last.public_id,
                    version=last.version,
                    now=job.clock(),
                )
        if last is not None:
            job.journal.pop((worker, last.item_id))

    def late(_worker: int) -> None:
        with job.runtime.writing() as session:
            expire_leases(session, job.id, job.clock.forward(700))

    for _ in range(12):
        for _ in range(job.random.randrange(12)):
            tap()
        job.overlap(*job.random.choice(RANGES))
        tap()
        if job.random.random() < 0.8:
            job.follow(tap)
            job.check()
    job.follow()
    with runtime.reading() as session:
        project = session.get_one(Project, job.id)
        for item in items_of(session, job.id):
            if item.state == "agreed":
                assert item.submitted >= project.min_overlap
            if item.state == "open":
                in_hand = item.submitted + item.leased
                assert item.overlap <= max(project.max_overlap, in_hand)
                assert item.overlap >= project.min_overlap


# --- labels -------------------------------------------------------------------------------------------------------


def grow(job: Job, *names: str) -> None:
    """Add labels."""
    with job.runtime.writing() as session:
        add_labels(session, session.get_one(Project, job.id), names, job.owner, job.clock())


def test_added_labels_get_fresh_ids_and_the_others_stay(runtime: Runtime) -> None:
    job = Job(runtime)
    with runtime.reading() as session:
        before = session.get_one(Project, job.id).label_schema["labels"]
    grow(job, "D", "E")
    with pytest.raises(InvalidInput, match="duplicate_label"):
        grow(job, "a ")
    with pytest.raises(InvalidInput, match="no_labels"):
        grow(job)
    with runtime.reading() as session:
        labels = session.get_one(Project, job.id).label_schema["labels"]
        recorded = session.scalars(select(LogEntry.subject).where(LogEntry.act == "edit")).all()
    assert labels == [*before, {"id": "d", "name": "D"}, {"id": "e", "name": "E"}]
    assert [subject.split(" ", 1)[1] for subject in recorded] == ["labels + D | E"]


def test_a_label_is_added_in_the_middle_of_a_job(runtime: Runtime) -> None:
    job = Job(runtime, items=2, min_overlap=3, max_overlap=4)
    ann, bob, cid = job.workers[:3]
    for worker in (ann, bob, ann, bob, cid):
        job.answer(worker, "a", "b")
    assert sorted(state for state, _, _ in job.states()) == ["agreed", "open"]
    job.next(cid)
    grow(job, "D")
    assert sorted(state for state, _, _ in job.states()) == ["agreed", "open"], "what is agreed stays agreed"
    assert job.answer(cid, "a", "b"), "a card in hand still works"
    job.check()
    with runtime.reading() as session:
        items = items_of(session, job.id)
        assert [(item.state, item.label_id) for item in items] == [("agreed", "a"), ("agreed", "b")]
        posterior = next(item.posterior for item in items if len(item.posterior or []) == 4)
        assert max(posterior or []) > 0.9, "the answers from before the label count on"
        skill = session.scalars(select(Skill).where(Skill.project_id == job.id, Skill.worker_id == cid)).one()
        assert len(skill.counts["matrix"]) == 4
        assert sum(map(sum, skill.counts["matrix"])) == pytest.approx(2, abs=0.01), "what is known of people is kept"


def test_an_added_label_can_win(runtime: Runtime) -> None:
    job = Job(runtime, items=2, min_overlap=3, max_overlap=6)
    job.answer(job.workers[0], "a")
    grow(job, "D")
    for worker in job.workers[1:]:
        job.answer(worker, "d")
        job.answer(worker, "d")
    job.check()
    with runtime.reading() as session:
        assert {(item.state, item.label_id) for item in items_of(session, job.id)} == {("agreed", "d")}


def test_undo_and_adjudication_work_across_an_added_label(runtime: Runtime) -> None:
    job = Job(runtime, items=1, min_overlap=2, max_overlap=2)
    ann, bob = job.workers[:2]
    job.answer(ann, "a")
    job.answer(bob, "b")
    grow(job, "D")
    with runtime.reading() as session:
        last = session.scalars(select(Assignment).where(Assignment.worker_id == bob)).one()
    with runtime.writing() as session:
        undo(session, worker_id=bob, assignment_public_id=last.public_id, version=1, now=job.clock())
    del job.journal[(bob, last.item_id)]
    assert job.answer(bob, "d")
    job.check()
    with runtime.writing() as session:
        [item] = items_of(session, job.id)
        assert item.state == "disputed"
        adjudicate(
            session,
            workspace_id=job.workspace_id,
            worker_id=job.owner,
            item_public_id=item.public_id,
            label_id="d",
            now=job.clock(),
        )


def test_an_added_label_makes_a_reestimation_due_that_fits(runtime: Runtime) -> None:
    job = Job(runtime, items=8, min_overlap=3, max_overlap=3)
    for worker in job.workers[:3]:
        while job.answer(worker, "ab"[worker % 2]):
            pass
    reestimate(runtime.engine, job.id, lambda effects: None, job.clock)
    grow(job, "D")
    reestimate(runtime.engine, job.id, lambda effects: None, job.clock)
    with runtime.reading() as session:
        project = session.get_one(Project, job.id)
        assert project.class_prior is not None
        assert len(project.class_prior) == 4
        assert project.estimated_annotations == 24
        assert {len(item.posterior or []) for item in session.scalars(select(Item))} == {4}
    job.check()


def test_a_label_that_comes_during_a_reestimation_stops_it(runtime: Runtime) -> None:
    job = Job(runtime, items=8, min_overlap=3, max_overlap=3)
    for worker in job.workers[:3]:
        while job.answer(worker, "a"):
            pass
    came: list[bool] = []

    def grow_once(_effects: list[Effect]) -> None:
        if not came:
            came.append(True)
            grow(job, "D")

    assert reestimate(runtime.engine, job.id, grow_once, job.clock) == 0
    with runtime.reading() as session:
        assert session.get_one(Project, job.id).estimated_annotations == 0, "it is due again"
    assert reestimate(runtime.engine, job.id, lambda effects: None, job.clock) == 8
