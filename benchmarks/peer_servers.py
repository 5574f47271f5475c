"""What the servers that `benchmarks.peers` measures have in common: started, filled, joined, answered, counted."""

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import aiohttp
import psutil

LABELS = ("Positive", "Negative", "Neutral")
QUESTION = "How does the author feel?"
TEXT = "The {} lands three hours late and nobody tells us why, but the crew was as kind as can be about it."
PASSWORD = "secret-enough"
START_SECONDS = 180.0
LOAD_SECONDS = 900.0
STOP_SECONDS = 40.0
Json = Any
"""What a server says."""


class Failed(Exception):
    """A server refused a request."""


class Session(Protocol):
    """One person."""

    async def answer(self) -> None:
        """Answer one item and see the next. Raises `Failed` where the server refused."""
        ...

    async def close(self) -> None:
        """Leave."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What is in a server's database: annotations, and the items that they are of."""

    annotations: int
    items: int


class Server(ABC):
    """Processes that answer on a free port of this machine, with their data in `home`."""

    packages: ClassVar[tuple[str, ...]] = ()
    """What its environment is made of."""

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

    @abstractmethod
    def stored(self) -> Stored:
        """What is in its database; asked after `stop`."""

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
        """Wait until it answers."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and all(process.poll() is None for process in self._processes):
            with contextlib.suppress(aiohttp.ClientError, OSError):
                async with outside.get(self.url + path) as response:
                    if response.status < 500:
                        return
            await asyncio.sleep(0.2)
        raise SystemExit("A server did not start: " + self.said()[-2000:])

    def said(self) -> str:
        """What its processes have printed."""
        return (self.home / "server.log").read_text(errors="replace")


class TokenPerson:
    """Somebody who asks a REST interface with a token, on connections of their own."""

    def __init__(self, url: str, token: str, seconds: float = 60.0) -> None:
        headers = {"Authorization": f"Token {token}"}
        timeout = aiohttp.ClientTimeout(seconds)
        self._client = aiohttp.ClientSession(base_url=url, headers=headers, timeout=timeout)

    async def ask(self, method: str, path: str, body: Json = None) -> Json:
        """As `asked`. Raises `Failed`."""
        return await asked(self._client, method, path, body)

    async def close(self) -> None:
        """Leave."""
        await self._client.close()


async def asked(client: aiohttp.ClientSession, method: str, path: str, body: Json = None) -> Json:
    """What the server answers to a request in JSON.

    Raises:
        Failed: its status is 400 or more, or the connection broke.
    """
    try:
        async with client.request(method, path, json=body) as response:
            if response.status >= 400:
                raise Failed(f"{method} {path}: {response.status} {(await response.text())[:300]}")
            return await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Failed(f"{method} {path}: {error!r}") from error


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
