"""Starting together: a process loads what it needs while what it stands on is still being made ready.

`lightwork up` gives its processes a latch for their standard input: a pipe that it closes when the database and Redis
are there. Whoever is started again later finds it open.
"""

from __future__ import annotations

import os
import sys

WHEN_TOLD = "--when-told"
"""The argument of a process that is to wait for the latch."""


class Latch:
    """Holds back those who wait for it until it is opened, once and for good.

    handle: a file descriptor, to be their standard input.
    """

    def __init__(self) -> None:
        self.handle, self._held = os.pipe()

    def open(self) -> None:
        """Let everybody go on, now and later."""
        os.close(self._held)


def await_latch() -> None:
    """Wait for the latch, where this process was told to. It opens too when whoever holds it dies."""
    if WHEN_TOLD in sys.argv:
        sys.stdin.read()
