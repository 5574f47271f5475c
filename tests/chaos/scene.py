"""Where a round plays: the processes with their disk, clock, database and Telegram, and who coordinates."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core.models import Project
from demo.telegram_chat import CODE
from tests.acceptance.people import Visitor
from tests.acceptance.running import Running, lightwork_up
from tests.chaos.clock import Clock
from tests.chaos.crowd import LABELS, PEOPLE
from tests.chaos.disk import Disk, small_disk
from tests.chaos.postgresql import Postgresql, postgresql
from tests.chaos.telegram import UnsteadyPlatform

ITEMS = 900
MOST = 5
LEASE_SECONDS = 10
PRICE = "0.02"
CAPTION = (
    f"/post Is it so? | {' | '.join(LABELS)} | overlap=3-{MOST} | lease={LEASE_SECONDS}"
    f" | price={PRICE} | retrain=1000000"
)
TEXTS = [f"Statement number {number}" for number in range(ITEMS)]
IMPORT_SECONDS = 60.0
LINES_OF_A_LOG, START, END = 8, 120, 200
WRITERS = ("bot", "worker", "schedule", "valkey")


@dataclass
class Scene:
    """One home. server: the database's, where it has one."""

    running: Running
    platform: UnsteadyPlatform
    disk: Disk
    clock: Clock
    server: Postgresql | None
    owner: Visitor
    dice: random.Random
    project_id: int = 0
    project: str = ""

    def post(self) -> str:
        """Post the job; returns a code by which everybody gets in."""
        said = self.owner.upload("statements.csv", "\n".join(["text", *TEXTS, ""]).encode(), CAPTION)
        assert said.refused is None, said
        self.owner.hear("import_done", IMPORT_SECONDS)
        with self.running.reading() as session:
            project = session.scalars(select(Project)).one()
        self.project_id, self.project = project.id, project.public_id
        invited = self.owner.say(f"/invite worker {PEOPLE}")
        found = CODE.search(" ".join(invited.sentences))
        assert found is not None, invited
        return found[0]

    def writers(self) -> list[int]:
        """Processes that write to the disk."""
        pids = [pid for name in WRITERS if (pid := self.running.pid(name)) is not None]
        return pids + (self.server.pids() if self.server is not None else [])


def _keep_logs(path: Path, failed: type[BaseException] | None, *_: object) -> bool:
    """Copy the logs beside the disk, where it ends with a failure."""
    if failed is not None:
        shutil.copytree(path / "home" / "log", path.with_name("log"), dirs_exist_ok=True)
        for log in path.glob("*.log"):
            shutil.copy(log, path.with_name("log"))
    return False


def last_errors(logs: Path) -> list[str]:
    """What each log said last of errors, so that a failure can be understood where nothing else of it is left."""
    found = []
    for log in sorted(logs.glob("*.log")):
        lines = [line for line in log.read_text(errors="replace").splitlines() if "rror" in line or "FATAL" in line]
        found += [f"{log.name}: {line[:START]} ... {line[START:][-END:]}" for line in lines[-LINES_OF_A_LOG:]]
    return found


@contextmanager
def scene(
    path: Path, database: str, seed: int, platform: UnsteadyPlatform, telegram: dict[str, str]
) -> Iterator[Scene]:
    """Lightwork in a fresh home on a small disk at `path`, with its coordinator, until the block ends.

    Args:
        database: sqlite or postgresql.
        telegram: the settings by which it finds `platform`.
    """
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(path))
        clock = Clock(path / "clock")
        server = stack.enter_context(postgresql(path / "data")) if database == "postgresql" else None
        variables: dict[str, Any] = clock.variables | telegram | ({"DATABASE_URL": server.url} if server else {})
        stack.push(partial(_keep_logs, path))
        running = stack.enter_context(lightwork_up(path / "home", **variables))
        owner = stack.enter_context(Visitor(running.url))
        assert owner.join(running.invites[0], "Olga").refused is None
        yield Scene(running, platform, disk, clock, server, owner, random.Random(seed))
