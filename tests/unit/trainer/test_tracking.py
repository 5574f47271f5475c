"""Runs are tracked; a tracker that fails never fails a run."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import structlog
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from core.config import Settings, load_settings
from core.log import setup_logging
from trainer.tracking import Safe, scalars, tracker_for

METRICS: dict[str, Any] = {
    "holdout": {"accuracy": 0.8, "macro_f1": 0.7, "log_loss": 0.5},
    "calibration": {"ece_before": 0.1, "ece_after": 0.05},
}


class Client:
    """The part of MLflow's client that is used, as its documentation has it."""

    calls: list[tuple[Any, ...]]

    def __init__(self, tracking_uri: str | None = None) -> None:
        self.calls.append(("client", tracking_uri))

    def get_experiment_by_name(self, name: str) -> None:
        """There is none yet."""

    def create_experiment(self, name: str) -> str:
        self.calls.append(("experiment", name))
        return "7"

    def create_run(self, experiment_id: str, run_name: str) -> Any:
        self.calls.append(("run", experiment_id, run_name))
        return SimpleNamespace(info=SimpleNamespace(run_id="r1"))

    def log_metric(self, run_id: str, key: str, value: float, *, step: int) -> None:
        self.calls.append(("metric", run_id, key, value, step))

    def log_param(self, run_id: str, key: str, value: Any) -> None:
        self.calls.append(("param", run_id, key, value))

    def set_terminated(self, run_id: str) -> None:
        self.calls.append(("end", run_id))


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Calls of a client that is installed."""
    Client.calls = []
    package, module = ModuleType("mlflow"), ModuleType("mlflow.tracking")
    module.MlflowClient = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mlflow", package)
    monkeypatch.setitem(sys.modules, "mlflow.tracking", module)
    return Client.calls


@pytest.fixture
def warnings_of(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged about trackers."""
    said: list[str] = []
    monkeypatch.setattr("trainer.tracking.log", SimpleNamespace(warning=lambda _event, error: said.append(error)))
    return said


def settings_with(home: Path, **values: str) -> Settings:
    return load_settings(LIGHTWORK_HOME=home, _env_file=None, **values)


def test_tensorboard_by_default(tmp_path: Path) -> None:
    tracker = tracker_for(settings_with(tmp_path), "abc", 3, "r1")
    tracker.observer("scratch")(5, {"loss": 0.5, "lr": 1e-4})
    tracker.write(3, scalars(METRICS))
    tracker.close({"epochs": 5})
    events = EventAccumulator(str(tmp_path / "tensorboard" / "abc" / "v3")).Reload()
    assert [(one.step, one.value) for one in events.Scalars("scratch/loss")] == [(5, 0.5)]
    assert events.Scalars("holdout/accuracy")[0].value == pytest.approx(0.8)
    assert "settings/text_summary" in events.Tags()["tensors"]


def test_a_version_shows_the_curves_of_the_run_that_made_it_alone(tmp_path: Path) -> None:
    """One run is stopped before there is a version; the next one is killed, and taken up again."""
    for run, step in (("stopped", 5), ("killed", 10), ("killed", 15)):
        tracker = tracker_for(settings_with(tmp_path), "abc", 1, run)
        tracker.observer("scratch")(step, {"loss": 0.5})
        tracker.close({"epochs": 5})
    other = tracker_for(settings_with(tmp_path), "abc", 2, "next")
    other.observer("scratch")(5, {"loss": 0.4})
    other.close({"epochs": 5})
    drawn = []
    for name in ("v1", "v2"):
        events = EventAccumulator(str(tmp_path / "tensorboard" / "abc" / name)).Reload()
        drawn.append([one.step for one in events.Scalars("scratch/loss")])
    assert drawn == [[10, 15], [5]]


def test_mlflow_by_setting(tmp_path: Path, mlflow: list[tuple[Any, ...]]) -> None:
    chosen = settings_with(tmp_path, LIGHTWORK_TRACKING="mlflow", LIGHTWORK_MLFLOW_URI="http://127.0.0.1:5000")
    tracker = tracker_for(chosen, "abc", 3, "r1")
    tracker.write(4, {"loss": 0.5})
    tracker.close({"epochs": 5})
    assert mlflow == [
        ("client", "http://127.0.0.1:5000"),
        ("experiment", "lightwork-abc"),
        ("run", "7", "v3"),
        ("metric", "r1", "loss", 0.5, 4),
        ("param", "r1", "epochs", 5),
        ("end", "r1"),
    ]
    assert not (tmp_path / "tensorboard").exists()


def test_mlflow_that_is_not_installed_is_named_and_harms_nothing(tmp_path: Path, warnings_of: list[str]) -> None:
    tracker = tracker_for(settings_with(tmp_path, LIGHTWORK_TRACKING="mlflow"), "abc", 1, "r1")
    tracker.write(1, {"loss": 0.5})
    tracker.close({})
    assert len(warnings_of) == 1
    assert "pip install mlflow" in warnings_of[0]


def test_the_password_of_a_server_that_refuses_stays_out_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = "https://ada:s3cret%21@mlflow.example.org"
    chosen = settings_with(tmp_path, LIGHTWORK_TRACKING="mlflow", LIGHTWORK_MLFLOW_URI=uri)

    def refuse(*_: object) -> None:
        raise OSError(f"401 from {uri}, given ada and s3cret!")

    monkeypatch.setattr("trainer.tracking.MLflow", refuse)
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        setup_logging("json", chosen.secrets_to_hide())
        tracker_for(chosen, "abc", 1, "r1").write(1, {"loss": 0.5})
    finally:
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.reset_defaults()
    said = capsys.readouterr().err
    assert "tracking_failed" in said
    assert "s3cret" not in said


def test_nothing_is_tracked_where_nobody_wants_it(tmp_path: Path, warnings_of: list[str]) -> None:
    tracker = tracker_for(settings_with(tmp_path, LIGHTWORK_TRACKING="none"), "abc", 1, "r1")
    tracker.write(1, {"loss": 0.5})
    tracker.close({})
    assert (list(tmp_path.iterdir()), warnings_of) == ([], [])


class Failing:
    """Fails at one of its calls."""

    def __init__(self, at: str) -> None:
        self.at, self.seen = at, list[str]()

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        self._called("write")

    def close(self, settings: Mapping[str, Any]) -> None:
        self._called("close")

    def _called(self, name: str) -> None:
        self.seen.append(name)
        if name == self.at:
            raise OSError("no space left")


@pytest.mark.parametrize("at", ["write", "close"])
def test_the_first_fault_is_the_last_word(at: str, warnings_of: list[str]) -> None:
    failing = Failing(at)
    make: Callable[[], Failing] = lambda: failing  # noqa: E731
    tracker = Safe(make)
    for step in range(3):
        tracker.write(step, {"loss": 0.5})
    tracker.close({})
    tracker.close({})
    assert warnings_of == ["OSError: no space left"]
    assert failing.seen == (["write"] if at == "write" else ["write"] * 3 + ["close"])
