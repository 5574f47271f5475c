"""Predictions, and when they are due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core import predictions
from core.db import reading
from core.models import Item, ModelVersion, Prediction
from core.predictions import PredictionRow
from core.queue import FIND_LABEL_ERRORS, PRELABEL
from tests.integration.trainer_fixtures import NOON, Base


@pytest.fixture
def version(base: Base) -> ModelVersion:
    """The project's champion."""
    return base.version(base.run("done"))


def row(item_id: int, uncertainty: float, label_id: str = "a") -> PredictionRow:
    return PredictionRow(
        item_id, label_id, 1 - uncertainty / 2, (1 - uncertainty / 2, uncertainty / 2, 0.0), uncertainty
    )


def record(base: Base, version: ModelVersion, rows: list[PredictionRow]) -> None:
    with base.writing() as session:
        predictions.record(session, version.id, rows, NOON)


def test_recording_twice_changes_the_row_and_keeps_its_id(base: Base, version: ModelVersion) -> None:
    ids = base.items(["one", "two"])
    record(base, version, [row(ids[1], 0.2), row(ids[0], 0.6)])
    with reading(base.engine) as session:
        before = {one.item_id: one.id for one in session.scalars(select(Prediction))}
    record(base, version, [row(ids[0], 0.4, "b")])
    with reading(base.engine) as session:
        after = {one.item_id: one for one in session.scalars(select(Prediction))}
        uncertainty = {key: value for key, value in session.execute(select(Item.id, Item.uncertainty))}
    assert {item_id: one.id for item_id, one in after.items()} == before
    assert (after[ids[0]].label_id, after[ids[0]].probabilities) == ("b", [0.8, 0.2, 0.0])
    assert uncertainty == {ids[0]: 0.4, ids[1]: 0.2}


def test_a_retired_model_leaves_the_uncertainty_alone(base: Base, version: ModelVersion) -> None:
    ids = base.items(["one"])
    record(base, version, [row(ids[0], 0.6)])
    record(base, base.version(base.run("done"), 2, "retired"), [row(ids[0], 0.1)])
    with reading(base.engine) as session:
        assert session.get_one(Item, ids[0]).uncertainty == 0.6


def test_more_than_a_thousand_rows_are_refused(base: Base, version: ModelVersion) -> None:
    with base.writing() as session, pytest.raises(ValueError, match="1001 predictions at once"):
        predictions.record(session, version.id, [row(number, 0.5) for number in range(1001)], NOON)


def test_open_and_disputed_items_of_published_batches_are_predicted(base: Base, version: ModelVersion) -> None:
    wanted = base.items(["one", "two", "three"])
    with base.writing() as session:
        session.get_one(Item, wanted[2]).state = "disputed"
    base.items(["hidden"], published=False)
    base.items(["gold"], purpose="gold")
    base.decided(2)
    record(base, version, [row(wanted[0], 0.5)])
    with reading(base.engine) as session:
        assert [item.id for item in predictions.unpredicted(session, version)] == wanted[1:]
        assert [item.id for item in predictions.unpredicted(session, version, after_id=wanted[1])] == wanted[2:]


def test_predictions_are_due_until_every_open_item_has_one(base: Base, version: ModelVersion) -> None:
    ids = base.items(["one"])

    def finish() -> bool:
        with base.writing() as session:
            return predictions.finish_prelabel(session, version.id, NOON)

    def swept() -> list[tuple[str, str]]:
        with reading(base.engine) as session:
            return [(job.function, job.job_id) for job in predictions.unfinished_prelabels(session)]

    job = (PRELABEL, f"prelabel-{base.project_id}-{version.id}")
    assert not finish()
    assert swept() == [job]
    record(base, version, [row(ids[0], 0.5)])
    assert finish()
    assert swept() == []
    base.items(["two"])
    with base.writing() as session:
        assert predictions.request_prelabel(session, base.project_id)
    look = (FIND_LABEL_ERRORS, f"doubts-{base.project_id}-{version.id}")
    assert [(one.function, one.job_id) for one in base.jobs()] == [look, job]
    assert swept() == [job]
    assert not finish()


def test_a_model_that_is_used_again_speaks_anew(base: Base, version: ModelVersion) -> None:
    ids = base.items(["one", "two"])
    record(base, version, [row(item_id, 0.5) for item_id in ids])
    with base.writing() as session:
        session.get_one(ModelVersion, version.id).promoted_at = NOON + timedelta(hours=1)
    with reading(base.engine) as session:  # the version as it was read before
        assert [item.id for item in predictions.unpredicted(session, version)] == ids
    with base.writing() as session:
        predictions.record(session, version.id, [row(ids[0], 0.5)], NOON + timedelta(hours=2))
    with reading(base.engine) as session:
        assert [item.id for item in predictions.unpredicted(session, version)] == ids[1:]


def test_without_a_champion_nothing_is_asked_of_it(base: Base) -> None:
    with base.writing() as session:
        assert not predictions.request_prelabel(session, base.project_id)
    assert base.jobs() == []
