"""Whoever is kept from a job on one account holds nothing of it on the other, once both are one person's."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select, update

from core.db import reading, unit_of_work
from core.models import Assignment, Item, Membership, Participation
from tests.integration.merging.accounts import join, take, two_workers


@pytest.mark.parametrize("status", ["paused", "suspended", "banned"])
def test_a_lease_goes_back_where_the_other_account_is_shut_out(engine: Engine, status: str) -> None:
    keep, other, project_id = two_workers(engine, "only")
    take(engine, project_id, keep)
    with unit_of_work(engine, lambda _: None) as session:
        session.execute(update(Membership).where(Membership.worker_id == other).values(status=status))
    join(engine, keep, other)
    assert_nothing_is_held(engine)


def test_a_lease_goes_back_where_the_other_account_is_paused_in_the_job(engine: Engine) -> None:
    keep, other, project_id = two_workers(engine, "one", "two")
    take(engine, project_id, other, "a")
    take(engine, project_id, keep)
    with unit_of_work(engine, lambda _: None) as session:
        paused = update(Participation).where(Participation.worker_id == other)
        session.execute(paused.values(restriction="paused"))
    join(engine, keep, other)
    assert_nothing_is_held(engine)


def assert_nothing_is_held(engine: Engine) -> None:
    """No lease, and the slot is free."""
    with reading(engine) as session:
        assert "active" not in session.scalars(select(Assignment.state)).all()
        assert not any(session.scalars(select(Item.leased)))
