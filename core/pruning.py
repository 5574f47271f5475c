"""Files that were made to be fetched once go after a while."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from core.config import Settings

KEPT = timedelta(days=7)
MOST = 1000
"""Files removed from a directory in one call; the others wait for the next."""


def prune_files(settings: Settings, now: datetime) -> int:
    """Remove exports and pictures older than `KEPT`; returns how many. Whoever wants one again asks again."""
    before = (now - KEPT).timestamp()
    return sum(_prune(directory, before) for directory in (settings.export_directory, settings.picture_directory))


def _prune(directory: Path, before: float) -> int:
    removed = 0
    try:
        with os.scandir(directory) as entries:
            old = (entry for entry in entries if entry.is_file() and entry.stat().st_mtime < before)
            for entry in islice(old, MOST):
                Path(entry.path).unlink(missing_ok=True)
                removed += 1
    except FileNotFoundError:  # of the directory: nothing was ever made; of a file: another process was quicker
        return removed
    return removed
