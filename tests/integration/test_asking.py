"""The order of asking: what is read to choose it, the moves, and when a start is due."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from sqlalchemy import select

from core import asking, predictions
from core.asking import OpenItems
from core.blind import lot
from core.db import reading
from core.errors import Conflict
from core.models import Item, ModelVersion, Project
from core.queue import DIVERSIFY
from core.ranks import ORDINARY, UNCERTAIN, URGENT, band_of, make_rank
from tests.integration.trainer_fixtures import NOON, Base

TEXTS = [f"the {number}th text" for number in range(asking.LEAST_ITEMS)]


@pytest.fixture
def version(base: Base) -> ModelVersion:
    """The project's champion."""
    return base.version(base.run("done"))


def asked_order(base: Base) -> list[int]:
    with reading(base.engine) as session:
        return list(session.scalars(select(Item.id).where(Item.slots > 0).order_by(Item.rank)))


def seen(base: Base) -> OpenItems:
    with reading(base.engine) as session:
        return asking.open_items(session, session.get_one(Project, base.project_id))


def move(base: Base, version_id: int | None, item_ids: Sequence[int], band: int = UNCERTAIN) -> int:
    with base.writing() as session:
        return asking.move(session, base.project_id, version_id, item_ids, band)


def change(base: Base, item_id: int, how: Callable[[Item], None]) -> None:
    with base.writing() as session:
        how(session.get_one(Item, item_id))


def wanted(base: Base) -> bool:
    with reading(base.engine) as session:
        return asking.wants_start(session, base.project_id)


def starts(base: Base) -> list[tuple[str, str]]:
    with reading(base.engine) as session:
        return [(job.function, job.job_id) for job in asking.unfinished_starts(session)]


def test_open_items_come_with_what_orders_them(base: Base, version: ModelVersion) -> None:
    fresh, settled, split, unspoken = base.items(["one", "two", "three", "four"])
    base.items(["hidden"], published=False)
    base.items(["gold"], purpose="gold")
    base.decided(2)
    for item_id, doubt in ((fresh, 0.2), (settled, 0.4), (split, 0.9)):
        row = predictions.PredictionRow(item_id, "a", 0.9, (0.9, 0.1, 0.0), doubt)
        with base.writing() as session:
            predictions.record(session, version.id, [row], NOON)
    for item_id, posterior in ((settled, [0.999, 0.0005, 0.0005]), (split, [0.5, 0.5, 0.0])):

        def answered(item: Item, posterior: list[float] = posterior) -> None:
            item.submitted, item.posterior = 1, posterior

        change(base, item_id, answered)
    move(base, version.id, [split])
    items = seen(base)
    assert items.ids.tolist() == [split, fresh, settled, unspoken]
    assert items.doubt.tolist()[:3] == [0.9, 0.2, 0.4]
    assert np.isnan(items.doubt[3])
    assert np.isnan(items.told).tolist() == [False, True, False, True]
    assert items.told[0] > 0.5 > 0.1 > items.told[2] >= 0.0
    assert items.lots.tolist() == [lot(text, "") for text in ("three", "one", "two", "four")]
    assert items.ahead.tolist() == [True, False, False, False]
    assert items.alone.all()


def test_a_project_without_items(base: Base) -> None:
    items = seen(base)
    assert len(items.ids) == len(items.told) == len(items.lots) == 0
    assert not wanted(base)


def test_what_is_moved_takes_fresh_ranks_in_the_order_given(base: Base, version: ModelVersion) -> None:
    ids = base.items([f"text {number}" for number in range(5)])
    assert move(base, version.id, [ids[4], ids[3]]) == 2
    assert asked_order(base) == [ids[4], ids[3], ids[0], ids[1], ids[2]]
    assert move(base, version.id, [ids[0], ids[1]]) == 2
    assert move(base, version.id, [ids[4], ids[3]], ORDINARY) == 2
    assert asked_order(base) == [ids[0], ids[1], ids[2], ids[4], ids[3]]
    with reading(base.engine) as session:
        ranks = list(session.scalars(select(Item.rank)))
    assert len({rank & ((1 << 56) - 1) for rank in ranks}) == 5


