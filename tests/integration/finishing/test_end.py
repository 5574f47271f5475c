"""A job that has come to its end says so once, with its labels."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import Engine, select, update

from core import jobs
from core.assignment import next_assignment
from core.config import Settings
from core.db import reading
from core.enrolment import record_act
from core.finishing import look_for_end
from core.models import Batch, ExportRequest, Gold, Item, Membership, Participation, Project, Worker, Workspace
from core.recollection import is_owed, order_in_project, recollect
from tests.answering import give
from tests.factories import START, add_items, items_of, make_member, make_project, make_runtime
from tests.integration.finishing.job import NOON, Job


def test_the_end_is_told_once_with_the_labels(job: Job) -> None:
    assert not job.ends(), "everything is open"
    job.turn("agreed", "adjudicated", "open")
    assert not job.ends()
    job.turn("agreed", "adjudicated", "disputed")
    assert job.ends()
    assert not job.ends()
    assert job.messages() == [], "the file comes first"
    job.write_exports()
    job.train(hours=2)
    assert job.messages() == [("job_finished", job.olga)]
    message = job.shown()
    assert message is not None
    assert message.heading == "“Is it?” is through"
    assert "🟩 Items with a label: 2" in message.text
    assert "🟧 1 item is disputed and waits for a verdict." in message.text
    assert "6 answers by 0 people" in message.text
    assert "It took 3 hours." in message.text
    assert "Cost: $0.30" in message.text, "all that it took, also training"
    assert message.attachment is not None
    assert message.attachment.name == "labels.csv"
    assert Path(message.attachment.path).read_text(encoding="utf-8-sig").count("\n") == 3
    texts = [button.text for row in message.buttons for button in row]
    assert texts == ["Settle disputes", "Export", "Close"]
    job.write_exports()
    assert not job.ends(NOON + timedelta(hours=1))
    assert len(job.messages()) == 1


def test_known_labels_tell_how_good_it_is(job: Job) -> None:
    job.turn("agreed", "agreed", "agreed")
    with job.writing() as session:
        for item, label_id in zip(items_of(session, job.project_id), "aab", strict=True):
            session.add(
                Gold(project_id=job.project_id, item_id=item.id, label_id=label_id, source="column", created_at=START)
            )
    assert job.ends()
    job.write_exports()
    message = job.shown()
    assert message is not None
    assert "Known labels came out right in 67% of cases." in message.text
    assert [button.text for row in message.buttons for button in row] == ["Export", "Close"]
    chinese = job.shown("zh")
    assert chinese is not None
    assert "“Is it?”已完成" in chinese.heading


def test_new_items_are_a_new_end(job: Job) -> None:
    job.turn("agreed", "agreed", "agreed")
    assert job.ends()
    with job.writing() as session:
        add_items(session, session.get_one(Project, job.project_id), ["four"])
    job.write_exports()
    assert not job.ends(), "it goes on"
    assert job.shown() is None, "what was owed makes no sense any more"
    with reading(job.engine) as session:
        assert session.get_one(Project, job.project_id).finished_at is None
    job.turn("agreed", "agreed", "agreed", "agreed")
    assert job.ends(NOON + timedelta(hours=1))
    job.write_exports()
    assert [kind for kind, _ in job.messages()] == ["job_finished", "job_finished"]


def test_a_job_is_not_at_its_end_while_a_file_loads_or_nobody_is_asked(job: Job) -> None:
    job.turn("agreed", "agreed", "agreed")
    with job.writing() as session:
        batch = add_items(session, session.get_one(Project, job.project_id), ["four"], state="loading")
        batch_id = batch.id
    assert not job.ends()
    with job.writing() as session:
        session.get_one(Batch, batch_id).state = "failed"
    for state in ("paused", "closed"):
        with job.writing() as session:
            session.get_one(Project, job.project_id).state = state
        assert not job.ends(), state
    with job.writing() as session:
        session.get_one(Project, job.project_id).state = "open"
    assert job.ends()


def test_a_job_without_items_has_no_end(settings: Settings, engine: Engine, redis: Redis) -> None:
    runtime = make_runtime(settings, engine, redis)
    with runtime.writing() as session:
        project_id = make_project(session, []).id
    with runtime.writing() as session:
        assert not look_for_end(session, project_id, NOON)


def test_gold_that_is_served_blind_does_not_hold_up_the_end(job: Job) -> None:
    job.turn("agreed", "agreed", "open")
    with job.writing() as session:
        items_of(session, job.project_id)[2].purpose = "gold"
    assert job.ends()


@pytest.mark.parametrize("change", ["role", "status"])
def test_a_creator_who_lost_their_role_is_not_told(job: Job, change: str) -> None:
    with job.writing() as session:
        owner = session.scalars(select(Membership.worker_id).where(Membership.role == "owner")).one()
        lost = {"role": "worker"} if change == "role" else {"status": "banned"}
        session.execute(update(Membership).where(Membership.worker_id == job.olga).values(lost))
    job.turn("agreed", "agreed", "agreed")
    assert job.ends()
    job.write_exports()
    assert job.messages() == [("job_finished", owner)]


def test_the_background_job_looks_for_the_end(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "process_runtime", lambda: job.runtime)
    job.turn("agreed", "agreed", "agreed")
    jobs.reestimate(job.project_id)
    jobs.reestimate(job.project_id)
    with reading(job.engine) as session:
        assert [row.kind for row in session.scalars(select(ExportRequest))] == ["result"]


def alone(job: Job) -> tuple[int, int]:
    """Mallory alone answered the first two items; their project's workspace, and their id."""
    with job.writing() as session:
        mallory = make_member(session, "Mallory")
        project = session.get_one(Project, job.project_id)
        project.error_cost = 1.0
        workspace_id, worker_id = project.workspace_id, mallory.id
    for moment in (START, START + timedelta(seconds=9)):
        with job.writing() as session:
            lease = next_assignment(session, session.get_one(Project, job.project_id), worker_id, "web", moment)
            assert lease is not None
            give(session, worker_id, lease, "a", moment)
    with job.writing() as session:
        last = items_of(session, job.project_id)[2]
        last.state, last.label_id = "agreed", "a"
        assert {item.state for item in items_of(session, job.project_id)} == {"agreed"}
    return workspace_id, worker_id


