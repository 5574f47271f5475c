"""Training runs as curves: TensorBoard event files in the home by default, MLflow by setting.

A tracker that fails, from the start or on its way, is logged and never fails a run.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from core.config import Settings
from core.errors import SettingsError
from core.log import get_logger

EVENTS, OWNER = "events.out.tfevents.*", ".run"
"""In a directory of TensorBoard: what is drawn, and the public id of the run whose it is."""

log = get_logger(__name__)

Numbers = Mapping[str, float]


class Tracker(Protocol):
    """Where the numbers of one run go."""

    def write(self, step: int, numbers: Numbers) -> None:
        """Numbers by name, at a step."""

    def close(self, settings: Mapping[str, Any]) -> None:
        """The end of the run, with the settings that it was trained with."""


class Safe:
    """A tracker that never raises: the first fault of another is logged, and then nothing is written any more."""

    def __init__(self, make: Callable[[], Tracker]) -> None:
        self._tracker: Tracker | None = None
        self._try(lambda: setattr(self, "_tracker", make()))

    def observer(self, way: str) -> Callable[[int, Numbers], None]:
        """What a fit tells its numbers to, for example "scratch/loss".

        Args:
            way: what sets its curves apart from those of another fit of the run.
        """
        return lambda step, numbers: self.write(step, {f"{way}/{name}": value for name, value in numbers.items()})

    def write(self, step: int, numbers: Numbers) -> None:
        """Numbers by name, at a step."""
        if (tracker := self._tracker) is not None:
            self._try(lambda: tracker.write(step, numbers))

    def close(self, settings: Mapping[str, Any]) -> None:
        """The end of the run. Called twice, it ends once."""
        if (tracker := self._tracker) is not None:
            self._try(lambda: tracker.close(settings))
            self._tracker = None

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:  # whatever a library or a server makes of it
            log.warning("tracking_failed", error=f"{type(error).__name__}: {error}")
            self._tracker = None


class TensorBoard:
    """Event files in a directory. What a run has left there that made no version is removed by the next one.

    Args:
        run: public id; the run itself, taken up again, goes on with what it has written.
    """

    def __init__(self, directory: Path, run: str) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_own(directory, run)
        self._writer: Any = SummaryWriter(str(directory))

    def write(self, step: int, numbers: Numbers) -> None:
        """One scalar for each number."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self, settings: Mapping[str, Any]) -> None:
        """The settings as a text, and the file ends."""
        self._writer.add_text("settings", "\n".join(f"    {name} = {value}" for name, value in settings.items()))
        self._writer.close()


def _make_own(directory: Path, run: str) -> None:
    """Clear a directory of the events of another run, and note whose it is."""
    owner = directory / OWNER
    if owner.is_file() and owner.read_text() == run:
        return
    for path in directory.glob(EVENTS):
        path.unlink()
    owner.write_text(run)


class MLflow:
    """A run of an MLflow experiment, which is named like the project."""

    def __init__(self, uri: str, experiment: str, name: str) -> None:
        try:
            client_module: Any = importlib.import_module("mlflow.tracking")
        except ImportError:
            raise SettingsError("LIGHTWORK_TRACKING is mlflow, but it is not installed: pip install mlflow.") from None
        self._client = client_module.MlflowClient(tracking_uri=uri or None)
        known = self._client.get_experiment_by_name(experiment)
        number = known.experiment_id if known is not None else self._client.create_experiment(experiment)
        self._run = self._client.create_run(number, run_name=name).info.run_id

    def write(self, step: int, numbers: Numbers) -> None:
        """One metric for each number."""
        for name, value in numbers.items():
            self._client.log_metric(self._run, name, value, step=step)

    def close(self, settings: Mapping[str, Any]) -> None:
        """The settings as parameters, and the run ends."""
        for name, value in settings.items():
            self._client.log_param(self._run, name, value)
        self._client.set_terminated(self._run)


class Nothing:
    """Nowhere."""

    def write(self, step: int, numbers: Numbers) -> None:
        """Nothing."""

    def close(self, settings: Mapping[str, Any]) -> None:
        """Nothing."""


def tracker_for(settings: Settings, project: str, version: int, run: str) -> Safe:
    """The tracker of a run.

    Args:
        project, run: public ids. version: number of the model version that the run will make, if it comes to its end.
    """
    if settings.tracking == "mlflow":
        return Safe(lambda: MLflow(settings.mlflow_uri, f"lightwork-{project}", f"v{version}"))
    if settings.tracking == "none":
        return Safe(Nothing)
    return Safe(lambda: TensorBoard(settings.tensorboard_directory / project / f"v{version}", run))


def scalars(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a version's metrics that are worth a curve over the versions, by the names that trackers show."""
    found = {f"holdout/{name}": metrics["holdout"][name] for name in ("accuracy", "macro_f1", "log_loss")}
    for name in ("ece_before", "ece_after"):
        found[f"calibration/{name}"] = metrics["calibration"][name]
    return {name: float(value) for name, value in found.items()}
