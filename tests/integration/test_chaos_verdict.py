"""What `make chaos` holds against the ledger of people is noticed where it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from core.assignment import next_assignment
from core.db import reading, unit_of_work
from core.labeling import submit
from core.models import Annotation, Assignment, Item, Participation, Project
from tests.acceptance.people import Ledger
from tests.chaos.verdict import check
from tests.factories import START, make_member, make_project

PRICE = 2


@pytest.fixture
def answered(sqlite_engine: Engine, tmp_path: Path) -> tuple[Path, int]:
    """The ledger of somebody who has answered one item and holds the next, and the id of the project."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    with unit_of_work(sqlite_engine, lambda _: None) as session:
        project = make_project(session, ["one", "two"], price=PRICE)
        worker = make_member(session, "Ann").id
        lease = next_assignment(session, project, worker, "web", START)
        assert lease is not None
        submit(session, worker_id=worker, assignment_public_id=lease.public_id, label_id="a", version=1, now=START)
        assert next_assignment(session, project, worker, "web", START) is not None
        text = session.get_one(Item, lease.item_id).content[0]["text"]
        project_id = project.id
    ledger.write("answered", "Ann", text, "Yes")
    ledger.close()
    return ledger.path, project_id


def lose_answer(session: Session) -> None:
    session.execute(update(Annotation).values(state="withdrawn"))


def change_label(session: Session) -> None:
    session.execute(update(Annotation).values(label_id="b"))


def miscount(session: Session) -> None:
    session.execute(update(Item).values(leased=Item.leased + 1))


def miscount_person(session: Session) -> None:
    session.execute(update(Participation).values(annotation_count=7))


def pay_too_little(session: Session) -> None:
    session.execute(update(Annotation).values(price=PRICE - 1))


def forget_lease(session: Session) -> None:
    session.execute(update(Assignment).values(expires_at=START - timedelta(seconds=61)))


def test_what_is_right_is_counted(sqlite_engine: Engine, answered: tuple[Path, int]) -> None:
    with reading(sqlite_engine) as session:
        assert check(session, *answered, START) == 1
        assert session.get_one(Project, answered[1]).price == PRICE


@pytest.mark.parametrize("wrong", [lose_answer, change_label, miscount, miscount_person, pay_too_little, forget_lease])
def test_what_is_wrong_is_noticed(
    sqlite_engine: Engine, answered: tuple[Path, int], wrong: Callable[[Session], None]
) -> None:
    with unit_of_work(sqlite_engine, lambda _: None) as session:
        wrong(session)
    with pytest.raises(AssertionError), reading(sqlite_engine) as session:
        check(session, *answered, START)
