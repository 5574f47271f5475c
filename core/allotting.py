"""Places of a job with a budget: given where an answer tells most, breadth first, until the budget is given out.

Every item comes to one answer before any comes to a second, and so on up to the minimum; what is left goes to the items
about which a further answer tells most. Then the coordinator is told, once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from core.aggregation.value import average_information
from core.budget import budget_of, give, has_budget, hold_back, spent
from core.db import let_others_write, reading, unit_of_work
from core.db.tables import table_of
from core.effects import Effect
from core.finishing import responsible
from core.models import Batch, Item, Project
from core.outbox import owe
from core.skills import crowd_model

CHUNK = 500
TOLD = "budget_used"
"""Kind of the message to the coordinator."""

ITEM, BATCH = table_of(Item), table_of(Batch)


def allot(
    engine: Engine, project_id: int, run_effects: Callable[[list[Effect]], None], clock: Callable[[], datetime]
) -> int:
    """Give the places that the budget of a project has left; returns how many. Nothing in a job without a budget."""
    with reading(engine) as session:
        project = session.get_one(Project, project_id)
        if not has_budget(project):
            return 0
        left = budget_of(project) - spent(session, project_id).claimed
        wanted = _wanted(session, project, left) if left > 0 else []
    given = 0
    for start in range(0, len(wanted), CHUNK):
        with unit_of_work(engine, run_effects) as session:
            given += give(session, project_id, wanted[start : start + CHUNK], clock())
        let_others_write(engine)
    if left < 0:
        with unit_of_work(engine, run_effects) as session:
            hold_back(session, project_id, -left)
    with reading(engine) as session:
        budget = _used_up(session, project_id)
    if budget is not None:
        with unit_of_work(engine, run_effects) as session:
            _tell(session, project_id, budget, clock())
    return given


def _wanted(session: Session, project: Project, left: int) -> list[tuple[int, int]]:
    """(item id, overlap it should have) for as many places as are left, the most worth giving first."""
    published = select(BATCH.c.id).where(BATCH.c.project_id == project.id, BATCH.c.state == "published")
    item = ITEM.c
    rows = session.execute(
        select(item.id, item.overlap, item.submitted, item.posterior)
        .where(item.project_id == project.id, item.state == "open", item.purpose == "label", item.slots == 0)
        .where(item.overlap < project.max_overlap, item.batch_id.in_(published))
        .order_by(item.rank)
    ).all()
    rows = [row for row in rows if row.overlap < project.min_overlap or row.overlap == row.submitted]
    if not rows:
        return []
    crowd = crowd_model(project)
    tells = average_information(np.array([crowd.belief(row.posterior) for row in rows]), crowd.pooled)
    levels = np.minimum(np.array([row.overlap for row in rows]), project.min_overlap)
    order = np.lexsort((np.arange(len(rows)), -tells, levels))
    # Where there is enough for all, an item gets its places up to the minimum at once.
    depth, extra = divmod(left, len(rows))
    chosen = ((rows[at], depth + (place < extra)) for place, at in enumerate(order[:left]))
    return [(row.id, max(row.overlap + 1, min(project.min_overlap, row.overlap + more))) for row, more in chosen]


def _used_up(session: Session, project_id: int) -> int | None:
    """The budget, where nothing of it can be given out any more while items are open; None where that is not so.

    Several aggregates, so never where taps wait.
    """
    project = session.get_one(Project, project_id)
    if not has_budget(project) or project.state != "open":
        return None
    unsure = select(ITEM.c.id).where(ITEM.c.project_id == project_id, ITEM.c.state == "open", ITEM.c.purpose == "label")
    if session.scalar(unsure.limit(1)) is None:
        return None
    now_spent = spent(session, project_id)
    return None if now_spent.places or now_spent.used < budget_of(project) else budget_of(project)


def _tell(session: Session, project_id: int, budget: int, now: datetime) -> None:
    """Owe the word to whoever coordinates the job, unless they have changed its budget meanwhile."""
    project = session.get_one(Project, project_id)
    worker_id = responsible(session, project)
    if not has_budget(project) or budget_of(project) != budget or worker_id is None:
        return
    owe(
        session,
        worker_id=worker_id,
        workspace_id=project.workspace_id,
        kind=TOLD,
        params={"project_id": project_id, "budget": budget},
        dedupe_key=f"budget-{project_id}-{budget}",
        now=now,
    )
