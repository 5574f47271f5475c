"""`lightwork up` as people run it: it comes up, survives kill -9 of every part, and leaves nothing behind."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.processes import end, is_alive, run, start
from tests.waiting import eventually

NAMES = {"valkey", "worker", "schedule", "trainer", "bot"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def up(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`lightwork up`, ready: it has printed its links."""
    process = start(home, "up", LIGHTWORK_WEB_PORT=str(port))

    def ready() -> bool:
        assert process.poll() is None, printed(home)
        return "Ctrl-C" in printed(home)

    eventually(ready, 70, "lightwork up")
    yield process
    if process.poll() is None:
        end(process, seconds=20)


def printed(home: Path) -> str:
    return (home / "test-up.log").read_text()


def pids(home: Path) -> dict[str, int]:
    return {name: entry["pid"] for name, entry in json.loads((home / "processes.json").read_text()).items()}


def is_back(home: Path, name: str, before: int) -> bool:
    return pids(home).get(name, before) != before


def health(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def status(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(home, "status", "--json").stdout)
    return found


def test_comes_up_greets_and_stops_without_leaving_anything(up: subprocess.Popen[bytes], home: Path, port: int) -> None:
    assert health(port) == 200
    links = re.findall(rf"http://127\.0\.0\.1:{port}/join/[a-z2-7]{{16}}", printed(home))
    assert len(set(links)) == 4
    running = pids(home)
    assert set(running) == NAMES

    second = run(home, "up", LIGHTWORK_WEB_PORT="0")
    assert second.returncode == 2
    assert second.stderr.startswith(f"Error: Lightwork is already running in {home} (process {up.pid})")
    assert second.stderr.count("\n") == 1
    assert pids(home) == running

    seen = status(home)
    assert seen["database"] == {"reachable": True, "address": f"sqlite:///{home}/lightwork.sqlite", "current": True}
    assert seen["redis"] == {"reachable": True, "embedded": True}
    assert set(seen["processes"]) == NAMES
    assert set(seen["queues"]) == {"assignments", "default", "training"}

    assert end(up, signal.SIGTERM, seconds=15) == 0
    assert not any(is_alive(pid) for pid in running.values())
    assert health(port) == 0
    assert not (home / "processes.json").exists()
    assert status(home)["processes"] == {}


def test_each_process_killed_comes_back_and_works(up: subprocess.Popen[bytes], home: Path, port: int) -> None:
    def runs() -> int:
        return sum(int(job["runs"]) for job in status(home)["jobs_run"] if job["name"] == "sweep")

    eventually(lambda: runs() >= 1, 40, "the first sweep")
    for name in sorted(NAMES):
        before = pids(home)[name]
        os.kill(before, signal.SIGKILL)
        eventually(partial(is_back, home, name, before), 10, f"{name} again")
    eventually(lambda: health(port) == 200, 20, "the bot")
    assert up.poll() is None
    count = runs()
    eventually(lambda: runs() > count, 60, "the next sweep")


def test_nothing_survives_a_killed_supervisor_and_the_next_start_finds_everything(
    up: subprocess.Popen[bytes], home: Path, port: int
) -> None:
    left = pids(home)
    invited = run(home, "invite", "--uses", "3")
    assert re.search(r"/join/[a-z2-7]{16}$", invited.stdout.strip())
    end(up, signal.SIGKILL)
    eventually(lambda: not any(is_alive(pid) for pid in left.values()), 10, "the end of all processes")
    (home / "test-up.log").unlink()
    again = start(home, "up", LIGHTWORK_WEB_PORT=str(port))
    try:
        eventually(lambda: "Ctrl-C" in printed(home), 70, "the second start")
        assert health(port) == 200
    finally:
        assert end(again, signal.SIGINT, seconds=15) == 0


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("up", "REDIS_URL", "localhost"),
        ("up", "REDIS_URL", "redis://:topsecret@127.0.0.1:1/0"),
        ("up", "DATABASE_URL", "postgresql://u:topsecret@127.0.0.1:1/d"),
        ("up", "LIGHTWORK_WEB_HOST", "192.0.2.1"),
        ("up", "SLACK_BOT_TOKEN", "xoxb-topsecret"),
        ("up", "LIGHTWORK_HOME", "/proc/none"),
        ("worker", "DATABASE_URL", "mysql://u:topsecret@h/d"),
        ("trainer", "LIGHTWORK_DEVICE", "abacus"),
        ("schedule", "REDIS_URL", "redis://:topsecret@127.0.0.1:1/0"),
        ("migrate", "DATABASE_URL", "postgresql://u:topsecret@127.0.0.1:1/d"),
        ("migrate", "LIGHTWORK_HOME", "/proc/none"),
        ("bot", "TELEGRAM_BOT_TOKEN", "topsecret"),
    ],
)
def test_a_setting_that_cannot_work_is_one_sentence(home: Path, command: str, name: str, value: str) -> None:
    ended = run(home, command, **{name: value})
    assert ended.returncode == 2
    assert {"LIGHTWORK_WEB_HOST": "of 192.0.2.1 cannot be used", "SLACK_BOT_TOKEN": "SLACK_APP_TOKEN"}.get(
        name, name
    ) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "topsecret" not in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_commands_without_their_prerequisites_say_what_to_do(home: Path) -> None:
    assert "run 'lightwork migrate' first" in run(home, "worker").stderr
    assert run(home, "migrate").stdout == "The database has been brought to this version.\n"
    assert run(home, "release").returncode == 0
    for command in ("worker", "schedule", "trainer"):
        ended = run(home, command)
        assert ended.returncode == 2
        assert "start everything with 'lightwork up', or set REDIS_URL" in ended.stderr
    assert "There is no role king" in run(home, "invite", "--role", "king").stderr
    assert run(home, "status").returncode == 2
