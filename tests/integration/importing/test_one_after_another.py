"""Files of one project are loaded in the order in which they were posted."""

from __future__ import annotations

from collections import Counter

import pytest

from core.clock import now
from core.due import import_effect
from core.errors import Conflict
from core.importing import append_item, fail_batch, load
from core.models import Project
from tests.integration.importing.house import House, rows


def test_the_second_file_waits_for_the_first_and_is_asked_for_at_its_end(house: House) -> None:
    first, second = house.post(rows(range(5))), house.post(rows(range(3, 8)))
    assert house.load(second).state == "loading"
    assert house.items() == []
    house.effects.clear()
    assert house.load(first).item_count == 5
    assert import_effect(second) in house.effects
    batch = house.load(second)
    assert (batch.item_count, batch.duplicate_count) == (3, 2)
    assert Counter(house.texts()) == Counter(f"text number {number}" for number in range(8))


def test_nothing_is_asked_for_behind_the_last_one(house: House) -> None:
    batch_id = house.post(rows(range(5)))
    house.effects.clear()
    house.load(batch_id)
    assert import_effect(batch_id) not in house.effects


def test_what_a_file_has_in_common_with_one_that_fails_later_is_not_lost(house: House) -> None:
    """It was posted again because half of it was bad."""
    broken = house.post(rows(range(5)) + "bad\n" * 6)
    mended = house.post(rows(range(11)))
    house.load(mended)
    assert house.load(broken).error_code == "too_many_bad_rows"
    assert house.load(mended).item_count == 11


def test_an_item_that_may_come_with_a_file_is_refused_with_that_reason(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = house.post(rows(range(3)))
    monkeypatch.setattr(load, "_publish", lambda plan, counts: None)
    assert house.load(batch_id).state == "loading"
    monkeypatch.undo()
    for code in ("duplicate_of_loading", "duplicate_item"):
        with pytest.raises(Conflict, match=code):
            add_one(house, "text number 1")
        house.load(batch_id)


def add_one(house: House, text: str) -> None:
    """Add an item in chat."""
    with house.writing() as session:
        append_item(session, session.get_one(Project, house.project_id), text, house.worker_id, now())


def test_one_that_is_given_up_lets_the_next_one_go(house: House) -> None:
    first, second = house.post(rows(range(5))), house.post(rows(range(5)))
    fail_batch(house.engine, first, house.effects.extend)
    assert import_effect(second) in house.effects
    assert house.load(second).item_count == 5


def test_other_projects_wait_for_nobody(house: House) -> None:
    first = house.post(rows(range(5)))
    with house.writing() as session:
        other = house.project_id = house.new_project(session)
    second = house.post(rows(range(5)))
    assert house.load(second).item_count == 5
    assert (house.batch(first).state, house.batch(second).project_id) == ("loading", other)
