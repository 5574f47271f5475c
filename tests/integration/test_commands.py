"""What `lightwork up` and `lightwork status` print for a person."""

from __future__ import annotations

import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from core.cli import main
from core.cli.calling import called
from core.cli.status import describe, look
from core.clock import now
from core.config import Settings
from core.db import unit_of_work
from core.models import Project, TrainingRun
from core.training_runs import claim
from core.under_way import note_done
from tests.factories import make_project


def test_a_command_is_named_as_it_can_be_typed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "venv" / "bin"
    programs.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setenv("PATH", "/nowhere")
    assert called("up") == "venv/bin/python -m core.cli up"
    (programs / "lightwork").write_text("#!/bin/sh\n")
    (programs / "lightwork").chmod(0o755)
    assert called("up") == "venv/bin/lightwork up"
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert called("up") == f"{programs}/lightwork up"
    monkeypatch.setenv("PATH", str(programs))
    assert called("invite --uses 20") == "lightwork invite --uses 20"


@pytest.mark.parametrize("owner", ["http://127.0.0.1:1/join/owner", None])
def test_what_up_says_when_it_runs(owner: str | None, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    up = import_module("core.cli.up")  # the package has the command by that name
    up._greet(settings, owner, ["http://127.0.0.1:1/join/a"] * 3)
    lines = capsys.readouterr().out.splitlines()
    hints = lines[next(number for number, line in enumerate(lines) if "More people:" in line) : -1]
    starts = {len(line) - len(line.partition(":")[2].lstrip()) for line in hints}
    assert len(starts) == 1, "all in one column"
    assert hints[-1].split() == ["Stop:", "Ctrl-C"]
    said = "\n".join(lines)
    assert said.count("/join/a") == 3
    assert ("You, the owner" in said) is (owner is not None)
    assert ("/link" in said and "earlier starts go on working" in said) is (owner is None)


@pytest.mark.parametrize(
    ("champion", "versions", "says"),
    [(None, 0, "none yet"), (None, 1, "none in use (1 version trained, /models shows why)"), (2, 2, "v2 in use")],
)
def test_status_in_words(champion: int | None, versions: int, says: str) -> None:
    project = {"id": "p", "name": "Weather", "state": "open", "items": 1, "states": {"open": 1}}
    project |= {"annotations": 2, "active_leases": 1, "open_slots": 1, "jobs": {"expire": 1, "offer": 0}}
    project |= {"model": champion, "model_versions": versions}
    database = {"address": "sqlite", "current": True}
    found = {"database": database, "redis": {"embedded": True}, "processes": {}, "queues": {}, "projects": [project]}
    found["training"] = {"running": [], "due": []}
    assert describe(found).splitlines()[-4:] == [
        "Weather (p, open)",
        "  1 item: 1 open",
        "  2 annotations, 1 active lease, 1 open slot; scheduled: 1 end of leases, 0 offers",
        f"  model: {says}",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("forecast", "Hotel"),
        ("explain", "Hotel"),
        ("model", "list", "Hotel"),
        ("model", "show", "Hotel"),
        ("invite",),
    ],
)
def test_a_command_that_looks_makes_no_database(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIGHTWORK_HOME", str(tmp_path / "var"))
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == 2
    file = tmp_path / "var" / "lightwork.sqlite"
    assert f"There is no database at {file}: LIGHTWORK_HOME says where the home is. If Lightwork runs" in result.stderr
    assert "else start everything with:" in result.stderr
    assert list(tmp_path.iterdir()) == []
    file.parent.mkdir()
    file.touch(0o600)
    result = CliRunner().invoke(main, list(words))
    assert "does not fit this version of Lightwork; run 'lightwork migrate' first" in result.stderr


def test_status_says_which_runs_are_under_way_and_which_wait(engine: Engine, settings: Settings) -> None:
    with unit_of_work(engine, lambda _effects: None) as session:
        for name, state in (("Mails", "running"), ("Lost", "running"), ("Tweets", "due")):
            project = make_project(session, name=name)
            heard = None if name == "Lost" else now()
            run = TrainingRun(project_id=project.id, trigger="button", state=state, created_at=now(), attempts=1)
            run.heartbeat_at = heard
            session.add(run)
            session.flush()
            if name == "Mails":
                note_done(session, run.id, 1, 0.4)
                note_done(session, run.id, 2, 0.9)
    found = look(settings)
    assert found["training"] == {"running": [{"name": "Mails", "done": 0.4}], "due": ["Tweets"]}
    assert "Training   'Mails' (40% done) under way; 'Tweets' waiting" in describe(found)


def test_status_names_the_runs_that_wait_in_the_order_in_which_they_are_taken(
    engine: Engine, settings: Settings
) -> None:
    with unit_of_work(engine, lambda _effects: None) as session:
        for name, trained in (("Lately", 1), ("Long ago", 9), ("Never", None)):
            project = make_project(session, name=name)
            if trained is not None:
                began = now() - timedelta(hours=trained)
                session.add(
                    TrainingRun(project_id=project.id, trigger="cron", state="done", created_at=began, started_at=began)
                )
            session.add(TrainingRun(project_id=project.id, trigger="cron", state="due", created_at=now()))
            session.flush()
    assert look(settings)["training"]["due"] == ["Never", "Long ago", "Lately"]
    with unit_of_work(engine, lambda _effects: None) as session:
        taken = [claim(session, 0, now()) for _ in range(3)]
        names = [session.get_one(Project, run.project_id).name for run in taken if run is not None]
    assert names == ["Never", "Long ago", "Lately"]


def test_status_counts_the_versions_of_each_project(engine: Engine, settings: Settings) -> None:
    with unit_of_work(engine, lambda _effects: None) as session:
        make_project(session)
    (project,) = look(settings)["projects"]
    assert (project["model"], project["model_versions"]) == (None, 0)
