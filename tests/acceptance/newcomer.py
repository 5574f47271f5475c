"""A newcomer who follows a page of the documentation to the letter, in an empty directory and with real processes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from core.config import Settings
from tests.acceptance.running import LINK, START_SECONDS, free_port
from tests.integration.day.phone import Phone
from tests.processes import ROOT, end
from tests.waiting import eventually

DOCS = ROOT / "docs"
INSTALL = ("make setup", "source .venv/bin/activate")
"""What is done already where tests run."""
CODE = re.compile(r"(?:\?start=|join )([a-z2-7]{16})\b")
STEP = re.compile(
    r"^ *```(?P<kind>\w*)\n(?P<body>.*?)^ *```$"
    r"|(?P<quote>(?:^ *> [^\n]*\n)+)"
    r"|\*\*(?P<button>[^*\n]+)\*\*"
    r"|\]\((?P<file>[\w-]+\.csv)\)",
    re.MULTILINE | re.DOTALL,
)
MASKS = {
    r"127\.0\.0\.1:\d+|api\.telegram\.org": "HOST",
    r"/join/[a-z2-7]{16}": "/join/CODE",
    r"@\w+": "@BOT",
    r"team .+ as \S+": "team TEAM as BOT",
    r"\s+": " ",
}
"""What differs from one installation to the next, and is not compared."""


@dataclass(frozen=True)
class Step:
    """Something to do or to see. kind: sh, ini, caddy, text, seen, quote, button or file."""

    kind: str
    body: str


def below(page: str, heading: str) -> str:
    """What stands below a heading of a page."""
    text = (DOCS / page).read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(section)


def steps(page: str, heading: str) -> list[Step]:
    """What is to be done and seen below a heading, in order."""
    found = []
    for match in STEP.finditer(below(page, heading)):
        if match["body"] is not None:
            found.append(Step(match["kind"] or "seen", re.sub(r"^ {3,4}", "", match["body"], flags=re.M).rstrip()))
        else:
            kind = next(name for name in ("quote", "button", "file") if match[name])
            found.append(Step(kind, match[kind].strip()))
    return found


class Platform(ABC):
    """A chat platform as the newcomer meets it. values: what stands for the placeholders of the page."""

    values: dict[str, str]
    settings: dict[str, str]

    @abstractmethod
    async def phone(self, number: int) -> Phone:
        """Another person's phone."""

    @abstractmethod
    def reach(self, port: int) -> None:
        """What the page's proxy hands on comes to this port from now on."""


@dataclass
class Newcomer:
    """Somebody who does what a page says, step by step, in an empty directory."""

    directory: Path
    platform: Platform
    output: str = ""
    code: str = ""
    file: str = ""
    people: list[Phone] = field(default_factory=list)
    up: subprocess.Popen[bytes] | None = None
    ports: dict[str, str] = field(default_factory=dict)

    async def follow(self, found: list[Step]) -> None:
        """All steps, one after another."""
        for step in found:
            await getattr(self, f"_{step.kind}")(self._filled(step.body))

    async def stop(self) -> None:
        """Ctrl-C in the first terminal."""
        if self.up is not None:
            running, self.up = self.up, None
            assert await asyncio.to_thread(end, running, signal.SIGINT, 25) == 0

    async def _sh(self, body: str) -> None:
        for line in body.splitlines():
            if line == "lightwork up":
                await self.stop()
                await asyncio.to_thread(self._start)
            elif line not in INSTALL:
                done = await asyncio.to_thread(self._run, line)
                self.output = done.stdout
                assert done.returncode == 0, done.stdout + done.stderr
                assert "✗" not in done.stdout

    async def _ini(self, body: str) -> None:
        (self.directory / ".env").write_text(body + "\n")

    async def _caddy(self, body: str) -> None:
        default = Settings.model_fields["hooks_port"].default
        assert f" 127.0.0.1:{default}\n" in body
        self.platform.reach(int(self.ports["LIGHTWORK_HOOKS_PORT"]))

    async def _seen(self, body: str) -> None:
        shown = [masked(line) for line in self.output.splitlines()]
        assert [line for line in body.splitlines() if masked(line) not in shown] == [], self.output

    async def _text(self, body: str) -> None:
        if "CODE" in body:  # whoever has a code is somebody new
            self.people.append(await self.platform.phone(len(self.people)))
            body = body.replace("CODE", self.code)
        if self.file:
            content = (DOCS / self.file).read_text()
            await self.people[-1].uploads(self.file, content, body)
            self.file = ""
        else:
            await self.people[-1].says(body)

    async def _quote(self, body: str) -> None:
        said = await self.people[-1].sees(*re.sub(r"^ *> ", "", body, flags=re.M).splitlines())
        self.code = next(iter(CODE.findall(said)), self.code)

    async def _button(self, body: str) -> None:
        await self.people[-1].taps(body)

    async def _file(self, body: str) -> None:
        self.file = body

    def _filled(self, text: str) -> str:
        for placeholder, value in self.platform.values.items():
            text = text.replace(placeholder, value)
        return text

    def _start(self) -> None:
        log = self.directory / "terminal.log"
        with log.open("wb") as file:
            self.up = subprocess.Popen(
                [command("lightwork"), "up"],
                cwd=self.directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        process = self.up

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            return "Ctrl-C" in log.read_text()

        eventually(ready, START_SECONDS, "lightwork up")
        self.output = log.read_text()
        self.code = LINK.findall(self.output)[0]

    def _run(self, line: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = line.split()
        return subprocess.run(
            [command(program), *arguments],
            cwd=self.directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        known = {str(one.alias) for one in Settings.model_fields.values()}
        clean = {name: value for name, value in os.environ.items() if name not in known}
        return clean | self.platform.settings | self.ports


def command(name: str) -> str:
    """A program of the virtual environment that the tests run in."""
    return str(Path(sys.executable).with_name(name))


def masked(line: str) -> str:
    """A line of a terminal without what is different everywhere."""
    for pattern, word in MASKS.items():
        line = re.sub(pattern, word, line)
    return line.strip()


@asynccontextmanager
async def newcomer(directory: Path, platform: Platform) -> AsyncIterator[Newcomer]:
    """Somebody with an empty directory; what they leave running is ended."""
    ports = {"LIGHTWORK_WEB_PORT": str(free_port()), "LIGHTWORK_HOOKS_PORT": str(free_port())}
    somebody = Newcomer(directory, platform, ports=ports)
    try:
        yield somebody
        await somebody.stop()
    finally:
        if somebody.up is not None:
            somebody.up.kill()  # its children die with it
            somebody.up.wait()
