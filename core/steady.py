"""How a process that lasts runs once it has been built: without the pauses of a collector of garbage."""

from __future__ import annotations

import gc

THRESHOLDS = (50_000, 20, 50)
"""Objects more than before until the youngest are looked through, and how many times that until the older ones are."""


def keep_steady() -> None:
    """Never look through all that this process has loaded by now again: that takes a tenth of a second each time.

    What is made later and refers to itself is still found. See https://docs.python.org/3/library/gc.html#gc.freeze.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
