"""What a process tells on its port: figures, whether it turns, whether it can work, and none of it waits for long."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter

import core.pulse
from core.monitoring import PROCESSES, Monitor
from core.monitoring.lookout import Lookout
from core.monitoring.readiness import Readiness

Ask = Callable[[str], tuple[int, str]]


def test_a_look_is_good_for_a_while() -> None:
    answers = iter(range(1, 9))
    lookout = Lookout(lambda: next(answers), fresh_seconds=60)
    assert [lookout.found(), lookout.found()] == [1, 1]
    lookout = Lookout(lambda: next(answers), fresh_seconds=0)
    assert [lookout.found(), lookout.found()] == [2, 3]


def test_a_look_that_hangs_is_not_waited_for_and_not_begun_again() -> None:
    go_on, looks = threading.Event(), []

    def look() -> int:
        looks.append(1)
        assert go_on.wait(10)
        return 7

    lookout = Lookout(look, fresh_seconds=0, patience_seconds=0.01)
    assert [lookout.found(), lookout.found()] == [None, None]
    assert len(looks) == 1
    go_on.set()
    assert lookout._ended.wait(10)
    assert lookout.found() in (7, None)


def test_a_look_that_fails_finds_nothing_and_the_next_one_may() -> None:
    answers: list[int | Exception] = [OSError("away"), 3]

    def look() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    lookout = Lookout(look, fresh_seconds=0)
    assert lookout.found() is None
    assert lookout.found() == 3


def test_what_is_missing_is_named() -> None:
    def broken() -> str:
        raise OSError("away")

    readiness = Readiness({"database": broken, "redis": lambda: "", "surfaces": lambda: "telegram: TimeoutError"})
    assert readiness.missing() == {"database": "does not answer", "surfaces": "telegram: TimeoutError"}
    ready = Readiness({"redis": lambda: ""})
    assert ready.missing() == {}
    ready.stopping()
    assert ready.missing() == {"process": "is stopping"}


@pytest.fixture
def needs() -> dict[str, str]:
    """What the probe "database" says."""
    return {"database": ""}


@pytest.fixture
def ask(needs: dict[str, str]) -> Iterator[Ask]:
    """Asks a monitor that listens, and has counted one tap."""
    registry = CollectorRegistry()
    Counter("taps", "Taps.", registry=registry).inc()
    monitor = Monitor("bot", {"database": lambda: needs["database"]}, registry)
    port = monitor.listen("127.0.0.1", 0)

    def get(path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer

    yield get
    monitor.close()


def test_the_figures_are_there(ask: Ask) -> None:
    status, body = ask("/metrics?name=x")
    assert status == 200
    assert "taps_total 1.0" in body.splitlines()


def test_ready_says_what_is_missing(ask: Ask) -> None:
    assert ask("/readyz") == (200, '{"ready": true, "missing": {}}\n')


def test_not_ready_is_503(ask: Ask, needs: dict[str, str]) -> None:
    needs["database"] = "does not answer"
    status, body = ask("/readyz")
    assert (status, json.loads(body)) == (503, {"ready": False, "missing": {"database": "does not answer"}})


def test_a_loop_that_stands_still_is_told(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    core.pulse.beat()
    assert ask("/healthz") == (200, '{"status": "ok"}\n')
    monkeypatch.setattr(core.pulse, "_last", core.pulse._last - 11)
    status, body = ask("/healthz")
    assert (status, json.loads(body)) == (503, {"status": "stuck", "silent_seconds": 11})


def test_nothing_else_is_there(ask: Ask) -> None:
    assert ask("/")[0] == 404


def test_a_port_that_is_taken_costs_no_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monitor = Monitor("worker", {}, CollectorRegistry())
        assert monitor.listen("127.0.0.1", other.getsockname()[1]) == 0
        monitor.close()


def test_no_two_processes_share_a_port() -> None:
    assert sorted(PROCESSES.values()) == list(range(len(PROCESSES)))
