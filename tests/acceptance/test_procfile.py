"""Production: the Procfile under a runner of such files, on PostgreSQL and a Redis of one's own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.processes import ROOT, end, environment, run
from tests.waiting import eventually


def test_honcho_start_does_the_same_job(
    tmp_path: Path, new_postgresql: Callable[[str | None], str], redis_url: str
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    home = tmp_path / "home"
    settings = {
        "DATABASE_URL": new_postgresql(None).replace("postgresql+psycopg://", "postgresql://"),
        "REDIS_URL": redis_url,
        "LIGHTWORK_WEB_PORT": str(port),
    }
    assert run(home, "release", **settings).returncode == 0

    log = tmp_path / "honcho.log"
    with log.open("wb") as output:
        runner = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "honcho",
                "-f",
                str(ROOT / "Procfile"),
                "start",
                "bot",
                "worker",
                "trainer",
                "schedule",
            ],
            env={**environment(home, **settings), "PATH": f"{_command(tmp_path)}:{os.environ['PATH']}"},
            cwd=tmp_path,
            stdout=output,
            stderr=output,
        )
    try:
        eventually(lambda: _is_healthy(port), 60, f"the bot, see {log}")

        def swept() -> bool:
            status = json.loads(run(home, "status", "--json", **settings).stdout)
            assert status["database"]["address"].startswith("postgresql+psycopg://")
            assert status["redis"] == {"reachable": True, "embedded": False}
            return any(job["name"] == "sweep" and job["runs"] > job["failures"] for job in status["jobs_run"])

        eventually(swept, 40, "a sweep")
        assert not (home / "valkey").exists()
        assert not (home / "lightwork.sqlite").exists()
    finally:
        end(runner, signal.SIGTERM, seconds=15)
    assert not _is_healthy(port)


def _command(directory: Path) -> Path:
    """A directory with a `lightwork` that runs this checkout, installed or not."""
    path = directory / "bin"
    path.mkdir()
    script = path / "lightwork"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m core.cli "$@"\n')
    script.chmod(0o755)
    return path


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()
