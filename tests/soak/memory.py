"""Memory of processes over time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from tests.acceptance.running import Running

SAMPLE_SECONDS = 0.5
PROCESSES = ("bot", "worker", "schedule", "trainer", "valkey")
WINDOW = 0.2
"""Share of the samples at each end whose medians are compared."""


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB of a million bytes; none where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
    return kilobytes * 1024 / 1e6


async def watch(running: Running, samples: Mapping[str, list[float]]) -> None:
    """Take samples until cancelled."""
    while True:
        for name, pid in pids(running).items():
            samples[name].append(resident_mb(pid))
        await asyncio.sleep(SAMPLE_SECONDS)


def pids(running: Running) -> dict[str, int]:
    """Every process that runs, by its name."""
    return {name: pid for name in PROCESSES if (pid := running.pid(name)) is not None}


def new_samples() -> defaultdict[str, list[float]]:
    """None yet."""
    return defaultdict(list)


def growth(samples: list[float]) -> float:
    """By what share the memory was more at the end than at the beginning of `samples`."""
    size = max(1, round(len(samples) * WINDOW))
    return median(samples[-size:]) / median(samples[:size]) - 1.0
