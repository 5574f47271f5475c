"""A running `lightwork up` that tests talk to over HTTP, look into, and kill parts of."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from core.config import Settings, load_settings
from core.db import make_engine, reading
from core.queue import connect
from tests.processes import end, start
from tests.waiting import eventually

START_SECONDS = 90.0
BACK_SECONDS = 60.0
"""Whoever dies often waits for half a minute before the supervisor starts it again."""
LINK = re.compile(r"/join/([a-z2-7]{16})")


@dataclass
class Running:
    """The processes of one home. invites: codes as printed, the owner's first, then three for workers.

    variables: the settings that they were started with, besides the home.
    """

    process: subprocess.Popen[bytes]
    home: Path
    url: str
    invites: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def settings(self) -> Settings:
        """What the processes run with, as far as reading their database goes."""
        return load_settings(
            LIGHTWORK_HOME=self.home, DATABASE_URL=self.variables.get("DATABASE_URL", ""), _env_file=None
        )

    @cached_property
    def engine(self) -> Engine:
        """The database of the processes."""
        return make_engine(self.settings)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Look into the database."""
        with reading(self.engine) as session:
            yield session

    @contextmanager
    def redis(self) -> Iterator[Redis]:
        """A connection to the embedded Valkey."""
        client = connect((self.home / "valkey" / "url").read_text().strip())
        try:
            yield client
        finally:
            client.close()

    def pid(self, name: str) -> int | None:
        """The process that has this name now, if it is running."""
        listed = json.loads((self.home / "processes.json").read_text())
        return int(listed[name]["pid"]) if name in listed else None

    def signal(self, name: str, number: int) -> int:
        """Send a signal to a process as soon as it runs; returns its pid."""
        pid = eventually(lambda: self.pid(name), BACK_SECONDS, name)
        assert pid is not None
        os.kill(pid, number)
        return pid

    def kill(self, name: str) -> None:
        """Kill a process with -9 and wait until another one has taken its place."""
        before = self.signal(name, signal.SIGKILL)
        eventually(lambda: self.pid(name) not in (None, before), BACK_SECONDS, f"{name} again")

    def logged(self, name: str) -> str:
        """The log of a process."""
        return (self.home / "log" / f"{name}.log").read_text(errors="replace")


@contextmanager
def lightwork_up(home: Path, **variables: str) -> Iterator[Running]:
    """`lightwork up` in a fresh home, until the block ends; it must then stop in good order.

    Args:
        variables: further settings.

    Raises:
        AssertionError: it does not come up, or does not end with status 0.
    """
    port = free_port()
    process = start(home, "up", **{**variables, "LIGHTWORK_WEB_PORT": str(port)})
    log = home / "test-up.log"

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        return "Ctrl-C" in log.read_text()

    try:
        eventually(ready, START_SECONDS, "lightwork up")
        invites = tuple(LINK.findall(log.read_text()))
        running = Running(process, home, f"http://127.0.0.1:{port}", invites, variables)
        try:
            yield running
        finally:
            running.engine.dispose()
    except BaseException:
        process.kill()  # its children die with it
        process.wait()
        raise
    assert end(process, signal.SIGTERM, seconds=25) == 0


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
