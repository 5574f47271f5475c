"""Dynamic overlap follows the aim of a job: in the background, in small steps, never on the path of a tap.

What is steered is `project.information`: how much a further answer has to tell, as a share of what an average answer
tells about a fresh item. A target accuracy lowers it while too many labels are expected to be wrong; a budget raises it
while the answers left would not reach. Each step is small, and a decided item is asked on only where a further answer
has become worth `core.consensus.KEEP_SLACK` times that, so nobody notices a jump.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Engine, func, or_, select
from sqlalchemy.orm import Session

from core.aggregation.controllers import toward_accuracy, toward_budget
from core.aggregation.correctness import Beliefs, expected_accuracy
from core.aggregation.value import average_information
from core.aims import Aim, aim_of, check_aim, information_wanted
from core.budget import budget_of, has_budget, hold_back, lock, spent
from core.consensus import DECIDED, KEEP_SLACK, reconsider, revise
from core.db import let_others_write, reading, unit_of_work
from core.db.columns import coded, distributions, ints, read_columns
from core.db.tables import table_of
from core.due import overlap_effect, reestimate_effect
from core.effects import Effect, add_effect
from core.enrolment import record_act
from core.errors import Conflict
from core.forecast_evidence import job_mistakes
from core.items import lock_item, lock_items
from core.models import Item, Project
from core.skills import crowd_model

CHUNK = 200
ENOUGH_DECIDED = 20
"""Items that have to be decided before they say anything about what is to be expected."""
SAMPLE_ITEMS = 20_000
"""So many are looked at for what is to be expected."""
START = 0.05
"""The information that a steered job starts from where none was in use."""

ITEM = table_of(Item)
_STATES = {"open": 0, "agreed": 1, "disputed": 2}


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a job has come. accuracy: the expected share of right labels among the decided; None where they are few.

    decided, answers: items decided, and answers that these took; open, started: items that are not, and theirs.
    """

    accuracy: float | None
    decided: int
    answers: int
    open: int
    started: int


def set_aim(session: Session, project: Project, aim: Aim, worker_id: int, now: datetime) -> bool:
    """Give a job another aim; false where it is the same. Its items follow in the background.

    From the commit on no more answers are handed out than a budget has left; answers given and in hand stay.

    Raises:
        InvalidInput: as `core.aims.check_aim`.
        Conflict: budget_too_small, where more answers are given and in hand than that.
    """
    check_aim(aim)
    if aim == aim_of(project):
        return False
    if aim.kind == "budget":
        used = spent(session, project.id)
        if (aim.budget or 0) < used.used:
            raise Conflict("budget_too_small", used=used.used)
        if used.claimed > (aim.budget or 0):
            hold_back(session, project.id)
    locked = lock(session, project.id)
    same_kind = locked.aim == aim.kind and aim.kind != "error_cost"
    for name, value in aim.columns().items():
        setattr(locked, name, value)
    locked.information = _first_information(locked) if not same_kind else locked.information
    locked.estimated_annotations = 0  # makes a re-estimation due, and with it a step towards the aim
    said = {"error_cost": f"error {aim.error_cost:g}", "accuracy": f"{aim.target:.1%}" if aim.target else ""}
    what = said.get(aim.kind, f"at most {aim.budget} answers")
    record_act(session, locked.workspace_id, worker_id, "edit", f"{locked.public_id} aim {what}", now)
    add_effect(session, reestimate_effect(locked.id, now))
    add_effect(session, overlap_effect(locked.id, now))
    return True


def reached(session: Session, project: Project) -> Reached:
    """How far a job has come; it looks at many items, so never on the path of a tap."""
    answers = func.coalesce(func.sum(ITEM.c.submitted), 0)
    statement = select(ITEM.c.state, func.count(), answers).where(ITEM.c.purpose == "label")
    rows = session.execute(
        statement.where(ITEM.c.project_id == project.id, ITEM.c.state.in_(("open", *DECIDED))).group_by(ITEM.c.state)
    ).all()
    counts = {state: (int(count), int(given)) for state, count, given in rows}
    agreed, settled, left = (counts.get(state, (0, 0)) for state in ("agreed", "adjudicated", "open"))
    decided = agreed[0] + settled[0]
    accuracy = _accuracy(session, project, agreed[0], settled[0]) if decided >= ENOUGH_DECIDED else None
    return Reached(accuracy, decided, agreed[1] + settled[1], left[0], left[1])


