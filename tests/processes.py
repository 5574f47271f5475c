"""Commands of Lightwork as real processes, in a home of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def environment(home: Path, **settings: str) -> dict[str, str]:
    """The environment of a process: this one's, the home, and what is given; the checkout can be imported."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "LIGHTWORK_HOME": str(home)} | settings


def start(home: Path, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
    """Start `lightwork ARGUMENTS` outside of the checkout; its output goes to HOME/test-<first argument>.log."""
    return start_python(home, ["-m", "core.cli", *arguments], name=arguments[0], **settings)


def start_python(home: Path, arguments: Sequence[str], name: str, **settings: str) -> subprocess.Popen[bytes]:
    """Start Python outside of the checkout; its output goes to HOME/test-<name>.log."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"test-{name}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=environment(home, **settings),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def run(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `lightwork ARGUMENTS` to its end."""
    home.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "core.cli", *arguments],
        env=environment(home, **settings),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def end(process: subprocess.Popen[Any], number: int = signal.SIGTERM, seconds: float = 15.0) -> int:
    """Send a signal and wait; a process that stays is killed, and the wait fails."""
    process.send_signal(number)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
