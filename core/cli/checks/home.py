"""The home: files, free space."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator

from core.config import Settings
from core.findings import Finding, failure, ok, warning

SCARCE_BYTES = 1_000_000_000


def checks(settings: Settings) -> Iterator[Finding]:
    """Whether the home can be written, and how much space is left."""
    home = settings.home.resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home):
            free = shutil.disk_usage(home).free
    except OSError as error:
        yield failure(
            "home", f"{home} cannot be written ({error.strerror}).", "Set LIGHTWORK_HOME to a directory of yours."
        )
        return
    if free < SCARCE_BYTES:
        yield warning(
            "home", f"{home} has {free / 1e9:.1f} GB left.", "Make room: uploads, exports and models lie there."
        )
    else:
        yield ok("home", f"{home}, {free / 1e9:.0f} GB free")
