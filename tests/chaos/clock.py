"""The clock that Lightwork's processes go by, which a test can move."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from core.clock import now
from tests.chaos.shifting.sitecustomize import SHIFT
from tests.processes import ROOT

SHIFTING = Path(__file__).parent / "shifting"


SEEN_SECONDS = 60.0


class Clock:
    """As the machine's, until it is moved. path: a file that all processes read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._shift = 0.0
        self._forward: list[tuple[float, float]] = []
        path.write_bytes(SHIFT.pack(0.0))

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which processes go by this clock."""
        return {"LIGHTWORK_CLOCK": str(self._path), "PYTHONPATH": f"{SHIFTING}{os.pathsep}{ROOT}"}

    def now(self) -> datetime:
        """The present moment, as the processes see it."""
        return now() + timedelta(seconds=self._shift)

    def seen(self) -> datetime:
        """As `now`, but what a jump forward made late counts as late only after the minute in which that is noticed."""
        recently = time.monotonic() - SEEN_SECONDS
        return self.now() - timedelta(seconds=sum(seconds for moment, seconds in self._forward if moment > recently))

    def jump(self, seconds: float) -> None:
        """Move it for all processes at once."""
        self._shift += seconds
        if seconds > 0:
            self._forward.append((time.monotonic(), seconds))
        with self._path.open("r+b") as file:  # in place, because it is mapped by others
            file.write(SHIFT.pack(self._shift))
