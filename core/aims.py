"""What a job aims at: the one thing a coordinator sets, and that dynamic overlap follows.

An error that costs as much as N answers, a share of right labels, or a number of answers. The least and the most
answers of an item bound all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.aggregation.policy import ERROR_COST, information_of
from core.errors import InvalidInput
from core.models import Project

AIMS = ("error_cost", "accuracy", "budget")
MAX_ERROR_COST = 1_000_000
LEAST_TARGET, MOST_TARGET = 0.5, 0.999
MAX_BUDGET = 100_000_000


@dataclass(frozen=True, slots=True)
class Aim:
    """One aim.

    kind: one of `AIMS`. error_cost: how many answers one wrong label costs.
    target: wanted share of right labels, where the aim is accuracy. budget: answers in all, where it is that.
    """

    kind: str = "error_cost"
    error_cost: float = ERROR_COST
    target: float | None = None
    budget: int | None = None

    def columns(self) -> dict[str, Any]:
        """As columns of a project."""
        return {
            "aim": self.kind,
            "error_cost": self.error_cost,
            "target_accuracy": self.target,
            "answer_budget": self.budget,
        }


def aim_of(project: Project) -> Aim:
    """The aim of a project."""
    return Aim(project.aim, project.error_cost, project.target_accuracy, project.answer_budget)


def check_aim(aim: Aim) -> Aim:
    """The aim as it came.

    Raises:
        InvalidInput: bad_error_cost, bad_target or bad_budget: no job can have it.
    """
    if aim.kind not in AIMS:
        raise ValueError(f"no aim is called {aim.kind!r}")
    if not 1 <= aim.error_cost <= MAX_ERROR_COST:
        raise InvalidInput("bad_error_cost", limit=MAX_ERROR_COST)
    if aim.kind == "accuracy" and not LEAST_TARGET <= (aim.target or 0.0) <= MOST_TARGET:
        raise InvalidInput("bad_target", least=f"{LEAST_TARGET:.0%}", most=f"{MOST_TARGET:.1%}")
    if aim.kind == "budget" and not 1 <= (aim.budget or 0) <= MAX_BUDGET:
        raise InvalidInput("bad_budget", limit=MAX_BUDGET)
    return aim


def information_wanted(project: Project) -> float:
    """Share of what an average answer tells about a fresh item that a further answer has to tell, to be asked for."""
    return information_of(project.error_cost) if project.information is None else project.information
