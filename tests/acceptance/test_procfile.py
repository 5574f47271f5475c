"""The Procfile under a Procfile runner, with PostgreSQL and a Redis server of their own: how production runs it."""

from __future__ import annotations

import csv
import http.client
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis

from core.config import Settings
from tests.acceptance.people import Visitor
from tests.acceptance.running import LINK, START_SECONDS, free_port
from tests.processes import ROOT, environment, is_alive, run
from tests.waiting import eventually

ANSWERS = {f"{text}, day {day}": label for day in range(4) for text, label in (("Rain", "Bad"), ("Sun", "Good"))}
CAPTION = "/post How is it? | Good | Bad | Unclear | overlap=3-3"


@dataclass
class Production:
    """Everything that the Procfile starts. settings: variables that all processes share."""

    process: subprocess.Popen[bytes]
    home: Path
    url: str
    log: Path
    settings: dict[str, str]

    def invite(self, role: str, uses: int = 1) -> str:
        """A fresh code, made as an administrator makes it."""
        link = run(self.home, "invite", "--role", role, "--uses", str(uses), **self.settings).stdout
        found = LINK.search(link)
        assert found is not None, link
        return found[1]


@pytest.fixture
def production(
    settings: Settings, new_postgresql: Callable[[str | None], str], redis_url: str, tmp_path: Path
) -> Iterator[Production]:
    """`honcho start` on an empty database, ready to serve; stopped by SIGTERM at the end of the test, or killed."""
    port = free_port()
    variables = {
        "DATABASE_URL": new_postgresql(None),
        "REDIS_URL": redis_url,
        "LIGHTWORK_WEB_PORT": str(port),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    }
    log = tmp_path / "honcho.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "honcho", "start"],
            env=environment(settings.home, **variables),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        eventually(lambda: healthy(process, port, log), START_SECONDS, "the bot")
        yield Production(process, settings.home, f"http://127.0.0.1:{port}", log, variables)
    finally:
        left = descendants(process.pid)
        process.kill()
        process.wait()
        for pid in filter(is_alive, left):
            os.kill(pid, signal.SIGKILL)


def healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found: list[int] = []
    layer = [pid]
    while layer:
        layer = [child for child, parent in parents.items() if parent in layer]
        found += layer
    return found


def answer_everything(person: Visitor) -> int:
    """Answer all that is asked, rightly; returns how many that were."""
    said = person.say("/next")
    count = 0
    while said.bubbles[-1]["content"]["kind"] == "card":
        card = said.card
        label = ANSWERS[card["content"]["parts"][0]["text"]]
        buttons = [button for row in card["content"]["buttons"] for button in row]
        said = person.tap(card["id"], next(one["payload"] for one in buttons if one["text"] == label))
        assert said.refused is None, said
        count += 1
    return count


def test_the_procfile_does_the_whole_job(production: Production) -> None:
    running = descendants(production.process.pid)
    rows = "\n".join(["text", *ANSWERS, ""]).encode()
    with Visitor(production.url) as owner:
        assert owner.join(production.invite("owner"), "Olga").refused is None
        assert owner.upload("weather.csv", rows, CAPTION).refused is None
        owner.hear("import_done", 30)
        code = production.invite("worker", 3)
        for name in ("Ada", "Bob", "Cyd"):
            with Visitor(production.url) as worker:
                assert worker.join(code, name).refused is None
                assert answer_everything(worker) == len(ANSWERS)
        assert "100% decided: 8 of 8 items" in owner.say("/status").sentences[0]
        assert owner.say("/export labels csv").refused is None
        file = owner.download(owner.hear("export_ready", 30))
    found = {row["text"]: row["label"] for row in csv.DictReader(io.StringIO(file))}
    assert found == ANSWERS
    with Redis.from_url(production.settings["REDIS_URL"]) as redis:
        assert list(redis.scan_iter("rq:worker:*")), "no worker works through this Redis"
    assert not (production.home / "lightwork.sqlite").exists()
    assert shutil.which("lightwork", path=production.settings["PATH"]), "the Procfile needs the installed command"

    production.process.send_signal(signal.SIGTERM)
    production.process.wait(20)
    eventually(lambda: not any(map(is_alive, running)), what="the end of all processes")
    log = production.log.read_text()
    assert "Traceback" not in log, log
    assert "sending SIGKILL" not in log, log
