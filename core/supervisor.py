"""Starts the processes of Lightwork, brings back those that die, and stops all of them.

Knows nothing of what it runs: `core.cli.up` says that.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from core.clock import now
from core.errors import SettingsError
from core.log import get_logger

FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A process that lived so long starts at once when it dies."""
GRACE_SECONDS = 9.0
"""Each process ends by itself within that time: see `core.stopping`."""
LAST_GRACE_SECONDS = 0.8
"""On top of what is left of it, for those that the others need until their end."""
POLL_SECONDS = 0.05
MAX_LOG_BYTES = 20_000_000
PR_SET_PDEATHSIG = 1

log = get_logger(__name__)
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep alive."""

    name: str
    argv: tuple[str, ...]


@dataclass(slots=True)
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_at: datetime | None = None
    started: float = 0.0
    restart: float = 0.0
    backoff: float = FIRST_BACKOFF_SECONDS
    starts: int = 0


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the home for this process alone.

    Raises:
        SettingsError: another process holds it, or it cannot be written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(f"LIGHTWORK_HOME: {home} cannot be used ({error.strerror}).") from None
    with os.fdopen(descriptor, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(
                f"Lightwork is already running in {home} (process {file.read().strip() or 'unknown'}); "
                "stop it first, or set LIGHTWORK_HOME to another directory."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@dataclass(slots=True)
class Supervisor:
    """Keeps programs alive. They are started in the order given and stopped in the opposite one.

    Everything happens in `step`, which is called again and again by one thread.
    """

    home: Path
    environment: Mapping[str, str]
    stdin: int = subprocess.DEVNULL
    """Their standard input, a file descriptor."""
    _children: dict[str, _Child] = field(default_factory=dict)

    def start(self, program: Program) -> None:
        """Start a program and keep it alive from now on."""
        child = _Child(program)
        self._children[program.name] = child
        self._spawn(child)
        self._write_state()

    def step(self) -> None:
        """Notice who died, and start again whoever has waited long enough."""
        changed = False
        for child in self._children.values():
            if child.process is not None and (status := child.process.poll()) is not None:
                self._bury(child, status)
                changed = True
            if child.process is None and time.monotonic() >= child.restart:
                self._spawn(child)
                changed = True
        if changed:
            self._write_state()

    def starts(self, name: str) -> int:
        """How often a program has been started."""
        return self._children[name].starts

    def log_file(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.home / "log" / f"{name}.log"

    def stop(self, last: Sequence[str] = ()) -> None:
        """Stop everything: SIGTERM in the opposite order of starting, SIGKILL after `GRACE_SECONDS`.

        Args:
            last: names of programs that the others need until their end.
        """
        children = [child for child in reversed(self._children.values()) if child.process is not None]
        deadline = time.monotonic() + GRACE_SECONDS
        _stop([child for child in children if child.program.name not in last], GRACE_SECONDS)
        left = max(0.0, deadline - time.monotonic())  # what the others did not take is theirs, who write to disk
        _stop([child for child in children if child.program.name in last], left + LAST_GRACE_SECONDS)
        self._children.clear()
        state_file(self.home).unlink(missing_ok=True)

    def _spawn(self, child: _Child) -> None:
        path = self.log_file(child.program.name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        supervisor = os.getpid()
        with open(path, "ab", opener=_private) as output:
            child.process = subprocess.Popen(  # noqa: S603 (the caller is `core.cli.up`)
                child.program.argv,
                env=dict(self.environment),
                stdin=self.stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=lambda: die_with_parent(supervisor),  # there are no other threads here
            )
        child.started, child.started_at = time.monotonic(), now()
        child.starts += 1

    def _bury(self, child: _Child, status: int) -> None:
        lived = time.monotonic() - child.started
        if lived >= STEADY_SECONDS:
            child.backoff = FIRST_BACKOFF_SECONDS
        child.process, child.restart = None, time.monotonic() + child.backoff
        log.warning(
            "process_died",
            name=child.program.name,
            status=status,
            lived_seconds=round(lived, 1),
            restart_in_seconds=child.backoff,
        )
        child.backoff = min(child.backoff * 2, MAX_BACKOFF_SECONDS)

    def _write_state(self) -> None:
        alive = {
            name: {"pid": child.process.pid, "started": child.started_at.isoformat()}
            for name, child in self._children.items()
            if child.process is not None and child.started_at is not None
        }
        path = state_file(self.home)
        fresh = path.with_name(f".{path.name}")
        fresh.write_text(json.dumps(alive, indent=1))
        fresh.replace(path)


def _stop(children: Sequence[_Child], grace_seconds: float) -> None:
    processes = [child.process for child in children if child.process is not None]
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline and any(process.poll() is None for process in processes):
        time.sleep(POLL_SECONDS)
    for process in processes:
        if process.poll() is None:
            log.warning("process_killed", pid=process.pid, argv=process.args)
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def state_file(home: Path) -> Path:
    """Where the running processes are listed: name -> {"pid": ..., "started": ...}."""
    return home / "processes.json"


def running(home: Path) -> dict[str, dict[str, object]]:
    """The processes that `lightwork up` runs in a home and that are alive: name -> {"pid", "started"}."""
    try:
        listed: dict[str, dict[str, object]] = json.loads(state_file(home).read_text())
    except FileNotFoundError:
        return {}
    return {name: entry for name, entry in listed.items() if _is_alive(int(str(entry["pid"])))}


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent` dies. Where it cannot (not Linux), do nothing.

    Args:
        parent: pid of whoever started this process; if that one is dead already, this one ends at once.
    """
    if hasattr(_libc, "prctl"):
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    # In a container nobody may collect the children of a process that was killed.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
