"""Of models out of use everything goes that nothing rests on, on both databases, while others write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from redis import Redis
from sqlalchemy import Engine, inspect, select, text

from core import spent_predictions
from core.champions import champion
from core.config import Settings
from core.db import reading
from core.hints import hint_effect
from core.ids import new_public_id
from core.models import Annotation, Assignment, ModelVersion, Prediction, Project
from core.predictions import MAX_ROWS, PRELABELED, PredictionRow, record
from core.runtime import Runtime
from tests.integration.trainer_fixtures import NOON, Base
from trainer import prelabel

LATER = NOON + timedelta(days=30)


class Reigns(Base):
    """A job whose model versions 1, 2, ... have been in use one after another, a day each."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        super().__init__(engine)
        self.runtime = Runtime(settings, engine, Redis(port=1), self.effects.extend)
        self.versions: list[int] = []

    def reign(self, item_ids: Sequence[int], label: str = "a") -> None:
        """The next version comes into use, and speaks on these items and on all that are open."""
        number = len(self.versions) + 1
        moment = NOON + timedelta(days=number)
        with self.writing() as session:
            if (before := champion(session, self.project_id)) is not None:
                before.state = "retired"
        made = self.version(self.run("done"), number)
        with self.writing() as session:
            version = session.get_one(ModelVersion, made.id)
            version.promoted_at, version.metrics = moment, {PRELABELED: moment.isoformat()}
            for start in range(0, len(item_ids), MAX_ROWS):
                rows = [PredictionRow(one, label, 0.9, (0.9, 0.1, 0.0), 0.2) for one in item_ids[start:][:MAX_ROWS]]
                record(session, version.id, rows, moment)
        self.versions.append(made.id)

    def prediction(self, item_id: int, number: int) -> int:
        """The id of what version `number` said of an item."""
        with reading(self.engine) as session:
            wanted = select(Prediction.id).where(Prediction.item_id == item_id)
            return session.scalars(wanted.where(Prediction.model_version_id == self.versions[number - 1])).one()

    def lease(self, item_id: int, state: str, expires_at: datetime) -> int:
        """An assignment of the only worker."""
        with self.writing() as session:
            assignment = Assignment(
                public_id=new_public_id(),
                project_id=self.project_id,
                item_id=item_id,
                worker_id=self.worker_id,
                state=state,
                guidelines_version=1,
                surface="web",
                leased_at=expires_at - timedelta(minutes=10),
                expires_at=expires_at,
            )
            session.add(assignment)
            session.flush()
            return assignment.id

    def answer(self, item_id: int, at: datetime, hint: int | None = None, state: str = "counted") -> None:
        """An answer, under a hint or without."""
        assignment_id = self.lease(item_id, "submitted", at)
        with self.writing() as session:
            session.add(
                Annotation(
                    public_id=new_public_id(),
                    project_id=self.project_id,
                    item_id=item_id,
                    worker_id=self.worker_id,
                    assignment_id=assignment_id,
                    label_id="a",
                    value={"choice": "a"},
                    state=state,
                    guidelines_version=1,
                    prediction_id=hint,
                    duration_ms=900,
                    created_at=at,
                )
            )

    def clear(self, at: datetime = LATER) -> int:
        """What the job does at the end."""
        return spent_predictions.clear(self.runtime, self.project_id, lambda: at)

    def left(self) -> dict[int, list[int]]:
        """Numbers of the versions whose predictions are there, by item."""
        with reading(self.engine) as session:
            rows = session.execute(select(Prediction.item_id, Prediction.model_version_id).order_by(Prediction.id))
            found: dict[int, list[int]] = {}
            for item_id, version_id in rows:
                found.setdefault(item_id, []).append(self.versions.index(version_id) + 1)
            return found


@pytest.fixture
def job(engine: Engine, settings: Settings) -> Reigns:
    """A job on either database."""
    return Reigns(engine, settings)


def test_the_champion_and_the_one_before_it_keep_what_they_said(job: Reigns) -> None:
    ids = job.items(["one", "two"])
    for _ in range(2):
        job.reign(ids)
    assert job.clear() == 0
    for _ in range(3):
        job.reign(ids)
    assert job.clear() == 6
    assert job.left() == {one: [4, 5] for one in ids}
    assert job.clear() == 0, "and nothing more"


def test_what_somebody_went_back_to_is_kept_with_what_they_left(job: Reigns) -> None:
    ids = job.items(["one"])
    for _ in range(4):
        job.reign(ids)
    with job.writing() as session:
        session.get_one(ModelVersion, job.versions[3]).state = "retired"
        again = session.get_one(ModelVersion, job.versions[0])
        again.state, again.promoted_at = "champion", LATER
    job.clear()
    assert job.left() == {ids[0]: [1, 4]}


def test_nothing_goes_before_the_champion_has_spoken_on_everything(job: Reigns) -> None:
    ids = job.items(["one"])
    assert job.clear() == 0, "there is no champion"
    for _ in range(3):
        job.reign(ids)
    with job.writing() as session:
        session.get_one(ModelVersion, job.versions[2]).metrics = {}
    assert job.clear() == 0
    assert job.left() == {ids[0]: [1, 2, 3]}


def test_hints_that_answers_refer_to_stay(job: Reigns) -> None:
    hinted, undone, bare = job.items(["hinted", "undone", "bare"])
    for _ in range(4):
        job.reign([hinted, undone, bare])
    job.answer(hinted, NOON + timedelta(days=1, hours=1), job.prediction(hinted, 1))
    job.answer(undone, NOON + timedelta(days=2, hours=1), job.prediction(undone, 2), state="withdrawn")
    job.clear()
    assert job.left() == {hinted: [1, 3, 4], undone: [2, 3, 4], bare: [3, 4]}


