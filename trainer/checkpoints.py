"""The state of an unfinished fit on the disk, so that a killed run goes on where it was and ends at the same model.

`fit` calls `load` once before its first step, `due` after every step, `save` where that says so; whoever called `fit`
calls `remove` when its model is kept or given up. `capture` and `restore` make and take the state:

    done = 0 if (state := checkpoints.load()) is None else restore(state, model, optimizer, schedule)
    for step, batch in enumerate(all_batches_in_the_same_order, start=1):
        if step <= done:
            continue
        ...
        if checkpoints.due(step):
            checkpoints.save(capture(step, model, optimizer, schedule))

Batches are drawn again from the seed and those that were done are skipped: nothing about the order has to be stored.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.log import get_logger

EVERY_SECONDS = 60.0
LARGEST_SHARE = 0.02
"""A checkpoint that takes long to write is written less often, so that it costs at most this share of the time."""
NAME = "checkpoint.pt"
UNFINISHED = "checkpoint.part"

State = dict[str, Any]
"""step, model, optimizer, schedule, random: what `capture` puts together."""

log = get_logger(__name__)


class Checkpoints:
    """One file in a directory of its own, replaced in one stroke: there is the old one, or the new one, whole.

    Args:
        directory: is made at the first save; nothing else lies in it.
        inputs: a hash of all that the fit depends on (data, settings, base model, device). A checkpoint of other
            inputs is refused and removed.
        every_seconds: 0 saves after every step.
        saved: called after every save that came to its end.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        directory: Path,
        inputs: str,
        every_seconds: float = EVERY_SECONDS,
        saved: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory, self._inputs, self._every, self._clock = directory, inputs, every_seconds, clock
        self._saved = saved
        self._began = clock()
        self._next = self._began + every_seconds
        self.seconds_before = 0.0
        """What earlier attempts took up to the state that was loaded."""

    def load(self) -> State | None:
        """The last state saved for these inputs, on the CPU; None where there is none to go on from."""
        path = self._directory / NAME
        if not path.exists():
            return None
        try:
            kept = torch.load(path, map_location="cpu", weights_only=True)
            state: State = kept["state"]
            fits = kept["inputs"] == self._inputs
            seconds = float(kept["seconds"])
        except Exception as error:  # of many kinds: whatever is in a damaged file
            log.warning("checkpoint_unreadable", error=type(error).__name__)
            fits = False
        if not fits:
            self.remove()
            return None
        self.seconds_before = seconds
        log.info("checkpoint_loaded", step=state["step"])
        return state

    def due(self, step: int) -> bool:
        """Whether the state after this step, counted from 1, is to be saved."""
        return step > 0 and self._clock() >= self._next

    def save(self, state: State) -> None:
        """Replace the checkpoint. A disk that refuses costs the checkpoint, never the run."""
        began = self._clock()
        kept = {"inputs": self._inputs, "seconds": self.seconds_before + began - self._began, "state": state}
        half = self._directory / UNFINISHED
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with half.open("wb") as file:
                torch.save(kept, file)
                file.flush()
                os.fsync(file.fileno())
            half.rename(self._directory / NAME)
            sync(self._directory)
        except (OSError, RuntimeError) as error:  # torch says RuntimeError where a write fails
            log.warning("checkpoint_not_saved", step=state["step"], error=str(error))
            with contextlib.suppress(OSError):
                half.unlink(missing_ok=True)
        else:
            self._saved()
        ended = self._clock()
        self._next = ended + max(self._every, (ended - began) / LARGEST_SHARE if self._every else 0.0)

    def remove(self) -> None:
        """Remove the directory and what is in it."""
        shutil.rmtree(self._directory, ignore_errors=True)


def capture(step: int, model: Any, optimizer: Any, schedule: Any) -> State:
    """What `restore` needs to go on after this step. Weights that are not trained are not kept: they come again."""
    return {
        "step": step,
        "model": {name: one.detach() for name, one in model.named_parameters() if one.requires_grad}
        | {name: one.detach() for name, one in model.named_buffers()},
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "random": _random_states(),
    }


def restore(state: State, model: Any, optimizer: Any, schedule: Any) -> int:
    """Put a state back, the random generators too; returns how many steps are done."""
    model.load_state_dict(state["model"], strict=False)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    _restore_random(state["random"])
    return int(state["step"])


def sync(directory: Path) -> None:
    """Make what was renamed in a directory last through a loss of power."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _random_states() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": (kind, np.asarray(keys).tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def _restore_random(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    kind, keys, *rest = states["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])
