"""How well one item and one worker go together: the score by which assignment and offers choose.

    score = (I(worker) - (1 - 1/c) I(average)) / I(fresh) + together + reads - load

I(worker): information that this worker's answer about this item is expected to tell (`core.aggregation.value`);
I(average): what an average worker's would; I(fresh): what that would about an item nobody has answered; c: how many
times an average worker's their time costs. A worker (c = 1) gets what they tell most about; an expert what they tell
more about than people whose time costs less, which is what others have left uncertain. `together` keeps neighbours of
one document with one person, in their order, so that it is read once.
"""

from __future__ import annotations

from dataclasses import dataclass

TOGETHER = 1.0
"""Reading one more document is worth as much as an average answer about a fresh item."""
OUT_OF_ORDER = 0.25
"""What is lost where the neighbour is not the very next one."""
READS = 0.25
"""For who has said that they read the language of the job, before those who have not said what they read."""
LOAD = 0.5
"""Of who has had all the work lately, against who has had none."""
EXPERT_COST = 3.0
"""The time of an expert, in that of an average worker."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """One item as it is for one worker.

    information, average, fresh: in nats, as above. time_cost: c, at least 1.
    steps: positions from the item that they answered last in the same document, backwards below 0; None: another one.
    reads: they have said that they read its language. load: their share of the work of late, from 0 to 1.
    """

    information: float
    average: float
    fresh: float
    time_cost: float = 1.0
    steps: int | None = None
    reads: bool = False
    load: float = 0.0


def score(prospect: Prospect) -> float:
    """The score of the formula above; higher is better, and only differences mean anything.

    >>> score(Prospect(0.2, 0.2, 0.2)), score(Prospect(0.2, 0.2, 0.2, steps=1))
    (1.0, 2.0)
    """
    told = prospect.information - (1.0 - 1.0 / prospect.time_cost) * prospect.average
    share = told / prospect.fresh if prospect.fresh > 0.0 else 0.0
    return share + _together(prospect.steps) + READS * prospect.reads - LOAD * prospect.load


def _together(steps: int | None) -> float:
    """Most for the next position, less for one further on, least for what lies behind; 0 for another document."""
    if steps is None:
        return 0.0
    return TOGETHER - OUT_OF_ORDER * (1.0 - 1.0 / steps if steps > 0 else 2.0)
