"""The night shift: real processes that tell how they are, stop in time, are backed up under taps, and brought back."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx
import pytest

from core.effects import EnqueueJob
from core.monitoring import PROCESSES
from core.queue import DEFAULT, TRAINING, connect, enqueue
from tests.acceptance.people import Visitor
from tests.acceptance.running import LINK, START_SECONDS, free_port
from tests.processes import is_alive, run, start
from tests.waiting import eventually

WORK = "tests.integration.sample_jobs.work_for"
STOP_SECONDS = 10.0
ITEMS = 3000
THINK_SECONDS = 0.05


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def ports() -> int:
    """The first of four ports in a row that are free now."""
    while True:
        first = free_port()
        try:
            for offset in PROCESSES.values():
                socket.create_server(("127.0.0.1", first + offset)).close()
        except (OSError, OverflowError):
            continue
        return first


@pytest.fixture
def up(home: Path, ports: int) -> Iterator[subprocess.Popen[bytes]]:
    """`lightwork up`, ready, with its figures on `ports`; killed after the test, where it still runs."""
    process = start(home, "up", LIGHTWORK_WEB_PORT="0", LIGHTWORK_METRICS_PORT=str(ports))

    def ready() -> bool:
        assert process.poll() is None, printed(home)
        return "Ctrl-C" in printed(home)

    eventually(ready, START_SECONDS, "lightwork up")
    yield process
    if process.poll() is None:
        process.kill()  # its children die with it
        process.wait()


def printed(home: Path) -> str:
    return (home / "test-up.log").read_text()


def asked(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def is_ready(port: int) -> bool:
    return asked(port, "/readyz")[0] == 200


def pids(home: Path) -> dict[str, int]:
    return {name: entry["pid"] for name, entry in json.loads((home / "processes.json").read_text()).items()}


def hand_over(home: Path, queue: str, directory: Path) -> None:
    """Give a queue a job of ten minutes, and wait until it is begun; it writes into a file of the queue's name."""
    with connect((home / "valkey" / "url").read_text().strip()) as redis:
        enqueue(redis, EnqueueJob(queue, WORK, (str(directory / queue), 600), f"long-{queue}"))
    eventually((directory / queue).exists, 120, f"the job in {queue}")


class Crowd:
    """One person who answers all that is asked in a thread, and notes each answer that was acknowledged."""

    def __init__(self, url: str, code: str) -> None:
        self.acknowledged: list[str] = []
        self._url, self._code = url, code
        self._thread = threading.Thread(target=self._work, name="crowd")
        self._thread.start()

    def wait_for(self, answers: int) -> None:
        """Until so many more answers have been acknowledged."""
        wanted = len(self.acknowledged) + answers
        eventually(lambda: len(self.acknowledged) >= wanted, 60, f"answer number {wanted}")

    def end(self) -> None:
        """Wait until the server is gone."""
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _work(self) -> None:
        with Visitor(self._url) as person:
            person.join(self._code, "Ada")
            said = person.say("/next")
            try:
                while True:
                    time.sleep(THINK_SECONDS)  # a pace at which there is work until the end
                    card = said.card
                    item = card["content"]["parts"][0]["text"]
                    said = person.tap(card["id"], card["content"]["buttons"][0][0]["payload"])
                    if said.refused is None and said.status == 200:
                        self.acknowledged.append(item)
            except (httpx.HTTPError, AssertionError, KeyError, ValueError):
                return  # the server has ended


def answered(database: Path) -> list[str]:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT item.content FROM annotation JOIN item ON item.id = annotation.item_id "
            "WHERE annotation.state = 'counted'"
        )
        return [json.loads(content)[0]["text"] for (content,) in rows]


def test_processes_tell_how_they_are_and_stop_in_time_with_work_in_hand(
    up: subprocess.Popen[bytes], home: Path, ports: int, tmp_path: Path
) -> None:
    for name, offset in PROCESSES.items():
        eventually(partial(is_ready, ports + offset), 60, f"{name} ready")
        assert asked(ports + offset, "/healthz") == (200, '{"status": "ok"}\n')
    valkey = pids(home)["valkey"]
    os.kill(valkey, signal.SIGSTOP)
    try:
        eventually(lambda: "redis" in asked(ports, "/readyz")[1], 30, "the bot missing Redis")
        assert asked(ports, "/readyz")[0] == 503
        assert asked(ports, "/healthz")[0] == 200
    finally:
        os.kill(valkey, signal.SIGCONT)
    eventually(lambda: asked(ports, "/readyz")[0] == 200, 30, "the bot ready again")

    hand_over(home, TRAINING, tmp_path)  # before there are items, about which the trainer would have its own work
    url = (home / "web_address").read_text()
    owner_code, worker_code, *_ = LINK.findall(printed(home))
    with Visitor(url) as owner:
        owner.join(owner_code, "Olga")
        rows = "\n".join(["text", *(f"item {number}" for number in range(ITEMS)), ""]).encode()
        assert owner.upload("items.csv", rows, "/post How is it? | Good | Bad | overlap=1-1").refused is None
        owner.hear("import_done", 60)
    crowd = Crowd(url, worker_code)
    crowd.wait_for(10)
    before = list(crowd.acknowledged)
    made = run(home, "backup", str(tmp_path / "night.sqlite"))
    assert made.returncode == 0, made.stderr
    assert set(before) <= set(answered(tmp_path / "night.sqlite"))
    taps = 'lightwork_events_total{kind="tap",outcome="ok",surface="web"}'
    assert any(line.startswith(taps) for line in asked(ports, "/metrics")[1].splitlines())
    assert 'lightwork_figures_up{source="database"} 1.0' in asked(ports + PROCESSES["schedule"], "/metrics")[1]

    hand_over(home, DEFAULT, tmp_path)
    crowd.wait_for(5)
    running = pids(home)
    began = time.monotonic()
    up.send_signal(signal.SIGTERM)
    assert up.wait(STOP_SECONDS + 20) == 0, printed(home)
    took = time.monotonic() - began
    crowd.end()
    assert took < STOP_SECONDS, printed(home)
    assert not any(is_alive(pid) for pid in running.values())
    assert "process_killed" not in printed(home), "each ended by itself"
    counted = answered(home / "lightwork.sqlite")
    assert len(counted) == len(set(counted))
    assert set(crowd.acknowledged) <= set(counted)
    for name in PROCESSES:
        for line in (home / "log" / f"{name}.log").read_text().splitlines():
            assert {"event", "level", "timestamp"} <= json.loads(line).keys(), f"{name}: {line}"
    for queue in (DEFAULT, TRAINING):
        assert [line.split()[1] for line in (tmp_path / queue).read_text().splitlines()] == ["begin"]

    refused = run(home, "restore", str(tmp_path / "night.sqlite"))
    assert (refused.returncode, "came later" in refused.stderr) == (2, True)
    restored = run(home, "restore", str(tmp_path / "night.sqlite"), "--force")
    assert restored.returncode == 0, restored.stderr
    assert set(before) <= set(answered(home / "lightwork.sqlite"))
    assert run(home, "migrate").stdout == "Nothing to do.\n"
