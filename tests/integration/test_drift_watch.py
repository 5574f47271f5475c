"""A champion that people agree with less and less is noticed, told of once, and asks for one training run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from bot.cards import render
from bot.owed import view_of
from core.champions import promote_if_better
from core.db import reading
from core.drift_watch import Drift, find_drift, note_drift
from core.models import Item, ModelVersion, OutboxMessage, Project, TrainingRun
from core.predictions import PredictionRow, record
from core.training_runs import finish_run
from tests.integration.trainer_fixtures import NOON, Base

SURE = 0.8
LATER = NOON + timedelta(days=1)


class Reign(Base):
    """A project whose champion was right on 80 % of a holdout of a hundred, and as sure as that."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.champion = self.version(self.run("done")).id
        with self.writing() as session:
            version = session.get_one(ModelVersion, self.champion)
            version.promoted_at = NOON
            version.metrics = {
                "holdout": {"accuracy": SURE, "n": 100},
                "calibration": {"confidence": SURE, "residual_variance": 0.16},
            }
        self.labeled = 0

    def agree(self, outcomes: Sequence[bool], *, state: str = "agreed", spoke: timedelta = timedelta()) -> list[int]:
        """Items that the champion spoke on and people decided later, one a minute: as it said, or otherwise."""
        ids = self.items([f"text {self.labeled + place}" for place in range(len(outcomes))])
        rows = [PredictionRow(item_id, "a", SURE, (SURE, 0.1, 0.1), 0.3) for item_id in ids]
        with self.writing() as session:
            record(session, self.champion, rows, NOON + spoke)
        self.decide(ids, lambda place: "a" if outcomes[place] else "b", state)
        with self.writing() as session:
            for place, item_id in enumerate(ids):
                decided_at = NOON + timedelta(minutes=self.labeled + place + 1)
                session.get_one(Item, item_id).decided_at = decided_at
        self.labeled += len(outcomes)
        return ids

    def look(self) -> Drift | None:
        """What the watch finds now."""
        with reading(self.engine) as session:
            return find_drift(session, self.project_id)

    def note(self, drift: Drift, now: datetime = LATER) -> bool:
        """Say it."""
        with self.writing() as session:
            return note_drift(session, self.project_id, drift, now)


def four_of_five(count: int) -> list[bool]:
    """Outcomes as they are to be expected."""
    return [place % 5 != 0 for place in range(count)]


def one_of_two(count: int) -> list[bool]:
    """Outcomes as they should not be."""
    return [place % 2 == 0 for place in range(count)]


@pytest.fixture
def reign(engine: Engine) -> Reign:
    """On both databases."""
    return Reign(engine)


def test_a_fall_is_found_told_once_and_makes_one_run_due(reign: Reign) -> None:
    reign.agree(four_of_five(100))
    assert reign.look() is None
    reign.agree(one_of_two(200))
    drift = reign.look()
    assert drift is not None
    assert drift.version_id == reign.champion
    assert (drift.agreed, drift.expected) == pytest.approx((0.5, 0.8), abs=0.02)
    assert 180 <= drift.count <= 220
    assert reign.note(drift)
    assert not reign.note(drift)
    assert reign.look() is None, "it is known"
    with reading(reign.engine) as session:
        assert session.get_one(ModelVersion, reign.champion).drifted_at == LATER
        (run,) = session.scalars(select(TrainingRun).where(TrainingRun.state == "due"))
        assert run.trigger == "drift"
        (message,) = session.scalars(select(OutboxMessage))
    assert (message.kind, message.worker_id) == ("model_drifted", reign.worker_id)
    assert (message.params["version"], message.params["training"]) == (1, True)
    assert [job.args for job in reign.jobs()] == [(run.id,)]


def test_what_says_nothing_about_the_champion_is_left_out(reign: Reign) -> None:
    reign.agree(one_of_two(150), state="accepted")
    reign.agree(one_of_two(150), spoke=timedelta(days=2))
    assert reign.look() is None
    ids = reign.agree(one_of_two(150))
    assert reign.look() is not None
    with reign.writing() as session:
        for item in session.scalars(select(Item).where(Item.id.in_(ids))):
            item.purpose = "gold"
    assert reign.look() is None


def test_without_a_champion_there_is_nothing_to_watch(reign: Reign) -> None:
    reign.agree(one_of_two(200))
    drift = reign.look()
    assert drift is not None
    with reign.writing() as session:
        session.get_one(ModelVersion, reign.champion).state = "retired"
    assert reign.look() is None
    assert not reign.note(drift), "another one reigns meanwhile"


def test_a_run_on_its_way_may_mend_it_and_it_is_looked_for_again_afterwards(reign: Reign) -> None:
    reign.agree(one_of_two(200))
    drift, run = reign.look(), reign.run("running")
    assert drift is not None
    assert not reign.note(drift)
    with reign.writing() as session:
        finish_run(session, run.id, NOON)
    again = reign.look()
    assert again is not None
    assert reign.note(again)


def test_no_run_without_labels_that_none_has_used(reign: Reign) -> None:
    reign.agree(one_of_two(200))
    with reign.writing() as session:
        session.get_one(Project, reign.project_id).trained_count = 200
    drift = reign.look()
    assert drift is not None
    assert reign.note(drift)
    with reading(reign.engine) as session:
        assert session.scalars(select(TrainingRun).where(TrainingRun.trigger == "drift")).all() == []
        assert session.scalars(select(OutboxMessage)).one().params["training"] is False


@pytest.mark.parametrize(("used", "heard"), [(0, "A new one is being trained"), (200, "Send /train when more")])
def test_what_the_coordinator_reads(reign: Reign, used: int, heard: str) -> None:
    reign.agree(one_of_two(200))
    drift = reign.look()
    assert drift is not None
    with reign.writing() as session:
        session.get_one(Project, reign.project_id).trained_count = used
    assert reign.note(drift)
    with reading(reign.engine) as session:
        message = session.scalars(select(OutboxMessage)).one()
        view = view_of(session, message, "en")
        assert view is not None
        said = render(view, "en").text
        assert f"model v1 agrees with 50% of the newest {drift.count} labels; 80% would be normal." in said
        assert heard in said
    with reign.writing() as session:
        session.get_one(ModelVersion, reign.champion).state = "retired"
    with reading(reign.engine) as session:
        assert view_of(session, message, "en") is None, "another one is in use meanwhile"


def test_a_new_reign_starts_with_a_clean_slate(reign: Reign) -> None:
    reign.agree(one_of_two(200))
    drift = reign.look()
    assert drift is not None
    assert reign.note(drift)
    version = reign.version(reign.run("done"), number=2, state="candidate")
    with reign.writing() as session:
        run = session.get_one(TrainingRun, version.training_run_id)
        found = session.get_one(ModelVersion, version.id)
        rival = {"version_id": reign.champion, "number": 1, "accuracy": 0.5}
        gate = {"promote": True, "reason": "gate_better", "params": {}}
        found.metrics = {"holdout": {"accuracy": 0.9, "n": 100}, "champion": rival, "gate": gate}
        assert promote_if_better(session, run, found, LATER)
    assert reign.look() is None
