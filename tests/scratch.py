"""Where tests keep their files: in memory, where there is room.

They make some thousand databases. On a disk that takes its time with new files, each costs a tenth of a second.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
LEAST_BYTES = 4_000_000_000


def keep_in_memory(memory: Path = MEMORY) -> None:
    """Let this process, and those that it starts, make temporary files in memory, where TMPDIR does not say where."""
    if "TMPDIR" not in os.environ and has_room(memory):
        os.environ["TMPDIR"] = tempfile.tempdir = str(memory)


def has_room(memory: Path) -> bool:
    """Whether there is enough of it, in which programs may be run, too. Containers often have little."""
    if not os.access(memory, os.W_OK):
        return False
    return not os.statvfs(memory).f_flag & os.ST_NOEXEC and shutil.disk_usage(memory).free >= LEAST_BYTES