def pause(job: Job, worker_id: int) -> None:
    """Somebody is paused in the job, and what they alone decided is to be asked again."""
    with job.writing() as session:
        project, worker = session.get_one(Project, job.project_id), session.get_one(Worker, worker_id)
        where = Participation.worker_id == worker_id, Participation.project_id == project.id
        session.execute(update(Participation).where(*where).values(restriction="paused", restricted_at=NOON))
        order_in_project(session, project, worker, None, NOON)


def test_there_is_no_end_while_answers_are_to_be_taken_out(job: Job) -> None:
    workspace_id, worker_id = alone(job)
    pause(job, worker_id)
    assert not job.ends(), "all is decided, but not for long"
    recollect(job.runtime, workspace_id, worker_id, lambda: NOON, job.project_id)
    assert not job.ends(), "two items are open again"
    job.turn("agreed", "agreed", "agreed")
    assert job.ends(), "the order was carried out"
    job.write_exports()
    assert job.messages() == [("job_finished", job.olga)]


def test_the_file_waits_for_answers_that_are_to_be_taken_out(job: Job) -> None:
    workspace_id, worker_id = alone(job)
    assert job.ends()
    pause(job, worker_id)
    job.write_exports()
    assert job.messages() == [], "it would hold labels that are asked again"
    recollect(job.runtime, workspace_id, worker_id, lambda: NOON, job.project_id)
    job.write_exports()
    assert job.shown() is None, "items are open, although nobody has looked for the end since"
    assert not job.ends()
    job.turn("agreed", "agreed", "agreed")
    assert job.ends()


def test_a_ban_holds_up_the_end_of_all_jobs_of_its_workspace_alone(job: Job) -> None:
    job.turn("agreed", "agreed", "agreed")
    with job.writing() as session:
        worker = make_member(session, "Mallory")
        workspace_id = session.get_one(Project, job.project_id).workspace_id
        elsewhere = Workspace(name="Elsewhere", created_at=START)
        session.add(elsewhere)
        session.flush()
        record_act(session, elsewhere.id, None, "recollect", worker.public_id, NOON)
        assert not is_owed(session, session.get_one(Project, job.project_id))
        record_act(session, workspace_id, None, "recollect", worker.public_id, NOON)
    assert not job.ends()
    recollect(job.runtime, workspace_id, worker.id, lambda: NOON)
    assert job.ends()


def test_items_are_only_looked_at_in_their_own_project(job: Job) -> None:
    with job.writing() as session:
        make_project(session, ["elsewhere"])
    job.turn("agreed", "agreed", "agreed")
    assert job.ends()
    with reading(job.engine) as session:
        assert session.scalars(select(Item.state).where(Item.project_id != job.project_id)).all() == ["open"]
