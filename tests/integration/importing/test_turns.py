"""Imports of one project take turns on PostgreSQL, and what a turn writes beside itself is waited for."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.clock import now
from core.importing import append_item, chunks, load
from core.importing.insert import begin_copy, write_new
from core.models import Project
from tests.integration.importing.house import House, rows

AT_MOST_SECONDS = 20


pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has one writer


@pytest.fixture(autouse=True)
def in_chunks_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many rows in a transaction."""
    monkeypatch.setattr(load, "COPIED_ROWS", 10)


def test_who_adds_an_item_waits_for_what_a_killed_import_still_writes(house: House) -> None:
    """Its turn ended with its connection; another connection of it may be in the midst of its commit."""
    with Session(house.engine) as writing, Session(house.engine) as adding:
        begin_copy(writing, house.project_id)
        adding.execute(text("SET lock_timeout = '50ms'"))
        project = adding.get_one(Project, house.project_id)
        with pytest.raises(OperationalError, match="lock timeout"):
            append_item(adding, project, "one more", house.worker_id, now())
        adding.rollback()
        writing.commit()
        append_item(adding, project, "one more", house.worker_id, now())
        adding.commit()
    assert house.texts() == ["one more"]


def test_another_project_waits_for_nobody(house: House) -> None:
    with Session(house.engine) as writing:
        begin_copy(writing, house.project_id + 1)
        assert house.load(house.post(rows(range(3)))).state == "published"


def test_two_chunks_are_copied_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2)

    def meet(*arguments: Any) -> None:
        both.wait(AT_MOST_SECONDS)
        write_new(*arguments)

    monkeypatch.setattr(chunks, "write_new", meet)
    assert house.load(house.post(rows(range(20)))).item_count == 20
