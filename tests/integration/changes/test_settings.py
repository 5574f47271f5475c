"""Settings of a job that change while people work on it: what is recorded, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.changes import change_settings
from core.errors import Conflict, InvalidInput
from core.labeling import submit
from core.labels import choice
from core.leases import active_lease
from core.models import LogEntry, Project
from core.projects import create_project, set_state
from core.runtime import Runtime
from tests.factories import START
from tests.integration.changes.job import LABELS, Job


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