def _accuracy(session: Session, project: Project, agreed_items: int, settled: int) -> float | None:
    """The share of decided labels that are probably right; the newest `SAMPLE_ITEMS` stand for what was agreed."""
    crowd = crowd_model(project)
    agreed = select(ITEM.c.posterior).where(ITEM.c.project_id == project.id, ITEM.c.state == "agreed")
    found = session.scalars(agreed.order_by(ITEM.c.id.desc()).limit(SAMPLE_ITEMS))
    sure = np.array([max(posterior) for posterior in found if len(posterior or ()) == crowd.classes], dtype=np.float64)
    times = np.full(len(sure), agreed_items / max(1, len(sure)))
    return expected_accuracy(Beliefs(sure, times, settled), job_mistakes(session, project))


def count_items(session: Session, project_id: int) -> int:
    """Items that are there to be labeled, decided or not."""
    statement = select(func.count()).where(ITEM.c.project_id == project_id, ITEM.c.purpose == "label")
    return session.scalar(statement) or 0


def steer(
    engine: Engine, project_id: int, run_effects: Callable[[list[Effect]], None], clock: Callable[[], datetime]
) -> int:
    """One step towards the aim, after a re-estimation, and its items with it; returns how many of them changed.

    It may be killed and run again: each item is looked at anew under its lock.
    """
    with reading(engine) as session:
        project = session.get_one(Project, project_id)
        aim, information = aim_of(project), _next_information(session, project)
    with unit_of_work(engine, run_effects) as session:
        locked = lock(session, project_id)
        if aim_of(locked) == aim and locked.information != information:
            locked.information = information
    with reading(engine) as session:
        chosen = _followers(session, session.get_one(Project, project_id))
    changed = 0
    for start in range(0, len(chosen), CHUNK):
        with unit_of_work(engine, run_effects) as session:
            changed += _follow(session, project_id, chosen[start : start + CHUNK], clock())
        let_others_write(engine)
    return changed


def _first_information(project: Project) -> float | None:
    if project.aim == "error_cost":
        return None
    return project.information or START


def _next_information(session: Session, project: Project) -> float | None:
    """What a further answer has to tell after one step towards the aim; it looks at many items, and writes nothing."""
    if project.aim == "error_cost":
        return project.information
    so_far, information = reached(session, project), information_wanted(project)
    if project.aim == "accuracy" and so_far.accuracy is not None:
        information = toward_accuracy(information, so_far.accuracy, project.target_accuracy or so_far.accuracy)
    elif has_budget(project) and so_far.decided >= ENOUGH_DECIDED and so_far.open:
        left = budget_of(project) - spent(session, project.id).used
        needed = so_far.open * so_far.answers / so_far.decided - so_far.started
        information = toward_budget(information, left, needed)
    return information


def _followers(session: Session, project: Project) -> list[int]:
    """Ids of the items that would be decided otherwise now; `_follow` decides under their locks."""
    crowd, item, bar = crowd_model(project), ITEM.c, information_wanted(project)
    stuck_or_ripe = or_(item.slots + item.leased == 0, item.submitted >= project.min_overlap)
    statement = select(item.id, item.state, item.submitted, item.slots + item.leased, item.posterior).where(
        item.project_id == project.id,
        item.purpose == "label",
        or_(item.state.in_(("agreed", "disputed")), (item.state == "open") & stuck_or_ripe),
    )
    to_arrays = (ints, coded(_STATES), ints, ints, distributions(crowd.classes))
    ids, state, submitted, places, posterior = read_columns(session, statement.order_by(item.id), *to_arrays)
    # What nobody can take or holds, as a budget leaves it when it is lifted.
    stuck = (state == _STATES["open"]) & (places == 0) & (not has_budget(project))
    judged = np.flatnonzero((submitted >= project.min_overlap) & ~np.isnan(posterior).any(axis=1))
    fresh = average_information(np.array([crowd.prior]), crowd.pooled)[0]
    worth = average_information(posterior[judged], crowd.pooled) / max(fresh, 1e-12)
    room = submitted[judged] < project.max_overlap
    too_little, too_much = worth <= bar, room & (worth > KEEP_SLACK * bar)
    moved = np.select(
        [state[judged] == _STATES["open"], state[judged] == _STATES["agreed"]],
        [too_little, too_much],
        room | too_little,
    )
    return sorted({*ids[stuck].tolist(), *ids[judged[moved]].tolist()})


def _follow(session: Session, project_id: int, item_ids: list[int], now: datetime) -> int:
    lock_items(session, item_ids)
    project = session.get_one(Project, project_id)
    crowd, changed = crowd_model(project), 0
    for item_id in item_ids:
        item = lock_item(session, item_id)
        posterior = item.posterior
        if item.state in ("open", "disputed"):
            changed += reconsider(session, project, crowd, item, now)
        elif item.state == "agreed" and posterior is not None and len(posterior) == crowd.classes:
            changed += revise(session, project, crowd, item, posterior, now) != item.state
    return changed
