"""Several processes that train one model: each takes its share of every batch, and their gradients are added up."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from accelerate import PartialState  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True)
class Crew:
    """Which of how many processes this one is; ordinarily the only one."""

    rank: int = 0
    size: int = 1

    def share(self, batch: Sequence[int]) -> list[int]:
        """What this process takes of a batch: together they take each index once."""
        return list(batch[self.rank :: self.size])

    def add_gradients(self, model: Any) -> None:
        """Give each process the sum of all gradients."""
        if self.size == 1:
            return
        for parameter in model.parameters():
            if parameter.requires_grad:
                if parameter.grad is None:
                    parameter.grad = torch.zeros_like(parameter)
                dist.all_reduce(parameter.grad)

    def agreed(self, value: float, device: str) -> float:
        """What the first process has found: rounding may differ, decisions must not."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float32, device=device)
        dist.broadcast(shared, src=0)
        return shared.item()


def crew() -> Crew:
    """The processes that `accelerate launch` has started with this one, which it joins."""
    if not is_launched():
        return Crew()
    state = PartialState(cpu=not torch.cuda.is_available())
    return Crew(state.process_index, state.num_processes)


def is_launched() -> bool:
    """Whether this is one of several processes."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1
