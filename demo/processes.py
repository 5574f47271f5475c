"""The real processes: `lightwork up` in a home of the demo's own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import core
from core.config import Settings, load_settings
from core.errors import SettingsError
from core.supervisor import die_with_parent, only_one
from demo.errors import DemoError

MARK = "this-is-a-demo"
"""A file of this name says that a home was made by the demo and may be wiped by it."""
START_SECONDS = 120.0
STOP_SECONDS = 40.0
OUR_OWN = {
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "TELEGRAM_BOT_TOKEN": "",
    "TELEGRAM_BOT_NAME": "",
    "TELEGRAM_WEBHOOK_URL": "",
    "SLACK_BOT_TOKEN": "",
    "SLACK_APP_TOKEN": "",
    "SLACK_SIGNING_SECRET": "",
    "LIGHTWORK_SECRET_KEY": "",
    "LIGHTWORK_WEB_HOST": "127.0.0.1",
    "LIGHTWORK_WEB_ORIGIN": "",
}
"""Settings that the demo never takes from outside: it must not touch a database, a Redis or a chat in use."""
LINK = re.compile(r"(https?://\S+)/join/([a-z2-7]{16})")


def prepare_home(home: Path) -> None:
    """Make an empty home, where an earlier demo's may be wiped.

    Raises:
        SettingsError: the directory holds something else, is in use, or cannot be written.
    """
    try:
        if home.exists() and any(home.iterdir()):
            if not (home / MARK).is_file():
                raise SettingsError(
                    f"{home} is not empty and was not made by the demo, so it is left as it is; "
                    "choose another directory with --home."
                )
            with only_one(home):
                shutil.rmtree(home)
        home.mkdir(parents=True, exist_ok=True)
        (home / MARK).write_text("Made by `lightwork demo`, which wipes this directory when it starts again.\n")
    except OSError as error:
        raise SettingsError(f"{home} cannot be used ({error.strerror}); choose another one with --home.") from None


def demo_settings(home: Path) -> Settings:
    """The settings that the demo's processes run with, as far as reading their database goes."""
    return load_settings(LIGHTWORK_HOME=home, _env_file=None, **OUR_OWN)


class Up:
    """A running `lightwork up`."""

    def __init__(
        self, process: asyncio.subprocess.Process, output: asyncio.StreamReader, found: re.Match[str], log: Path
    ) -> None:
        self.base_url = found[1]
        self.owner_link = found[0]
        self._process = process
        self._log = log
        self._drain = asyncio.create_task(_forget(output))

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def ended(self) -> None:
        """Wait until it has ended by itself."""
        await self._process.wait()

    async def stop(self) -> None:
        """End all processes in good order.

        Raises:
            DemoError: they had to be killed, or ended with a failure.
        """
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                status = await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise DemoError(f"lightwork up did not stop within {STOP_SECONDS:.0f} seconds.") from None
        await self._drain
        if status != 0:
            raise DemoError(f"lightwork up ended with status {status}: {_tail(self._log)}")


async def start(home: Path, platform: Mapping[str, str]) -> Up:
    """Run `lightwork up` and wait until it has printed its links.

    Args:
        platform: settings by which it finds the chat platform.

    Raises:
        DemoError: it did not come up; the message ends with what it said.
    """
    log = home / "up.log"
    parent = os.getpid()
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "core.cli", "up"),
            env=_environment(home, platform),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops everything in order
            preexec_fn=lambda: die_with_parent(parent),
        )
    output = process.stdout or asyncio.StreamReader()
    found = None
    try:
        async with asyncio.timeout(START_SECONDS):
            found = await _first_link(output)
    except TimeoutError:
        raise DemoError(f"lightwork up did not start within {START_SECONDS:.0f} seconds: {_tail(log)}") from None
    finally:
        if found is None and process.returncode is None:
            await _give_up(process)
    if found is None:
        raise DemoError(f"lightwork up did not start: {_tail(log)}")
    return Up(process, output, found, log)


async def _give_up(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _environment(home: Path, platform: Mapping[str, str]) -> dict[str, str]:
    checkout = str(Path(core.__file__).parents[1])
    path = os.pathsep.join([checkout, *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {"LIGHTWORK_HOME": str(home.resolve()), "LIGHTWORK_WEB_PORT": str(_free_port()), "PYTHONPATH": path}
    return {**os.environ, **OUR_OWN, **own, **platform}


async def _first_link(output: asyncio.StreamReader) -> re.Match[str] | None:
    """The owner's link, which a fresh home prints first."""
    async for line in output:
        if found := LINK.search(line.decode()):
            return found
    return None


async def _forget(output: asyncio.StreamReader) -> None:
    """Read on, so that the process never waits for a reader."""
    while await output.read(65536):
        pass


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    with log.open(encoding="utf-8", errors="replace") as file:
        lines = deque(file, maxlen=5)
    return " ".join(line.strip() for line in lines) or "it said nothing."


def log_directory(home: Path) -> Path:
    """Where the processes write what they do."""
    return home / "log"
