"""How soon `lightwork up` is ready for the first tap, what each of its processes needs in memory, and what loads that.

Each start is in a fresh home; the time runs from the command to the printed links, which is when the bot answers.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.acceptance.people import Visitor
from tests.acceptance.running import Running, lightwork_up
from tests.soak.memory import PROCESSES, pids, resident_mb

READY_SECONDS = 5.0
BOT_MB = 150.0
HEAVIEST = 12
SETTLE_SECONDS = 120.0
LOOK_SECONDS = 3.0
LIBRARIES = (
    "sys",
    "sqlalchemy.orm",
    "rq",
    "telegram",
    "slack_bolt.async_app",
    "starlette",
    "uvicorn",
    "PIL.Image",
    "numpy",
    "scipy.special",
)


@dataclass(frozen=True)
class Started:
    """One start. ready: seconds until the links are printed; joined: seconds more until the first person is answered.

    cpu: seconds that the processors worked until it was ready; resident: MB of each process when it has settled.
    """

    ready: float
    joined: float
    cpu: float
    resident: dict[str, float]


def start_once(home: Path) -> Started:
    """`lightwork up` in a fresh home."""
    began = time.monotonic()
    with lightwork_up(home) as running:
        ready = time.monotonic() - began
        cpu = sum(map(cpu_seconds, [running.process.pid, *pids(running).values()]))
        with Visitor(running.url) as owner:
            assert owner.join(running.invites[0], "Olga").refused is None
            joined = time.monotonic() - began - ready
            assert owner.say("/help").refused is None
        return Started(ready, joined, cpu, settled(running))


def cpu_seconds(pid: int) -> float:
    """What a process and its children that have ended have used of the processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def settled(running: Running) -> dict[str, float]:
    """MB of each process, once none of them grows any more.

    Raises:
        AssertionError: they go on growing.
    """
    deadline, before = time.monotonic() + SETTLE_SECONDS, dict.fromkeys(PROCESSES, 0.0)
    while True:
        found = {name: resident_mb(pid) for name, pid in pids(running).items()}
        if found.keys() == before.keys() and all(found[name] <= before[name] * 1.01 for name in found):
            return found
        assert time.monotonic() < deadline, f"still growing: {found}"
        before = found
        time.sleep(LOOK_SECONDS)


def heaviest(module: str) -> list[tuple[str, float]]:
    """The packages that importing `module` spends the most milliseconds in."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    own: dict[str, float] = {}
    for line in lines:
        name, microseconds = line.rpartition("|")[2].strip(), line.partition(":")[2].partition("|")[0].strip()
        if microseconds.isdecimal():
            package = name.partition(".")[0]
            own[package] = own.get(package, 0.0) + int(microseconds) / 1000.0
    return sorted(own.items(), key=lambda pair: -pair[1])[:HEAVIEST]


def memory_of(modules: tuple[str, ...]) -> dict[str, float]:
    """MB that a bare Python needs after importing each module alone."""
    found = {}
    for module in modules:
        source = f"import {module}; print(open('/proc/self/status').read())"
        printed = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
        found[module] = int(printed.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6
    return found


def main() -> None:
    """Print what was measured, or JSON with `--json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    starts = []
    for _ in range(options.starts):
        with tempfile.TemporaryDirectory(prefix="lightwork-startup-") as directory:
            starts.append(start_once(Path(directory) / "home"))
    imports, libraries = heaviest("bot.__main__"), memory_of((*LIBRARIES, "bot.__main__"))
    if options.json:
        print(json.dumps({"starts": [asdict(one) for one in starts], "imports_ms": imports, "libraries_mb": libraries}))
        return
    ready, joined = median(one.ready for one in starts), median(one.joined for one in starts)
    cpu = median(one.cpu for one in starts)
    print(f"ready for the first tap after {ready:.1f} s (wanted: {READY_SECONDS:.0f}), {cpu:.1f} s of them at work")
    print(f"the first person is in after {joined:.2f} s more")
    for name in PROCESSES:
        resident = median(one.resident.get(name, 0.0) for one in starts)
        print(f"{name:>9}: {resident:5.0f} MB" + (f" (wanted: {BOT_MB:.0f})" if name == "bot" else ""))
    print("importing the bot, by package: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in imports))
    print("MB after importing alone: " + ", ".join(f"{name} {mb:.0f}" for name, mb in libraries.items()))


if __name__ == "__main__":
    main()
