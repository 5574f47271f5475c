"""The range of answers of a job changes: its items follow in the background, each as it stands."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import select

from core import changes
from core.changes import unfinished_overlaps
from core.effects import Effect
from core.errors import InvalidInput
from core.importing import create_batch, load_batch, receive, store
from core.models import LogEntry, OutboxMessage, Project
from core.queue import ASSIGNMENTS, queue
from core.runtime import Runtime
from core.sweep import sweep_rest
from tests.factories import START, items_of
from tests.integration.changes.job import Job


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
