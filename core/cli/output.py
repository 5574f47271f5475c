"""Where a command writes a file: nothing is lost by a slip of the hand, and no folder comes into being by one."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from core.errors import SettingsError


def check_source(source: Path) -> None:
    """That `source` is a file, which can be read more than once.

    Raises:
        SettingsError: it is not there, a directory, or a pipe.
    """
    if source.is_dir():
        raise SettingsError(f"{source} is a directory; name a file in it.")
    if not source.exists():
        raise SettingsError(f"There is no file {source}.")
    if not source.is_file():
        raise SettingsError(f"{source} is no plain file; save what it gives in one first.")


def check_folder(out: Path) -> None:
    """That the folder that `out` shall lie in is there.

    Raises:
        SettingsError: it is not.
    """
    if not out.absolute().parent.is_dir():
        raise SettingsError(f"{out} cannot be written: there is no folder {out.parent}; make it first.")


def check_out(out: Path, sources: Iterable[Path], *, force: bool) -> None:
    """That a file can be written to `out` without anything being lost.

    Args:
        sources: the files that the command reads; no force writes over them. force: a file that is there is replaced.

    Raises:
        SettingsError: it cannot; the sentence says what to do.
    """
    check_folder(out)
    if out.is_dir():
        raise SettingsError(f"{out} is a directory; name a file in it.")
    if not out.exists():
        return
    if not out.is_file():
        raise SettingsError(f"{out} is no plain file; choose another name.")
    if any(out.samefile(source) for source in sources if source.exists()):
        raise SettingsError(f"{out} is a file that this command reads; choose another name.")
    if not force:
        raise SettingsError(f"There is a file already at {out}; choose another name, or replace it with --force.")


@contextmanager
def ended_in_order() -> Iterator[None]:
    """SIGTERM ends the block by SystemExit, so that a file that is half written goes away again.

    Also a decorator: for every command that writes a file which somebody names.
    """
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
