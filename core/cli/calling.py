"""How `lightwork` is called from the shell that this process was started in."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def called(arguments: str) -> str:
    """The command line that runs `lightwork` with `arguments`: by its name where the path knows this installation."""
    own = Path(sys.executable).with_name("lightwork")
    found = shutil.which("lightwork")
    if found is not None and Path(found).absolute() == own.absolute():
        return f"lightwork {arguments}"
    if own.exists():
        return f"{_short(own)} {arguments}"
    return f"{_short(Path(sys.executable))} -m core.cli {arguments}"


def _short(program: Path) -> str:
    """Relative to the working directory, where it lies below it."""
    try:
        return str(program.absolute().relative_to(os.getcwd()))
    except ValueError:
        return str(program)