def test_what_hints_do_is_told_as_before(job: Reigns) -> None:
    ids = job.items([f"item {number}" for number in range(8)])
    for _ in range(5):
        job.reign(ids)
    second = NOON + timedelta(days=2, hours=1)
    job.answer(ids[0], second - timedelta(days=1))  # before the first hint: it tells nothing
    job.answer(ids[1], second, job.prediction(ids[1], 2))
    for number in (2, 3):
        job.answer(ids[number], second + timedelta(minutes=number))
    job.answer(ids[4], second, state="withdrawn")
    with reading(job.engine) as session:
        before = hint_effect(session, job.project_id)
    assert before is not None
    assert [one.count for one in before] == [1, 2]
    job.clear()
    with reading(job.engine) as session:
        assert hint_effect(session, job.project_id) == before
    kept = {item_id: numbers[:-2] for item_id, numbers in job.left().items() if numbers[:-2]}
    assert kept == {ids[1]: [2], ids[2]: [2], ids[3]: [2]}


def test_what_accepted_labels_rest_on_stays(job: Reigns) -> None:
    taken, opened = job.items(["taken", "opened"])
    job.reign([taken, opened])
    job.decide([taken], lambda _: "a", state="accepted")
    for _ in range(3):
        job.reign([opened])
    job.clear()
    assert job.left() == {taken: [1], opened: [3, 4]}
    job.decide([taken], lambda _: "a", state="adjudicated")
    job.clear()
    assert job.left() == {opened: [3, 4]}, "people have decided it since"


def test_what_a_card_in_hand_may_show_stays_until_a_late_answer_is_refused(job: Reigns) -> None:
    held, late, over = job.items(["held", "late", "over"])
    for _ in range(3):
        job.reign([held, late, over])
    with job.writing() as session:
        lease = timedelta(seconds=session.get_one(Project, job.project_id).lease_seconds)
    job.lease(held, "active", NOON)
    job.lease(late, "expired", LATER - lease)
    job.lease(over, "expired", LATER - lease - timedelta(seconds=1))
    job.clear()
    assert job.left() == {held: [1, 2, 3], late: [1, 2, 3], over: [2, 3]}
    job.clear(LATER + timedelta(seconds=1))
    assert job.left() == {held: [1, 2, 3], late: [2, 3], over: [2, 3]}


def test_other_jobs_keep_theirs(job: Reigns, engine: Engine, settings: Settings) -> None:
    other = Reigns(engine, settings)
    for one in (job, other):
        ids = one.items(["one"])
        for _ in range(3):
            one.reign(ids)
    job.clear()
    with reading(engine) as session:
        left = session.scalars(select(Prediction.model_version_id).order_by(Prediction.id)).all()
    assert sorted(left) == sorted([*job.versions[1:], *other.versions])


def test_many_go_in_pieces_and_others_write_between(job: Reigns, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = job.items([f"item {number}" for number in range(MAX_ROWS + 5)])
    for _ in range(3):
        job.reign(ids)
    between: list[int] = []

    def take(_engine: Engine) -> None:
        """Somebody takes the last item while the others go."""
        if not between:
            job.lease(ids[-1], "active", LATER)
        between.append(len(job.left()[ids[0]]))

    monkeypatch.setattr(spent_predictions, "let_others_write", take)
    assert job.clear() == MAX_ROWS + 4
    assert between == [2, 2]
    assert job.left()[ids[-1]] == [1, 2, 3]


def test_a_version_that_comes_back_meanwhile_keeps_what_it_said(job: Reigns) -> None:
    ids = job.items(["one"])
    for _ in range(3):
        job.reign(ids)
    with reading(job.engine) as session:
        found = spent_predictions.spent(session, job.project_id, LATER)
    assert len(found) == 1
    with job.writing() as session:
        session.get_one(ModelVersion, job.versions[2]).state = "retired"
        again = session.get_one(ModelVersion, job.versions[0])
        again.state, again.promoted_at = "champion", LATER
    with job.writing() as session:
        assert spent_predictions.remove(session, job.project_id, found, LATER) == 0


def test_looking_for_hints_uses_the_index(job: Reigns) -> None:
    """Else each prediction that goes would cost a look at all answers."""
    with reading(job.engine) as session:
        if job.engine.dialect.name == "sqlite":
            plan = session.execute(text("EXPLAIN QUERY PLAN SELECT 1 FROM annotation WHERE prediction_id = 5")).all()
        else:
            session.execute(text("SET LOCAL enable_seqscan = off"))
            plan = session.execute(text("EXPLAIN SELECT 1 FROM annotation WHERE prediction_id = 5")).all()
    assert "ix_annotation_prediction_id" in str(plan)
    assert "ix_annotation_prediction_id" in {one["name"] for one in inspect(job.engine).get_indexes("annotation")}


def test_a_champion_that_has_spoken_makes_room(job: Reigns, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = job.items(["one", "two"])
    for _ in range(3):
        job.reign(ids)
    asked: list[object] = []

    def predict_all(*given: object) -> int:
        asked.append(given)
        return 0

    monkeypatch.setattr(prelabel, "choose_device", lambda _: None)
    monkeypatch.setattr(prelabel, "_load", lambda *_: SimpleNamespace(label_ids=("a", "b", "c")))
    monkeypatch.setattr(prelabel, "_predict_all", predict_all)
    monkeypatch.setattr(prelabel, "reorder", lambda *_: None)
    with job.writing() as session:
        version = session.get_one(ModelVersion, job.versions[2])
        version.metrics = {}
    prelabel.carry_out(job.runtime, version)
    assert asked
    assert job.left() == {one: [2, 3] for one in ids}
