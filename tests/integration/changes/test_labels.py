"""Labels are added in the middle of a job: what was answered before counts on."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.adjudication import adjudicate
from core.answers import undo
from core.changes import add_labels
from core.effects import Effect
from core.errors import InvalidInput
from core.models import Assignment, Item, LogEntry, Project, Skill
from core.reestimation import reestimate
from core.runtime import Runtime
from tests.factories import items_of
from tests.integration.changes.job import Job


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
