"""The scoring job: what it writes and what follows; twice makes no difference; linked accounts and new evidence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from core import jobs
from core.assignment import next_assignment
from core.flag_news import GATHER
from core.flagging import score_workers
from core.flags import list_flags
from core.items import ITEM
from core.labels import item_text
from core.merging import merge
from core.models import Flag, Item, LogEntry, OutboxMessage, Participation, Project, Worker
from core.quality import QualitySettings, change, dump
from core.recollection import unfinished_recollections
from core.restricting import apply_flags, hold_worker
from core.runtime import Runtime
from core.sweep import sweep_rest
from tests.answering import give
from tests.factories import FakeClock, add_items, items_of, make_member, make_project
from tests.invariants import check_redundancy

ITEMS = 30


class Crowd:
    """A job of items that are odd or even; three people who know which, and Sam, who always says odd."""

    def __init__(self, runtime: Runtime, **rules: str) -> None:
        self.runtime, self.clock, self.made = runtime, FakeClock(), ITEMS
        texts = [str(number) for number in range(ITEMS)]
        with runtime.writing() as session:
            self.workers = [make_member(session, name).id for name in ("Ann", "Bob", "Cem", "Sam")]
            self.second = make_member(session, "Sam", surface="telegram").id
            project = make_project(session, texts, ("Odd", "Even"), min_overlap=4, max_overlap=4)
            project.quality = dump(change(QualitySettings(gold_use="measure"), rules=rules))
            self.project_id, self.workspace_id = project.id, project.workspace_id
        self.sam = self.workers[-1]

    def work(self, *worker_ids: int, liars: tuple[int, ...] = ()) -> None:
        """Everybody answers all that there is for them, five seconds for each; liars always say odd."""
        for worker_id in worker_ids or self.workers:
            with self.runtime.writing() as session:
                project = session.get_one(Project, self.project_id)
                labels = [label["id"] for label in project.label_schema["labels"]]
                while lease := next_assignment(session, project, worker_id, "web", self.clock.forward(0)):
                    number = int(item_text(session.get_one(Item, lease.item_id).content))
                    lies = worker_id in (self.sam, *liars)
                    give(
                        session, worker_id, lease, labels[0] if lies or number % 2 else labels[1], self.clock.forward(5)
                    )

    def add(self, number: int) -> None:
        """Further items."""
        with self.runtime.writing() as session:
            project = session.get_one(Project, self.project_id)
            add_items(session, project, [str(self.made + one) for one in range(number)])
        self.made += number

    def score(self) -> int:
        """Run the scoring; returns how many flags are new or graver."""
        return score_workers(self.runtime, self.project_id, self.clock)

    def flags(self, kind: str = "one_label") -> list[tuple[str, str, int]]:
        """(state, action, worker) of the flags of a kind."""
        with self.runtime.reading() as session:
            found = session.scalars(select(Flag).where(Flag.kind == kind).order_by(Flag.id))
            return [(flag.state, flag.action, flag.worker_id) for flag in found]

    def restriction(self, worker_id: int) -> str:
        """Of somebody in the job."""
        with self.runtime.reading() as session:
            return session.get_one(Participation, (worker_id, self.project_id)).restriction

    def settle(self, state: str) -> None:
        """As a coordinator would."""
        with self.runtime.writing() as session:
            worker = hold_worker(session, self.sam)
            for flag in session.scalars(select(Flag)):
                flag.state = state
            session.flush()
            apply_flags(session, session.get_one(Project, self.project_id), worker, self.clock())

    def check(self) -> None:
        """Redundancy is exact."""
        with self.runtime.reading() as session:
            check_redundancy(session)


def test_twice_makes_no_difference(runtime: Runtime) -> None:
    crowd = Crowd(runtime, one_label="gold", gold="none")
    crowd.work()
    assert crowd.score() >= 1
    before = crowd.flags()
    assert before == [("open", "gold", crowd.sam)]
    with runtime.reading() as session:
        entries = len(session.scalars(select(LogEntry)).all())
    assert crowd.score() == 0
    assert crowd.flags() == before
    with runtime.reading() as session:
        assert len(session.scalars(select(LogEntry)).all()) == entries


def test_two_jobs_at_once_raise_one_flag(runtime: Runtime) -> None:
    crowd = Crowd(runtime, one_label="pause", gold="none")
    crowd.work()
    with ThreadPoolExecutor(4) as pool:
        raised = list(pool.map(lambda _: crowd.score(), range(4)))
    assert sum(raised) >= 1
    assert crowd.flags() == [("open", "pause", crowd.sam)]
    with runtime.reading() as session:
        kinds = [row.kind for row in session.scalars(select(OutboxMessage))]
    assert kinds.count("flag_paused") == 1
    crowd.check()


def test_nothing_is_done_before_enough_is_new_nor_in_a_closed_job(runtime: Runtime) -> None:
    crowd = Crowd(runtime, one_label="gold")
    crowd.work()
    with runtime.writing() as session:
        session.get_one(Project, crowd.project_id).state = "closed"
    assert crowd.score() == 0
    with runtime.writing() as session:
        project = session.get_one(Project, crowd.project_id)
        project.state, project.estimated_annotations = "open", 4 * ITEMS
    assert crowd.score() == 0
    assert crowd.flags() == []


def test_the_background_job_scores_before_it_estimates(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd = Crowd(runtime, one_label="gold")
    crowd.work()
    monkeypatch.setattr(jobs, "process_runtime", lambda: runtime)
    jobs.reestimate(crowd.project_id)
    assert crowd.flags() == [("open", "gold", crowd.sam)]
    with runtime.reading() as session:
        assert session.get_one(Project, crowd.project_id).estimated_annotations == 4 * ITEMS
    assert crowd.score() == 0, "nothing is due any more"


def test_what_was_lifted_is_flagged_again_only_by_twice_the_evidence(runtime: Runtime) -> None:
    crowd = Crowd(runtime, one_label="gold", gold="none")
    crowd.work()
    crowd.score()
    crowd.settle("lifted")
    assert crowd.restriction(crowd.sam) == ""
    crowd.add(ITEMS - 1)
    crowd.work()
    crowd.score()
    assert crowd.flags() == [("lifted", "gold", crowd.sam)]
    crowd.add(1)
    crowd.work()
    assert crowd.score() >= 1
    assert crowd.flags() == [("lifted", "gold", crowd.sam), ("open", "gold", crowd.sam)]
    assert crowd.restriction(crowd.sam) == "watched"


def test_a_stricter_rule_takes_further_evidence(runtime: Runtime) -> None:
    crowd = Crowd(runtime, one_label="warn", gold="none")
    crowd.work()
    crowd.score()
    with runtime.writing() as session:
        project = session.get_one(Project, crowd.project_id)
        project.quality = dump(
            change(QualitySettings(gold_use="measure"), rules={"one_label": "pause", "gold": "none"})
        )
    assert crowd.score() == 0
    assert crowd.restriction(crowd.sam) == "warned"
    crowd.add(ITEMS // 2)
    crowd.work()
    assert crowd.score() == 1
    assert crowd.flags() == [("open", "pause", crowd.sam)]
    assert crowd.restriction(crowd.sam) == "paused"
    crowd.check()


def test_a_pause_gives_way_to_nothing_but_its_end_and_training_to_a_pause_alone(runtime: Runtime) -> None:
    crowd = Crowd(runtime, one_label="gold", gold="none")
    crowd.work()
    with runtime.writing() as session:
        session.get_one(Participation, (crowd.sam, crowd.project_id)).restriction = "training"
    crowd.score()
    assert crowd.restriction(crowd.sam) == "training"
    with runtime.writing() as session:
        session.scalars(select(Flag).where(Flag.kind == "one_label")).one().action = "pause"
    crowd.settle("upheld")
    assert crowd.restriction(crowd.sam) == "paused"
    crowd.settle("lifted")
    assert crowd.restriction(crowd.sam) == ""


def test_a_pause_is_no_way_out_for_who_links_another_account(runtime: Runtime) -> None:
    crowd = Crowd(runtime, one_label="pause", gold="none")
    with runtime.writing() as session:
        session.get_one(Project, crowd.project_id).max_overlap = 5
        session.get_one(Project, crowd.project_id).min_overlap = 5
        for item in items_of(session, crowd.project_id):
            session.execute(ITEM.update().where(ITEM.c.id == item.id).values(overlap=5))
    crowd.work(*crowd.workers, crowd.second, liars=(crowd.second,))
    assert crowd.score() >= 2
    assert {worker for _, _, worker in crowd.flags()} == {crowd.sam, crowd.second}
    with runtime.writing() as session:
        merge(session, crowd.second, crowd.sam, crowd.clock())
    assert crowd.restriction(crowd.second) == "paused"
    flags = crowd.flags()
    assert {worker for _, _, worker in flags} == {crowd.second}
    assert sorted(state for state, _, _ in flags) == ["open", "upheld"], "one open flag of a kind"
    with runtime.reading() as session:
        listed = list_flags(session, crowd.workspace_id).lines
    assert [one.state for one in listed if one.kind == "one_label"] == ["open", "upheld"]
    crowd.check()


def test_a_redis_that_lost_the_recollection_is_told_again_by_the_sweep(runtime: Runtime) -> None:
    crowd = Crowd(runtime, one_label="pause", gold="none")
    crowd.work()
    crowd.score()
    runtime.redis.flushall()
    with runtime.writing() as session:
        (job,) = unfinished_recollections(session)
        sweep_rest(session, crowd.clock())
    assert job.args == (crowd.workspace_id, crowd.sam, crowd.project_id)
    assert runtime.redis.exists(f"rq:job:{job.job_id}")


def test_the_worker_is_told_once_and_who_coordinates_once_a_day(runtime: Runtime) -> None:
    crowd = Crowd(runtime, one_label="pause", gold="warn", pattern="warn")
    crowd.work()
    crowd.score()
    with runtime.reading() as session:
        kinds = [row.kind for row in session.scalars(select(OutboxMessage).order_by(OutboxMessage.id))]
        owner = session.scalars(select(Worker.id).where(Worker.name == "Olga")).one()
        digests = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "flags_new")).all()
    assert kinds.count("flag_paused") == 1
    (digest,) = digests
    assert digest.worker_id == owner
    assert digest.not_before == crowd.clock() + GATHER
