"""The trainer's part of what is asked next: the start before there is a model, the order after, and chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from core import asking
from core.blind import is_blind, lot
from core.config import Settings
from core.db import reading
from core.errors import SettingsError
from core.labels import item_text
from core.models import Item, JobTally, ModelVersion, Project
from core.predictions import PredictionRow, record
from core.ranks import UNCERTAIN, band_of
from core.runtime import Runtime
from tests.integration.trainer_fixtures import NOON, Base, trainer_runtime
from trainer import jobs, ordering, payoff

TEXTS = [f"{word} number {number}" for number in range(40) for word in ("rain", "sun")]


@pytest.fixture
def runtime(base: Base, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The runtime that the jobs find; a text's vector says whether it is about rain."""
    monkeypatch.setattr(ordering, "_embedded", lambda runtime, texts: vectors(texts))
    with trainer_runtime(base, settings, monkeypatch) as found:
        yield found


def vectors(texts: Sequence[str]) -> Any:
    noise = np.random.default_rng(1).normal(0, 0.01, (len(texts), 4))
    return (np.array([[1, 0, 0, 0] if "rain" in text else [0, 1, 0, 0] for text in texts]) + noise).astype(np.float32)


def asked(base: Base) -> list[Item]:
    with reading(base.engine) as session:
        return list(session.scalars(select(Item).where(Item.slots > 0).order_by(Item.rank)))


def lot_of(item: Item) -> float:
    return lot(item_text(item.content), item.content_hash)


def speak(base: Base, version: ModelVersion, item_ids: Sequence[int], doubts: Sequence[float]) -> None:
    rows = [
        PredictionRow(one, "a", 1 - doubt / 2, (1 - doubt / 2, doubt / 2, 0.0), doubt)
        for one, doubt in zip(item_ids, doubts, strict=True)
    ]
    with base.writing() as session:
        record(session, version.id, rows, NOON)


def test_the_start_mixes_chance_with_what_covers_the_texts(base: Base, runtime: Runtime) -> None:
    ids = base.items(TEXTS)
    jobs.diversify(base.project_id)
    items = asked(base)
    assert {item.id for item in items} == set(ids)
    assert all(band_of(item.rank) == UNCERTAIN for item in items)
    with reading(base.engine) as session:
        share = ordering.chance_share(session.get_one(Project, base.project_id))
        (tally,) = session.scalars(select(JobTally))
    drawn = [lot_of(item) for item in items if lot_of(item) < share]
    assert drawn == sorted(drawn)
    assert len([one for one in map(lot_of, items[:20]) if one < share]) in (5, 6)
    chosen = [item_text(item.content) for item in items if lot_of(item) >= share]
    assert {text.split()[0] for text in chosen[:8]} == {"rain", "sun"}
    assert (tally.name, tally.runs, tally.failures) == ("diversify", 1, 0)
    ranks = [item.rank for item in items]
    jobs.diversify(base.project_id)  # it runs twice, and changes nothing any more
    assert [item.rank for item in asked(base)] == ranks


def test_without_an_encoder_chance_decides(base: Base, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(jobs, "process_runtime", lambda: runtime)

    def missing(settings: Settings, texts: Sequence[str]) -> None:
        raise SettingsError("not installed")

    monkeypatch.setattr(ordering, "base_for", missing)
    base.items(TEXTS)
    jobs.diversify(base.project_id)
    chosen = [lot_of(item) for item in asked(base) if lot_of(item) >= 0.3]
    assert chosen == sorted(chosen)
    with reading(base.engine) as session:
        assert not asking.wants_start(session, base.project_id)


def test_a_model_that_comes_meanwhile_has_the_say(
    base: Base, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = base.items(TEXTS)

    def late(runtime: Runtime, texts: Sequence[str]) -> Any:
        base.version(base.run("done"))
        return vectors(texts)

    monkeypatch.setattr(ordering, "_embedded", late)
    jobs.diversify(base.project_id)
    assert [item.id for item in asked(base)] == ids


def test_what_the_model_doubts_comes_first_and_blind_items_keep_their_places(base: Base, runtime: Runtime) -> None:
    ids = base.items(TEXTS)
    version = base.version(base.run("done"))
    orders = []
    for turned in (1, -1):
        speak(base, version, ids, np.linspace(0, 1, len(ids))[::turned].tolist())
        ordering.reorder(runtime, version)
        orders.append(asked(base))
    for items in orders:
        steered = [item for item in items if lot_of(item) >= 0.3]
        doubts = [item.uncertainty or 0.0 for item in steered]
        assert len(doubts) > 50
        assert min(doubts[:10]) > max(doubts[-10:])
    blind = [
        [(place, item.id) for place, item in enumerate(items) if is_blind(item_text(item.content), "", 0.1)]
        for items in orders
    ]
    assert blind[0] == blind[1] != []


def test_where_choosing_does_not_pay_chance_orders_everything(
    base: Base, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.decided(140)
    ids = base.items(TEXTS)
    version = base.version(base.run("done"))
    speak(base, version, ids, [0.5] * len(ids))
    monkeypatch.setattr(payoff, "measure", lambda *_: payoff.Payoff(-0.1, 0.02, 42))
    ordering.reorder(runtime, version)
    lots = [lot_of(item) for item in asked(base)]
    assert lots == sorted(lots)
    with reading(base.engine) as session:
        note = session.get_one(ModelVersion, version.id).metrics[asking.ASKING]
    monkeypatch.undo()
    ordering.reorder(runtime, version)  # measured once for each model
    assert [lot_of(item) for item in asked(base)] == lots
    assert note == {"by": "chance", "gain": -0.1, "error": 0.02, "measured_on": 42}


def test_the_blind_share_is_left_to_chance_beside_what_measures(base: Base) -> None:
    project = Project(learning={"blind_share": 0.5})
    assert ordering.chance_share(project) == pytest.approx(0.5 + 0.125 * 0.5)
    assert ordering.chance_share(Project(learning={"blind_share": 0.0})) == pytest.approx(0.3)
    assert ordering.chance_share(Project(learning={"blind_share": 1.0})) == 1.0
