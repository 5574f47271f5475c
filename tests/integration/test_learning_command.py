"""`lightwork learning`: all settings of a job on the command line, shown and changed."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, select

from core.cli.failures import explain
from core.cli.learning import describe, run
from core.config import Settings
from core.db import reading
from core.errors import LightworkError
from core.learning import UNCHOSEN
from core.models import LogEntry, Project, TrainingRun
from tests.integration.trainer_fixtures import Base


@pytest.fixture
def base(sqlite_engine: Engine, settings: Settings) -> Base:
    """A job of which nothing was chosen."""
    settings.database_url = sqlite_engine.url.render_as_string(hide_password=False)
    return Base(sqlite_engine, labels=("a", "b"))


def stored(base: Base) -> Project:
    """The job as it is kept."""
    with reading(base.engine) as session:
        return session.get_one(Project, base.project_id)


def test_settings_are_shown_changed_and_taken_back(base: Base, settings: Settings) -> None:
    found = run(settings, "weather", ())
    assert not found["changed"]
    assert "Saved." not in describe(found)
    assert "  epochs          default: 5\n" in describe(found)
    assert "  encoder_lr      default: 0.0001\n" in describe(found)
    assert [found["settings"][name] for name in UNCHOSEN] == [None] * 5
    assert found["defaults"] == UNCHOSEN
    assert "  soft            on" in describe(found)
    assert "  retrain         20\n" in describe(found)
    wanted = ("epochs=8", "soft=off", "encoder_lr=2e-5", "accept_error=2.5%", "retrain=off", "cron=0 3 * * 1")
    found = run(settings, "weather", wanted)
    assert found["changed"]
    assert describe(found).endswith("Saved.")
    assert "  retrain         off" in describe(found)
    project = stored(base)
    assert project.learning == {"epochs": 8, "soft": False, "encoder_lr": 2e-5, "accept_error": 0.025}
    assert (project.retrain_threshold, project.retrain_cron) == (0, "0 3 * * 1")
    again = run(settings, "weather", wanted)
    assert not again["changed"]
    assert describe(again).endswith("Saved."), "whoever says it twice hears the same"
    assert again["settings"]["epochs"] == 8
    run(settings, "weather", ("epochs=default", "retrain=default", "cron=default"))
    assert (stored(base).retrain_threshold, stored(base).retrain_cron) == (200, "0 3 * * *")
    assert "epochs" not in stored(base).learning
    with reading(base.engine) as session:
        log = list(session.scalars(select(LogEntry).order_by(LogEntry.id)))
    assert "epochs 8, soft False" in log[0].subject
    assert all(entry.worker_id is None for entry in log)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("epochs", "says no value; write for example epochs=8"),
        ("colour=1", "There is no setting 'colour'"),
        ("second_look_of=1", "There is no setting"),
        ("epochs=lots", "give a whole number"),
        ("epochs=-1", "anything from 1 to 50; epochs=default takes back what was chosen"),
        ("epochs=0", "anything from 1 to 50"),
        ("batch_size=0", "anything from 1 to 256"),
        ("encoder_lr=0", "anything from 1e-06 to 0.01"),
        ("encoder_lr=nan", "anything from 1e-06 to 0.01"),
        ("soft=maybe", "give on or off"),
        ("method=magic", "there are auto, full, lora, frozen"),
        ("retrain=0", "whole number above 0"),
        ("cron=at night", "is not a cron string; write five fields"),
    ],
)
def test_what_does_not_work_is_said_and_changes_nothing(
    base: Base, settings: Settings, assignment: str, said: str
) -> None:
    with pytest.raises(LightworkError) as caught:
        run(settings, "weather", ("head_lr=0.002", assignment))
    assert said in (explain(caught.value) or "")
    assert stored(base).learning == {}


def test_a_threshold_that_is_reached_already_starts_a_run(base: Base, settings: Settings) -> None:
    items = base.items([f"a text about {at}" for at in range(40)])
    base.decide(items, lambda place: "ab"[place % 2])
    run(settings, "weather", ("retrain=30",))
    with reading(base.engine) as session:
        assert [one.trigger for one in session.scalars(select(TrainingRun))] == ["threshold"]
