"""The home: files, free space."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator

from core.cli.calling import called
from core.config import Settings
from core.findings import Finding, failure, ok, warning

SCARCE_BYTES = 1_000_000_000
OTHERS = stat.S_IRWXO


def checks(settings: Settings) -> Iterator[Finding]:
    """Whether the home can be written and others cannot look into it, and how much space is left."""
    home = settings.home.resolve()
    there = next(path for path in (home, *home.parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        yield failure("home", f"{home} cannot be written.", "Set LIGHTWORK_HOME to a directory of yours.")
        return
    if there != home:
        yield warning("home", f"{home} is not there yet.", f"It is made by the first: {called('up')}")
        return
    if home.stat().st_mode & OTHERS:
        yield warning("privacy", f"Others on this machine can look into {home}.", f"Run: chmod o-rwx {home}")
    free = shutil.disk_usage(home).free
    if free < SCARCE_BYTES:
        yield warning(
            "home", f"{home} has {free / 1e9:.1f} GB left.", "Make room: uploads, exports and models lie there."
        )
    else:
        yield ok("home", f"{home}, {free / 1e9:.0f} GB free")
