"""`lightwork up`: everything on one machine, with an embedded Valkey unless REDIS_URL is set."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

import click

from core.addresses import announce, web_address, withdraw
from core.cli.calling import called
from core.config import Settings
from core.embedded import reachable_redis_url, redis_url
from core.errors import SettingsError
from core.starting import WHEN_TOLD, Latch
from core.supervisor import Program, Supervisor, only_one

VALKEY = Program("valkey", (sys.executable, "-m", "core.cli", "valkey"))
BOT = Program("bot", (sys.executable, "-m", "bot", WHEN_TOLD))
AFTER_BOT = (
    Program("worker", (sys.executable, "-m", "core.cli", "worker")),
    Program("schedule", (sys.executable, "-m", "core.cli", "schedule")),
    Program("trainer", (sys.executable, "-m", "core.cli", "trainer")),
)
"""Somebody waits for the bot, so these start when it is there."""
PROGRAMS = (BOT, *AFTER_BOT)
VALKEY_SECONDS = 20.0
BOT_SECONDS = 60.0
STEP_SECONDS = 0.1
LOOK_SECONDS = 0.02
"""Between two looks at what somebody waits for."""
WORKER_LINKS = 3
SHOWN_LOG_LINES = 5


class Stop(BaseException):
    """SIGTERM or SIGINT arrived."""


def up(settings: Settings) -> None:
    """Migrate, start all processes, print the links, and keep everything alive until SIGTERM or SIGINT.

    Raises:
        SettingsError: the home is taken, the port is in use, Redis does not answer, or a process does not come up.
    """
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    with only_one(settings.home):
        latch = Latch()
        supervisor = Supervisor(settings.home, _environment(settings), latch.handle)
        try:
            announce(settings)
            owner, workers = _start(supervisor, settings, latch)
            _greet(settings, owner, workers)
            while True:
                supervisor.step()
                time.sleep(STEP_SECONDS)
        except Stop:
            click.echo("Stopping ...")
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            supervisor.stop(last=[VALKEY.name])
            withdraw(settings)
        click.echo("Stopped.")


def _start(supervisor: Supervisor, settings: Settings, latch: Latch) -> tuple[str | None, list[str]]:
    """Start all processes. While this one migrates, the bot loads what it needs, which takes it as long.

    Returns:
        links for the owner, where there is none yet, and for workers.
    """
    if not settings.redis_url:
        supervisor.start(VALKEY)
    supervisor.start(BOT)
    links = _make_ready(supervisor, settings)
    latch.open()
    _wait(supervisor, BOT.name, BOT_SECONDS, lambda: _is_healthy(settings))
    for program in AFTER_BOT:
        supervisor.start(program)
    return links


def _make_ready(supervisor: Supervisor, settings: Settings) -> tuple[str | None, list[str]]:
    """Bring the database to this version, make links, and await Redis."""
    # Imported here, where the bot has begun to start: SQLAlchemy and the models take about a second.
    from core.cli.invite import first_links
    from core.cli.migrate import migrate

    migrate(settings)
    links = first_links(settings, WORKER_LINKS)
    if settings.redis_url:
        reachable_redis_url(settings)
    else:
        _wait(supervisor, VALKEY.name, VALKEY_SECONDS, lambda: _has_redis(settings))
    return links


def _wait(supervisor: Supervisor, name: str, seconds: float, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            path = supervisor.log_file(name)
            tail = "\n".join(path.read_text(errors="replace").splitlines()[-SHOWN_LOG_LINES:])
            raise SettingsError(
                f"The process '{name}' did not come up within {seconds:.0f} s; {path} ends with:\n{tail}"
            )
        supervisor.step()
        time.sleep(LOOK_SECONDS)


def _has_redis(settings: Settings) -> bool:
    try:
        redis_url(settings)
    except SettingsError:
        return False
    return True


def _is_healthy(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(_reachable(settings.web_host), settings.web_port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared only)


def _environment(settings: Settings) -> dict[str, str]:
    """That of this process, with the port decided: all processes have to agree on it."""
    settings.web_port = _port(settings.web_host, settings.web_port)
    return {**os.environ, "LIGHTWORK_WEB_PORT": str(settings.web_port)}


def _port(host: str, wanted: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise SettingsError(
                f"LIGHTWORK_WEB_PORT: port {wanted} of {host} cannot be used ({error.strerror}); set another one."
            ) from None
        return int(probe.getsockname()[1])


def _greet(settings: Settings, owner: str | None, workers: Sequence[str]) -> None:
    lines = ["", f"  Lightwork is running at {web_address(settings)}", ""]
    if owner:
        lines += ["  You, the owner (this link works once):", f"    {owner}", ""]
    more = "Three people" if owner else "Links of earlier starts go on working, for a week. Three more people"
    lines += [f"  {more} who label (each link works once):", *[f"    {link}" for link in workers], ""]
    hints = {"More people": called("invite --uses 20")}
    if not owner:
        hints["You, in another chat"] = "send /link in a chat where you are in already"
        hints["Another owner"] = called("invite --role owner")
    hints |= {"What is going on": called("status"), "Logs": str(settings.home / "log"), "Stop": "Ctrl-C"}
    width = max(map(len, hints)) + 2
    lines += [f"  {f'{what}:':<{width}}{how}" for what, how in hints.items()]
    click.echo("\n".join([*lines, ""]))


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stop
