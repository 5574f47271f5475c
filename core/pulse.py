"""A sign that this process still turns: its main loop gives one each time round, `/healthz` asks how old it is."""

from __future__ import annotations

import time

_last = time.monotonic()


def beat() -> None:
    """Give a sign; callable from any thread."""
    global _last
    _last = time.monotonic()


def silent_seconds() -> float:
    """How long ago the last sign was; at first, since this module was imported."""
    return time.monotonic() - _last
