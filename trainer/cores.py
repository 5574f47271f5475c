"""How many threads compute on the CPU: as many as there are cores for this process."""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch

from trainer.settings import Device

CPUS = Path("/sys/devices/system/cpu")
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def use_all_cores(device: Device) -> None:
    """On the CPU, as many threads as the device says; where it leaves that open, one per core."""
    if device.type == "cpu":
        torch.set_num_threads(device.threads or core_count())


def core_count(cpus: Path = CPUS, quota: Path = QUOTA) -> int:
    """Physical cores that this process may use, at least 1: two threads on one core hold each other up.

    Args:
        cpus: where Linux tells the layout of the processor. quota: where it tells the share that a container may use.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    cores = len({_core_of(cpus / f"cpu{number}" / "topology", number) for number in allowed})
    return max(1, min(cores, _share(quota)))


def _core_of(topology: Path, number: int) -> tuple[str, str]:
    try:
        package = (topology / "physical_package_id").read_text().strip()
        return package, (topology / "core_id").read_text().strip()
    except OSError:
        return "", str(number)


def _share(quota: Path) -> int:
    """Cores that a container may use, rounded up; without a limit more than any machine has."""
    try:
        used, period = quota.read_text().split()
        return math.ceil(int(used) / int(period))
    except (OSError, ValueError):
        return 1 << 16
