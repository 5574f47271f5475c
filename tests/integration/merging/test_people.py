"""The person of two accounts that become one: what points to them, their role, and that it is final."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, func, select, update

from core.db import reading, unit_of_work
from core.db.tables import table_of
from core.db.writer import Overtaken
from core.enrolment import record_act
from core.errors import Conflict
from core.labeling import submit
from core.merging import merge
from core.models import Adjudication, Base, Item, LogEntry, Membership, OutboxMessage, Project, Worker, Workspace
from core.outbox import owe
from tests.factories import START
from tests.integration.merging.accounts import join, take, two_workers


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


def test_a_tap_of_a_merged_worker_is_looked_at_again_and_changes_nothing(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine)
    public_id, _ = take(engine, project_id, other)
    join(engine, keep, other)
    with pytest.raises(Overtaken), unit_of_work(engine, lambda _: None) as session:
        submit(session, worker_id=other, assignment_public_id=public_id, label_id="a", version=1, now=START)