def test_urgent_items_are_not_seen_and_decided_ones_stay_put(base: Base, version: ModelVersion) -> None:
    urgent, ordinary = base.items(["one", "two"])
    (decided,) = base.decided(1)
    change(base, urgent, lambda item: setattr(item, "rank", make_rank(URGENT, 1)))
    assert seen(base).ids.tolist() == [ordinary]
    assert move(base, version.id, [decided, ordinary]) == 1
    with reading(base.engine) as session:
        bands = {item.id: band_of(item.rank) for item in session.scalars(select(Item))}
    assert bands == {urgent: URGENT, ordinary: UNCERTAIN, decided: ORDINARY}


def test_too_many_at_once_are_refused(base: Base, version: ModelVersion) -> None:
    with pytest.raises(ValueError, match="1001 items at once"):
        move(base, version.id, range(1001))


@pytest.mark.parametrize("state", ["retired", "champion"])
def test_an_order_that_follows_another_model_is_dropped(base: Base, version: ModelVersion, state: str) -> None:
    ids = base.items(["one"])
    with base.writing() as session:
        session.get_one(ModelVersion, version.id).state = state
    with pytest.raises(Conflict) as caught:
        move(base, version.id if state == "retired" else None, ids)
    assert caught.value.code == "model_replaced"


def test_a_start_is_due_for_enough_items_until_some_go_ahead_or_a_model_comes(base: Base) -> None:
    base.items(TEXTS, published=False)
    base.items(TEXTS[1:])
    assert not wanted(base)
    (last,) = base.items(["one more"])
    assert wanted(base)
    assert starts(base) == [(DIVERSIFY, f"diversify-{base.project_id}")]
    move(base, None, [last])
    base.items(["and another"])
    assert not wanted(base)
    assert starts(base) == []
    base.decide([last], lambda place: "a")
    assert wanted(base)
    base.version(base.run("done"))
    assert not wanted(base)
    assert starts(base) == []


def test_documents_and_begun_items_ask_for_no_start(base: Base) -> None:
    begun, grouped, *_ = base.items([*TEXTS, "one more"])
    change(base, begun, lambda item: setattr(item, "submitted", 1))
    assert wanted(base)
    change(base, grouped, lambda item: setattr(item, "group_key", "document"))
    assert not wanted(base)


def test_a_job_that_never_trains_by_itself_asks_for_no_start(base: Base) -> None:
    base.items([*TEXTS, "one more"])
    for threshold, cron, due in ((0, "0 3 * * *", True), (200, "", True), (0, "", False)):
        with base.writing() as session:
            project = session.get_one(Project, base.project_id)
            project.retrain_threshold, project.retrain_cron = threshold, cron
        assert wanted(base) is due
        assert bool(starts(base)) is due


def test_whoever_publishes_asks_for_a_start_where_there_is_no_model(base: Base) -> None:
    base.items(TEXTS)
    with base.writing() as session:
        assert not predictions.request_prelabel(session, base.project_id)
    assert [(job.function, job.args) for job in base.jobs()] == [(DIVERSIFY, (base.project_id,))]


def test_the_labels_that_were_decided_last(base: Base) -> None:
    first, second = base.decided(2)
    base.items(["open"])
    change(base, first, lambda item: setattr(item, "decided_at", NOON.replace(hour=13)))
    with reading(base.engine) as session:
        assert asking.latest_labels(session, base.project_id, 5) == [
            ("text 0", "a", lot("text 0", "")),
            ("text 1", "b", lot("text 1", "")),
        ]
        assert [text for text, _, _ in asking.latest_labels(session, base.project_id, 1)] == ["text 0"]
        assert asking.texts_of(session, base.project_id, [second, first]) == ["text 1", "text 0"]
