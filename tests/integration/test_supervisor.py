"""The supervisor with processes that stand in for ours: starting, bringing back, stopping, and not being alone."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import SettingsError
from core.starting import WHEN_TOLD, Latch
from core.supervisor import LAST_GRACE_SECONDS, Program, Supervisor, only_one, running, state_file
from tests.processes import end, is_alive, start_python
from tests.waiting import eventually

SLEEP = "import time; time.sleep(600)"
STUBBORN = """
import signal, time, pathlib, sys
signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
pathlib.Path(sys.argv[1]).touch()
while True: time.sleep(600)
"""
JOURNAL = """
import signal, sys, time, pathlib
def stop(*_):
    with open(sys.argv[1], "a") as file: file.write(sys.argv[2] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(sys.argv[1] + "." + sys.argv[2]).touch()
time.sleep(600)
"""
LATCHED = """
import time
from core.starting import await_latch
print("loaded", flush=True)
await_latch()
print("told", flush=True)
time.sleep(600)
"""
SLOW = """
import signal, sys, time, pathlib
def stop(*_):
    time.sleep(float(sys.argv[3]))
    with open(sys.argv[1], "a") as file: file.write(sys.argv[2] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(sys.argv[1] + "." + sys.argv[2]).touch()
while True: time.sleep(600)
"""
PARENT = """
import os, sys, time
from pathlib import Path
from core.supervisor import Program, Supervisor, only_one
home = Path(sys.argv[1])
with only_one(home):
    supervisor = Supervisor(home, dict(os.environ))
    supervisor.start(Program("one", (sys.executable, "-c", sys.argv[2])))
    while True:
        supervisor.step()
        time.sleep(0.05)
"""


def program(name: str, source: str, *arguments: str) -> Program:
    return Program(name, (sys.executable, "-c", source, *arguments))


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    """A supervisor without programs; whatever it started is stopped at the end."""
    made = Supervisor(tmp_path, dict(os.environ))
    yield made
    made.stop()


def pid_of(home: Path, name: str) -> int:
    return int(str(running(home)[name]["pid"]))


def test_a_process_that_dies_comes_back_later_each_time(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(program("one", "raise SystemExit(3)"))

    def started(times: int) -> bool:
        supervisor.step()
        return supervisor.starts("one") >= times

    eventually(lambda: started(2))
    child = supervisor._children["one"]
    assert child.backoff == 1.0
    eventually(lambda: started(3))
    assert child.backoff == 2.0


def test_killed_and_back_under_another_pid(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(program("one", SLEEP))
    supervisor.start(program("two", SLEEP))
    before, other = pid_of(tmp_path, "one"), pid_of(tmp_path, "two")
    os.kill(before, signal.SIGKILL)

    def is_back() -> bool:
        supervisor.step()
        return running(tmp_path).get("one", {}).get("pid", before) != before

    eventually(is_back)
    assert pid_of(tmp_path, "two") == other


def test_who_is_to_wait_goes_on_when_told_and_at_once_when_started_again(tmp_path: Path) -> None:
    latch = Latch()
    supervisor = Supervisor(tmp_path, dict(os.environ), latch.handle)
    log = supervisor.log_file("one")

    def said(words: list[str]) -> bool:
        supervisor.step()
        return log.read_text().split() == words

    try:
        supervisor.start(program("one", LATCHED, WHEN_TOLD))
        eventually(lambda: said(["loaded"]))
        os.kill(pid_of(tmp_path, "one"), signal.SIGKILL)
        eventually(lambda: said(["loaded", "loaded"]), what="waiting again")
        latch.open()
        eventually(lambda: said(["loaded", "loaded", "told"]))
        os.kill(pid_of(tmp_path, "one"), signal.SIGKILL)
        eventually(lambda: said(["loaded", "loaded", "told", "loaded", "told"]))
    finally:
        supervisor.stop()
        os.close(latch.handle)


def test_who_is_not_to_wait_reads_nothing(supervisor: Supervisor, tmp_path: Path) -> None:
    latch = Latch()
    supervisor.stdin = latch.handle
    supervisor.start(program("one", LATCHED))
    eventually(lambda: "told" in supervisor.log_file("one").read_text())
    latch.open()
    os.close(latch.handle)


def test_stopping_asks_the_last_started_first_and_the_needed_last(supervisor: Supervisor, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    for name in ("valkey", "worker", "bot"):
        supervisor.start(program(name, JOURNAL, str(journal), name))
        eventually(Path(f"{journal}.{name}").exists)
    supervisor.stop(last=["valkey"])
    order = journal.read_text().split()
    assert sorted(order) == ["bot", "valkey", "worker"]
    assert order[-1] == "valkey"
    assert not state_file(tmp_path).exists()


def test_the_needed_one_has_the_time_that_the_others_left(supervisor: Supervisor, tmp_path: Path) -> None:
    """It writes to disk at its end, which on a busy machine takes more than a moment: that is no reason to kill it."""
    journal = tmp_path / "journal"
    for name, seconds in (("needed", LAST_GRACE_SECONDS + 0.7), ("quick", 0.0)):
        supervisor.start(program(name, SLOW, str(journal), name, str(seconds)))
        eventually(lambda name=name: Path(f"{journal}.{name}").exists())  # type: ignore[misc]
    supervisor.stop(last=["needed"])
    assert journal.read_text().split() == ["quick", "needed"]


def test_whoever_does_not_listen_is_killed(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.supervisor.GRACE_SECONDS", 0.3)
    supervisor.start(program("deaf", STUBBORN, str(tmp_path / "ready")))
    eventually((tmp_path / "ready").exists)
    pid = pid_of(tmp_path, "deaf")
    supervisor.stop()
    assert not is_alive(pid)
    assert "no" in supervisor.log_file("deaf").read_text()


def test_logs_and_state_are_private_to_read(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(program("one", f"print('hello', flush=True); {SLEEP}"))
    eventually(lambda: "hello" in supervisor.log_file("one").read_text())
    assert supervisor.log_file("one").stat().st_mode & 0o077 == 0
    assert set(json.loads(state_file(tmp_path).read_text())) == {"one"}
    assert running(tmp_path / "elsewhere") == {}


def test_a_home_has_one_master(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(SettingsError, match=f"already running in .* \\(process {os.getpid()}\\)"):
        only_one(tmp_path).__enter__()
    with only_one(tmp_path):
        pass


def test_a_home_that_cannot_be_used_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"LIGHTWORK_HOME: .* cannot be used"), only_one(tmp_path / "file"):
        pass


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    parent = start_python(tmp_path, ["-c", PARENT, str(tmp_path), SLEEP], "parent")
    eventually(lambda: running(tmp_path))
    child = pid_of(tmp_path, "one")
    assert is_alive(child)
    end(parent, signal.SIGKILL)
    eventually(lambda: not is_alive(child))
    with only_one(tmp_path):
        assert running(tmp_path) == {}
