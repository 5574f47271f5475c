"""Hard limits of time and memory for the process of a training run, each of which ends in one sentence."""

from __future__ import annotations

import math
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from core.errors import Conflict, LightworkError
from core.log import get_logger
from core.repeating import Repeating

MB = 1 << 20
POLL_SECONDS = 0.5
GRACE_SECONDS = 60.0
"""So long a run that has broken a limit may take to come to the end of its step; then its process ends."""
SLACK_BYTES = 256 * MB
"""Room beyond the limit that the system grants: stacks of threads, and what is given back only later."""
STATM = Path("/proc/self/statm")
REFUSED = ("can't allocate memory", "not enough memory", "Cannot allocate memory")
"""What libraries say in a RuntimeError where the system refuses memory."""

log = get_logger(__name__)


class Limits(Repeating):
    """Watches, from `with` to its end, how long this process takes and how much memory it holds.

    A limit that is broken is raised by the next `check`, between two steps. Where none comes within a minute, because
    something hangs, the run is given up from here and the process ends.

    Args:
        seconds: the longest that the run may take.
        memory_mb: the most memory that this process may hold, in MB; 0 for no limit.
        give_up: records the end of the run, called once before the process ends by force.
        leave: ends the process.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        seconds: float,
        memory_mb: int,
        give_up: Callable[[LightworkError], None],
        leave: Callable[[int], None] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(self.look, POLL_SECONDS, "limits")
        self._longest, self._memory_mb = seconds, memory_mb
        self._give_up, self._leave, self._clock = give_up, leave, clock
        self._began = clock()
        self.spent: Callable[[], float] = lambda: 0.0
        """Seconds that earlier attempts took up to the state from which this one goes on."""
        self._broken: LightworkError | None = None
        self._broken_at = 0.0

    def check(self) -> None:
        """Look whether a limit was broken; costs nothing.

        Raises:
            Conflict: training_too_long or training_too_large.
        """
        if self._broken is not None:
            raise self._broken

    def left(self) -> float:
        """Seconds until the time is over."""
        return self._longest - (self._clock() - self._began) - self.spent()

    def look(self) -> None:
        """Measure once; what the thread does twice a second."""
        if self._broken is None:
            self._broken, self._broken_at = self._measure(), self._clock()
        elif self._clock() - self._broken_at >= GRACE_SECONDS:
            log.error("training_killed", reason=str(self._broken))
            try:
                self._give_up(self._broken)
            finally:
                self._leave(1)

    def _measure(self) -> LightworkError | None:
        if self.left() < 0:
            return Conflict("training_too_long", count=math.ceil(self._longest / 60))
        if self._memory_mb and resident_bytes() > self._memory_mb * MB:
            return _too_large(self._memory_mb)
        return None


@contextmanager
def bounded_memory(memory_mb: int, device: str) -> Iterator[None]:
    """Have the system refuse what this process asks for beyond the limit, so that one huge request cannot get through.

    Only where the system counts it so (Linux); elsewhere and for 0 nothing is bounded.

    Args:
        device: where it computes, for the sentence.

    Raises:
        Conflict: a request was refused: training_too_large where the limit did it, else training_out_of_memory.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    bounded = memory_mb > 0 and STATM.exists()
    if bounded:
        room = max(0, memory_mb * MB - resident_bytes()) + SLACK_BYTES
        most = _data_bytes() + room
        resource.setrlimit(resource.RLIMIT_DATA, (most if before[1] < 0 else min(most, before[1]), before[1]))
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _is_refusal(error):
            raise
        if bounded and not isinstance(error, torch.OutOfMemoryError):
            raise _too_large(memory_mb) from error
        raise Conflict("training_out_of_memory", device=device) from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def resident_bytes() -> int:
    """The memory that this process holds now; where the system does not say, the most that it ever held."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    return peak_bytes()


def peak_bytes() -> int:
    """The most memory that this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _too_large(memory_mb: int) -> Conflict:
    return Conflict("training_too_large", megabytes=memory_mb)


def _is_refusal(error: BaseException) -> bool:
    """Whether an error means that the device has no more memory to give."""
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or any(words in str(error) for words in REFUSED)


def _data_bytes() -> int:
    return int(STATM.read_text().split()[5]) * resource.getpagesize()
