"""A disk that can be full: a small one in memory where this process may mount it, else a limit on sizes of files."""

from __future__ import annotations

import errno
import resource
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIZE_MB = 384
CHUNK = bytes(1 << 20)
SMALL_FILE = 4096
UNLIMITED = resource.RLIM_INFINITY


class Disk:
    """Where a home lies. way: in words, how it gets full."""

    def __init__(self, path: Path, mounted: bool) -> None:
        self.path = path
        self._mounted = mounted
        self._ballast = path / "ballast"

    @property
    def way(self) -> str:
        """In words, how it gets full."""
        return f"a tmpfs of {SIZE_MB} MB, filled up" if self._mounted else "RLIMIT_FSIZE on those who write"

    def fill(self, pids: Iterable[int]) -> None:
        """From now on nothing more can be written; without a mount that holds for the processes `pids`."""
        if not self._mounted:
            _limit(pids, SMALL_FILE)
            return
        with self._ballast.open("wb", buffering=0) as file:
            size = len(CHUNK)
            while size:
                try:
                    file.write(CHUNK[:size])
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def free(self, pids: Iterable[int]) -> None:
        """There is room again."""
        if self._mounted:
            self._ballast.unlink()
        else:
            _limit(pids, UNLIMITED)


def _limit(pids: Iterable[int], size: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, UNLIMITED))


@contextmanager
def small_disk(path: Path) -> Iterator[Disk]:
    """A disk at `path`, until the block ends."""
    path.mkdir()
    options = f"size={SIZE_MB}m,mode=0755"
    mount = ["mount", "-t", "tmpfs", "-o", options, "lightwork-chaos", str(path)]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield Disk(path, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(path)], check=True)
