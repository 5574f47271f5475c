"""Coordinators train, look at the models, and put another one into use."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select

from bot.cards.views import Notice
from bot.owed_learning import training_done
from core.champions import champion, models, promote, way_back
from core.clock import now
from core.config import Settings
from core.errors import Conflict
from core.models import LogEntry, ModelVersion, Project, TrainingRun
from core.predictions import PRELABELED
from core.queue import TRAINING, queue
from tests.factories import make_artifact, make_project
from tests.fakes.chat import Chat
from tests.integration.dialogues.champions import crown
from tests.integration.dialogues.decided import decide, decided_job, undecided_job
from tests.integration.dialogues.members import move_job_elsewhere


def scores(accuracy: float, rival: dict[str, Any] | None = None, items: int = 51) -> dict[str, Any]:
    """What a run measures, as far as dialogues read it."""
    return {
        "accuracy": accuracy,
        "holdout": {"accuracy": accuracy, "log_loss": 0.5, "n": items},
        "champion": rival,
        "majority_class_accuracy": 0.3,
        PRELABELED: "2026-01-01T00:00:00+00:00",
    }


class Learned:
    """A job with versions 1 (retired), 2 (in use) and 3 (held), each with its files."""

    def __init__(self, chat: Chat, settings: Settings) -> None:
        self.chat, self.settings = chat, settings
        with chat.writing() as session:
            project = make_project(session, ["one"], name="Weather")
            self.project_id, self.job = project.id, project.public_id
        first = self.add(1, "retired", scores(0.7, items=1))
        second = self.add(2, "champion", scores(0.825, {"version_id": first, "accuracy": 0.75}))
        self.add(3, "held", scores(0.81, {"version_id": second, "accuracy": 0.8125}))

    def add(self, number: int, state: str, metrics: dict[str, Any]) -> int:
        """A version with an artifact directory; its id."""
        with self.chat.writing() as session:
            run = TrainingRun(project_id=self.project_id, trigger="button", state="done", created_at=now())
            session.add(run)
            session.flush()
            version = ModelVersion(
                project_id=self.project_id,
                training_run_id=run.id,
                number=number,
                state=state,
                base_model="tiny-bert",
                artifact=f"{self.job}/v{number}",
                snapshot_hash="0" * 64,
                metrics=metrics,
                created_at=now(),
                promoted_at=None if state == "held" else now(),
            )
            session.add(version)
            session.flush()
            make_artifact(self.directory(number))
            return version.id

    def directory(self, number: int) -> Path:
        """Where the files of a version lie."""
        return self.settings.model_directory / self.job / f"v{number}"

    def states(self) -> list[str]:
        """The states of all versions, by number."""
        with self.chat.writing() as session:
            ordered = select(ModelVersion.state).order_by(ModelVersion.number)
            return list(session.scalars(ordered))


@pytest.fixture
def learned(chat: Chat, settings: Settings) -> Learned:
    """A job that has three versions."""
    return Learned(chat, settings)


async def test_train_asks_first_where_hardly_anything_is_new(chat: Chat, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    crown(chat, decided_job(chat).public_id, {}, {"holdout": {"accuracy": 0.8}})

    def known(count: int) -> None:
        with chat.writing() as session:
            session.scalars(select(TrainingRun)).one().label_count = count

    for count, said in (
        (12, "No label of “Weather” is new since model v3."),
        (9, "Only 3 labels of “Weather” are new"),
    ):
        known(count)
        assert said in await olga.says("/train weather"), "by its name"
        assert olga.buttons() == ["Train anyway", "No"]
        assert queue(TRAINING, redis).count == 0
    payload = olga.button("Train anyway").payload
    assert "Models of “Weather”" in await olga.taps("No")
    assert "is on its way" in await olga.taps_payload(payload)
    assert "already on its way" in await olga.taps_payload(payload), "the second tap"
    assert "already on its way" in await olga.says("/train Weather"), "nothing is asked while it runs"
    assert queue(TRAINING, redis).count == 1
    ann = await chat.member("Ann")
    await ann.taps_payload(payload)
    assert ann.refused == "unknown_button"


async def test_a_job_is_found_by_its_name_and_one_of_several_is_picked(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        ids = [make_project(session, ["one"], name=name).public_id for name in ("Hot days", "Rain", "rain")]
    assert "“Hot days”" in await olga.says("/learning hot  DAYS")
    assert ids[0] in await olga.says("/status Hot days")
    heard = await olga.says("/learning RAIN")
    assert f"rain: {ids[2]}\nRain: {ids[1]}" in heard, "two of one name"
    await olga.says("/learning snow")
    assert olga.refused == "project_unknown"


async def test_train_says_what_is_missing_and_starts_one_run(chat: Chat, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    project = undecided_job(chat)
    assert "0 decided items; training takes at least 10" in await olga.says("/train")
    decide(chat, project)
    assert "is on its way" in await olga.says("/train")
    assert "already on its way" in await olga.says("/train")
    assert "about to start" in await olga.says("/models")
    with chat.writing() as session:
        assert [run.trigger for run in session.scalars(select(TrainingRun))] == ["button"]
        assert session.scalars(select(LogEntry.subject).where(LogEntry.act == "train")).all() == [project.public_id]
    assert queue(TRAINING, redis).count == 1


async def test_no_model_yet(chat: Chat) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        make_project(session, [f"item {number}" for number in range(60)], retrain_threshold=50)
    heard = await olga.says("/models")
    assert "No model yet: training starts at 50 decided items, or by /train." in heard
    assert olga.buttons() == ["Train now"]
    assert "training takes at least 10" in await olga.taps("Train now")


async def test_the_list_says_which_is_in_use_and_how_good_each_is(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.says("/models")
    assert "Models of “Weather”" in heard
    assert "✅ v2 · 82.5% of 51 items · in use" in heard
    assert "v3 · 81.0% of 51 items · not better, never used" in heard
    assert "v1 · 70.0% of 1 item · used before" in heard
    assert "percentages of different versions do not compare" in heard
    assert "tiny-bert" in heard
    assert heard.index("v3") < heard.index("v2") < heard.index("v1")
    assert olga.buttons() == ["Use v3", "Go back to v1", "Train now"]
    assert "Model v2 is in use, right on 82.5% of its holdout." in await olga.says("/status")


def test_the_end_of_a_run_is_told_without_spaces_in_chinese(chat: Chat, learned: Learned) -> None:
    gate = {"promote": False, "reason": "held_baseline", "params": {"majority": 0.4}}
    learned.add(4, "held", scores(0.8) | {"gate": gate, "holdout_items": 51})
    with chat.writing() as session:
        view = training_done(session, {"project_id": learned.project_id, "version": 4, "accuracy": 0.8}, "zh")
    assert isinstance(view, Notice)
    verdict = str(view.params["verdict"])
    assert verdict.index("40%") < verdict.index("51")
    assert "。 " not in verdict


async def test_promoting_by_hand_asks_once(chat: Chat, learned: Learned, redis: Redis) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/models")
    heard = await olga.taps("Use v3")
    assert "Use v3? It was right on 81.0% of the holdout; v2 (in use) on 81.2%." in heard, "of one holdout, both"
    assert learned.states() == ["retired", "champion", "held"]
    yes = olga.button("Yes").payload
    heard = await olga.taps("Yes")
    assert "(✓ v3 is in use)" in heard
    assert "✅ v3" in heard
    assert learned.states() == ["retired", "retired", "champion"]
    with chat.writing() as session:
        third = session.scalars(select(ModelVersion.id).where(ModelVersion.number == 3)).one()
    assert [list(job.args) for job in queue(TRAINING, redis).jobs] == [[third]]
    await olga.taps_payload(yes)
    assert olga.refused == "model_in_use"
    with chat.writing() as session:
        reigning = champion(session, learned.project_id)
        assert reigning is not None
        assert PRELABELED not in reigning.metrics, "it speaks on all open items anew"
        logged = session.execute(select(LogEntry.act, LogEntry.subject).where(LogEntry.act == "promote")).all()
        assert [tuple(row) for row in logged] == [("promote", f"{learned.job} v3")]


async def test_going_back(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/models")
    heard = await olga.taps("Go back to v1")
    assert "Use v1? It was right on 75.0% of the holdout; v2 (in use) on 82.5%." in heard
    assert "v1 · 70.0%" in await olga.taps("No")
    assert learned.states() == ["retired", "champion", "held"]
    await olga.taps("Go back to v1")
    await olga.taps("Yes")
    assert learned.states() == ["champion", "retired", "held"]
    with chat.writing() as session:
        assert session.scalars(select(LogEntry.act).where(LogEntry.subject == f"{learned.job} v1")).all() == [
            "rollback"
        ]
    assert "Use v2" in olga.buttons(), "and forth again, which is no way back"


async def test_going_back_again_goes_on_and_comes_to_no_model_that_was_left(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/models")
    await olga.taps("Use v3")
    await olga.taps("Yes")
    assert olga.buttons() == ["Go back to v2", "Go back to v1", "Train now"]
    await olga.taps("Go back to v2")
    await olga.taps("Yes")
    assert olga.buttons() == ["Use v3", "Go back to v1", "Train now"]
    await olga.taps("Go back to v1")
    await olga.taps("Yes")
    assert olga.buttons() == ["Use v3", "Use v2", "Train now"]
    with chat.writing() as session:
        assert way_back(models(session, learned.project_id)) is None
    await olga.taps("Use v3")
    await olga.taps("Yes")
    assert olga.buttons() == ["Use v2", "Go back to v1", "Train now"], "who goes forward can go back again"
    with chat.writing() as session:
        acts = session.execute(select(LogEntry.act, LogEntry.subject).order_by(LogEntry.id)).all()
    used = [(act, subject.split()[-1]) for act, subject in acts if act in ("promote", "rollback")]
    assert used == [("promote", "v3"), ("rollback", "v2"), ("rollback", "v1"), ("promote", "v3")]


async def test_going_back_over_a_model_leaves_that_one_too(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/models")
    for button in ("Use v3", "Yes", "Go back to v1", "Yes"):
        await olga.taps(button)
    assert olga.buttons() == ["Use v3", "Use v2", "Train now"]


async def test_what_was_measured_apart_is_not_compared(learned: Learned) -> None:
    learned.add(4, "held", scores(0.9))
    olga = await learned.chat.member("Olga", "coordinator")
    await olga.says("/models")
    heard = await olga.taps("Use v4")
    assert "It was right on 90.0%; v2 (in use) on 82.5%. Each was measured on other items" in heard


async def test_the_first_champion_by_hand(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    with chat.writing() as session:
        for version in session.scalars(select(ModelVersion)):
            version.state = "held"
    await olga.says("/models")
    assert "No model is in use now." in await olga.taps("Use v1")
    await olga.taps("Yes")
    assert learned.states() == ["champion", "held", "held"]


async def test_an_answer_to_an_old_question_is_refused(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/models")
    await olga.taps("Use v3")
    yes = olga.button("Yes").payload
    await olga.says("/models")
    await olga.taps("Go back to v1")
    await olga.taps("Yes")
    assert "meanwhile" in await olga.taps_payload(yes)
    assert learned.states() == ["champion", "retired", "held"]


async def test_a_model_whose_files_are_gone_cannot_be_used(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    await olga.says("/models")
    use = olga.button("Use v3").payload
    await olga.taps("Use v3")
    shutil.rmtree(learned.directory(3))
    assert "files of v3 are gone" in await olga.taps("Yes")
    assert learned.states() == ["retired", "champion", "held"]
    await olga.taps_payload(use)
    assert olga.refused == "model_gone", "an old list does not even ask"
    assert "missing on the server, so it cannot be used" in await olga.says("/models")
    assert olga.buttons() == ["Go back to v1", "Train now"]
    (learned.directory(1) / "model.safetensors").unlink()
    await olga.says("/models")
    assert olga.buttons() == ["Train now"], "half of its files are none"


async def test_a_model_in_use_whose_files_are_gone_is_told_so(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    shutil.rmtree(learned.directory(2))
    heard = await olga.says("/models")
    assert "it says nothing about new items. /train makes a new one." in heard
    assert heard.index("v2") < heard.index("missing on the server") < heard.index("v1")


async def test_of_files_that_were_cleared_the_list_says_why(chat: Chat, learned: Learned) -> None:
    for number in range(4, 9):
        learned.add(number, "held", scores(0.8))
    shutil.rmtree(learned.directory(3))
    olga = await chat.member("Olga", "coordinator")
    heard = await olga.says("/models")
    assert heard.count("cleared to save room: the 2 models used last and the newest 5 keep theirs") == 1
    assert heard.index("v4") < heard.index("cleared") < heard.index("v2")
    assert not {"Use v3", "Go back to v3"} & set(olga.buttons())


async def test_forged_numbers_other_roles_and_other_workspaces(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    for number in ("9", "0", "x", "-1", "1e3", "٣"):
        payload = f"model.{learned.job}.{number}"
        await olga.taps_payload(payload)
        assert olga.refused in ("model_unknown", "unknown_button"), number
    eve = await chat.member("Eve", "expert")
    assert "Weather" not in await eve.says("/models")
    await eve.taps_payload(f"promote.{learned.job}.3.2")
    assert eve.refused == "unknown_button"
    move_job_elsewhere(chat)
    for payload in (f"models.{learned.job}", f"model.{learned.job}.3", f"promote.{learned.job}.3.2"):
        await olga.taps_payload(payload)
        assert olga.refused == "project_unknown", payload
    assert learned.states() == ["retired", "champion", "held"]


async def test_two_coordinators_at_once_leave_one_champion(chat: Chat, learned: Learned) -> None:
    both = Barrier(2, timeout=10)

    def choose(number: int) -> str:
        both.wait()
        try:
            with chat.writing() as session:
                project = session.get_one(Project, learned.project_id)
                promote(session, learned.settings, project, number, 2, project.created_by_id, now())
        except Conflict as error:
            return error.code
        return "promoted"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(choose, (1, 3)))
    assert said == ["model_changed", "promoted"]
    assert sorted(learned.states()).count("champion") == 1


async def test_only_the_newest_versions_are_listed(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    for number in range(4, 12):
        learned.add(number, "held", scores(0.5))
    heard = await olga.says("/models")
    assert "3 older versions are not shown." in heard
    assert "v11" in heard
    assert len(olga.buttons()) == 9


async def test_a_forged_number_is_no_version(chat: Chat, learned: Learned) -> None:
    olga = await chat.member("Olga", "coordinator")
    for verb in ("model", "promote"):
        await olga.taps_payload(f"{verb}.{learned.job}.{'9' * 20}.2")
        assert olga.refused == "model_unknown"
