"""What an unfinished run keeps on the disk: its data as they were frozen, and the state of its fit.

An attempt that takes over a run trains on the data of the first one. Labels and posteriors have moved on meanwhile,
and a state goes only with the data that it came from.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from core.log import get_logger
from trainer.checkpoints import EVERY_SECONDS, Checkpoints, sync
from trainer.dataset import Dataset, Example

DATA = "data.json"
CODEC = TypeAdapter(Dataset)

log = get_logger(__name__)


class RunFolder:
    """The directory of one run below `runs`, made when something is kept."""

    def __init__(self, runs: Path, public_id: str) -> None:
        self.path = runs / public_id

    def data(self) -> Dataset | None:
        """The data that an earlier attempt has frozen, if they are there and whole."""
        try:
            return CODEC.validate_json((self.path / DATA).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:  # of another version of the code, or damaged
            log.warning("run_data_unreadable", error=type(error).__name__)
            return None

    def keep(self, data: Dataset) -> None:
        """Keep the data for a later attempt, in one stroke. Where the disk refuses, that one freezes them anew."""
        half = self.path / f".{DATA}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with half.open("wb") as file:
                file.write(CODEC.dump_json(data))
                file.flush()
                os.fsync(file.fileno())
            half.rename(self.path / DATA)
            sync(self.path)
        except (OSError, ValueError) as error:
            log.warning("run_data_not_kept", error=type(error).__name__)

    def checkpoints(
        self, name: str, inputs: str, every_seconds: float = EVERY_SECONDS, saved: Callable[[], None] = lambda: None
    ) -> Checkpoints:
        """The checkpoints of one of the run's fits."""
        return Checkpoints(self.path / name, inputs, every_seconds, saved)


def inputs_hash(examples: Sequence[Example], *others: object) -> str:
    """A hash of what a fit learns from, and of all else that it depends on."""
    learned = [(one.text, one.target, one.weight) for one in examples]
    return hashlib.sha256(repr((learned, others)).encode("utf-8", "backslashreplace")).hexdigest()


def remove_ended(runs: Path, find_unfinished: Callable[[], Collection[str]]) -> None:
    """Remove the folders of runs that have ended.

    Args:
        find_unfinished: public ids of the runs that have not; asked after the folders were listed, so that a run that
            has just begun keeps its own.
    """
    folders = list(runs.iterdir()) if runs.is_dir() else []
    unfinished = find_unfinished() if folders else ()
    for folder in folders:
        if folder.name not in unfinished:
            shutil.rmtree(folder, ignore_errors=True)
