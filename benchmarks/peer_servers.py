"""What the servers that `benchmarks.peers` measures have in common: started, filled, joined, counted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import aiohttp
import psutil

from benchmarks.peer_people import Session

LABELS = ("Positive", "Negative", "Neutral")
QUESTION = "How does the author feel?"
TEXT = "The {} lands three hours late and nobody tells us why, but the crew was as kind as can be about it."
PASSWORD = "secret-enough"
START_SECONDS = 180.0
LOAD_SECONDS = 900.0
STOP_SECONDS = 40.0
LOOK_SECONDS = 0.2
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Stored:
    """What is in a server's database: annotations, and the items that they are of."""

    annotations: int
    items: int


class Server(ABC):
    """Processes that answer on a free port of this machine, with their data in `home`."""

    packages: ClassVar[tuple[str, ...]] = ()
    """What its environment is made of."""
    database: ClassVar[str]
    """Its file of SQLite, below its home."""
    counts: ClassVar[tuple[str, str]]
    """Statements that count its annotations, and the items that have one."""

    def __init__(self, home: Path, environments: Path) -> None:
        self.home, self.environments = home, environments
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._processes: list[subprocess.Popen[bytes]] = []

    @abstractmethod
    async def start(self, outside: aiohttp.ClientSession, items: int, people: int) -> None:
        """Run it with one project of so many items, each of which wants one answer, until they can be answered."""

    @abstractmethod
    async def join(self, number: int) -> Session:
        """Somebody who can answer, with an account of their own."""

    def stored(self) -> Stored:
        """What is in its database; asked after `stop`."""
        return stored_in(self.home / self.database, *self.counts)

    def run(self, command: Sequence[str | Path], settings: Mapping[str, str]) -> None:
        """Start one of its processes; what they say goes into a file of its home."""
        with (self.home / "server.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.home,
            )
        self._processes.append(process)

    def stop(self) -> None:
        """End all of its processes."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_SECONDS)

    def cpu_seconds(self) -> float:
        """User and system time of all of its processes so far, those included that have ended."""
        return sum(cpu_seconds_of(process.pid) for process in self._processes)

    async def up(self, outside: aiohttp.ClientSession, path: str) -> None:
        """Wait until it answers. Raises `SystemExit` as `until`."""

        async def answers() -> bool:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with outside.get(self.url + path) as response:
                    return response.status < 500
            return False

        await self.until(answers, START_SECONDS, "A server did not start")

    async def until(self, look: Callable[[], Awaitable[Found | None]], seconds: float, problem: str) -> Found:
        """Look until the answer is true, and return it.

        Raises:
            SystemExit: `problem`, it was not within so many seconds, or one of its processes has ended.
        """
        end = time.monotonic() + seconds
        while not (found := await look()):
            if time.monotonic() > end or any(process.poll() is not None for process in self._processes):
                raise SystemExit(f"{problem}: {self.said()[-2000:]}")
            await asyncio.sleep(LOOK_SECONDS)
        return found

    def said(self) -> str:
        """What its processes have printed."""
        return (self.home / "server.log").read_text(errors="replace")


def cpu_seconds_of(pid: int) -> float:
    """User and system time of a process and all of its children, the ended ones that were waited for too."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
    return total


def stored_in(database: Path, annotations: str, items: str) -> Stored:
    """Two counts, read from a file of SQLite that is there."""
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as connection:
        counts = [int(connection.execute(statement).fetchone()[0]) for statement in (annotations, items)]
    return Stored(*counts)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
