"""Who gets what next: leases under exact redundancy, found by rank and cursor without a scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from core.aggregation.assignment_score import EXPERT_COST
from core.budget import affords
from core.db.tables import table_of
from core.db.upsert import insert_statement
from core.due import offer_effect
from core.effects import add_effect
from core.gold_serving import begin_gap, hidden_control, in_the_middle, is_due, is_left
from core.ids import new_public_id
from core.items import lock_item, lock_items, write_item
from core.leases import Lease, active_lease, open_lease
from core.models import Assignment, Participation, Project
from core.qualification import Admission, admit
from core.search import Seeker, find_item, search
from core.standing import UNKNOWN, Footing, Standing, load_standing
from core.trust import TRAINING, let_in_again, on_probation, practise, recovered

ASSIGNMENT = table_of(Assignment)
LESSONS = ("practice", "quiz")
"""Qualifications in which known items are answered before the others."""

END = update(ASSIGNMENT).where(ASSIGNMENT.c.id == bindparam("assignment_id"), ASSIGNMENT.c.state == "active")


def next_assignment(
    session: Session,
    project: Project,
    worker_id: int,
    surface: str,
    now: datetime,
    footing: Footing = UNKNOWN,
    *,
    expert: bool = False,
) -> Lease | None:
    """The worker's active assignment in the project, or a new lease, or nothing where nothing is left for them.

    Args:
        footing: theirs in the project, where the caller has just written it; else it is read here.
        expert: their time costs more than that of others, and goes where theirs would tell little.
    """
    if project.state != "open":
        return None
    if not footing.empty_handed and (held := active_lease(session, worker_id, project.id)) is not None:
        return held
    standing = footing.standing or load_standing(session, worker_id, project.id)
    if standing.restriction == "paused":
        return None
    if standing.qualification in LESSONS and not affords(session, project):
        return None
    admission = admit(session, project, worker_id, standing, now)
    cost = EXPERT_COST if expert and project.audience != "experts" else 1.0
    trusted = on_probation(standing, now)
    seeker = Seeker(worker_id, now, cost, trusted=trusted, surface=surface, known=footing.known)
    lease = _lease_for(session, project, seeker, standing, admission)
    state = "idle" if lease is None else "working"
    if footing.standing is None or standing.state != state:
        set_standing(session, worker_id, project.id, state, now)
    if lease is not None and not standing.gold_due:
        begin_gap(session, project, worker_id, standing)
    if lease is None and admission.may_work:
        _look_again_later(session, project, worker_id, now)
    return lease


def _look_again_later(session: Session, project: Project, worker_id: int, now: datetime) -> None:
    """Ask for an offer where something is left after all: others hold it, or are asked for it first."""
    anything = Seeker(worker_id, now, trusted=True)
    if search(session, project, anything, lease=False).item_id is not None:
        add_effect(session, offer_effect(project.id, now))


def _lease_for(
    session: Session, project: Project, seeker: Seeker, standing: Standing, admission: Admission
) -> Lease | None:
    """A lease of the item that comes next: of a lesson, a known one that is due, or the best open one."""
    worker_id, now = seeker.worker_id, seeker.now
    if not admission.may_work:
        return _of_counted(session, project, seeker, admission.item_id)
    if is_due(standing) and (item_id := _due_control(session, project, worker_id, standing, now)) is not None:
        return _of_counted(session, project, seeker, item_id)
    found = search(session, project, seeker, lease=True)
    if found.lease is not None or not found.uninformative:
        if standing.restriction == TRAINING and not found.uninformative:
            recovered(session, project, worker_id, now)
        return found.lease
    item_id = practise(session, project, worker_id, standing, now) if affords(session, project) else None
    if item_id is None and let_in_again(session, project, worker_id, standing, now):
        return search(session, project, replace(seeker, trusted=True), lease=True).lease
    return _of_counted(session, project, seeker, item_id)


def _of_counted(session: Session, project: Project, seeker: Seeker, item_id: int | None) -> Lease | None:
    """The lease of an item whose `leased` counts it already."""
    if item_id is None:
        return None
    return open_lease(session, project, item_id, seeker.worker_id, seeker.surface, seeker.now)


def _due_control(session: Session, project: Project, worker_id: int, standing: Standing, now: datetime) -> int | None:
    """The known item that is due, in the place of one that could be asked: not alone, and not amid a document."""
    if not is_left(session, project, worker_id, kind="gold"):  # in most jobs, so that nothing else is looked up there
        begin_gap(session, project, worker_id, standing)
        return None
    following = find_item(session, project, worker_id, now)
    if following is None or in_the_middle(session, project, worker_id, following):
        return None
    if not affords(session, project):
        return None
    return hidden_control(session, project, worker_id, standing)


def end_lease(
    session: Session, assignment_id: int, item_id: int, state: str, now: datetime, skip_reason: str = ""
) -> bool:
    """End an active assignment without an answer and give its slot back at once; false where it was not active."""
    item = lock_item(session, item_id)
    values = {"assignment_id": assignment_id, "state": state, "ended_at": now, "skip_reason": skip_reason}
    ended = session.execute(END, values)
    if getattr(ended, "rowcount", 0) != 1:
        return False
    write_item(session, item, now, leased=item.leased - 1)
    return True


def release_leases(session: Session, worker_id: int, now: datetime, workspace_id: int | None = None) -> int:
    """Give back all that a worker holds, in one workspace or in all: `/pause`, a blocked bot. Returns how many."""
    statement = select(ASSIGNMENT.c.id, ASSIGNMENT.c.item_id, ASSIGNMENT.c.project_id).where(
        ASSIGNMENT.c.worker_id == worker_id, ASSIGNMENT.c.state == "active"
    )
    if workspace_id is not None:
        statement = statement.where(ASSIGNMENT.c.project_id.in_(_projects_of(workspace_id)))
    held = session.execute(statement.order_by(ASSIGNMENT.c.item_id)).all()
    lock_items(session, (item_id for _, item_id, _ in held))
    for assignment_id, item_id, project_id in held:
        end_lease(session, assignment_id, item_id, "released", now)
        set_standing(session, worker_id, project_id, "away", now)
    leave_in_peace(session, [worker_id], workspace_id)
    return len(held)


def expire_leases(session: Session, project_id: int, now: datetime, limit: int = 500) -> int:
    """End leases of a project that are over their deadline; their workers are left in peace until they speak.

    Items are locked before anything else: a tap that holds its item may be waiting for the project.

    Returns how many; call again while it returns `limit`.
    """
    statement = (
        select(ASSIGNMENT.c.id, ASSIGNMENT.c.item_id, ASSIGNMENT.c.worker_id)
        .where(ASSIGNMENT.c.project_id == project_id, ASSIGNMENT.c.state == "active", ASSIGNMENT.c.expires_at <= now)
        .order_by(ASSIGNMENT.c.item_id)
        .limit(limit)
    )
    overdue = session.execute(statement).all()
    lock_items(session, (item_id for _, item_id, _ in overdue))
    silent = []
    for assignment_id, item_id, worker_id in overdue:
        if end_lease(session, assignment_id, item_id, "expired", now):
            set_standing(session, worker_id, project_id, "away", now)
            silent.append(worker_id)
    leave_in_peace(session, silent)
    return len(overdue)


def leave_in_peace(session: Session, worker_ids: Sequence[int], workspace_id: int | None = None) -> None:
    """Nothing more is offered to these people, in any job of the workspace or at all, until they speak."""
    table = table_of(Participation)
    idle = update(table).where(table.c.worker_id.in_(worker_ids), table.c.state.in_(("idle", "offered")))
    if workspace_id is not None:
        idle = idle.where(table.c.project_id.in_(_projects_of(workspace_id)))
    session.execute(idle.values(state="away"))


def ask_once_more(session: Session, worker_id: int, workspace_id: int) -> None:
    """The end of `leave_in_peace`: the worker may be asked again, in every job of the workspace."""
    table = table_of(Participation)
    away = update(table).where(table.c.worker_id == worker_id, table.c.state == "away")
    session.execute(away.where(table.c.project_id.in_(_projects_of(workspace_id))).values(state="idle"))


def _projects_of(workspace_id: int) -> Any:
    return select(Project.id).where(Project.workspace_id == workspace_id)


def set_standing(session: Session, worker_id: int, project_id: int, state: str, now: datetime) -> None:
    """Write where a worker stands in a project, making their participation on the first visit."""
    table = table_of(Participation)
    statement = insert_statement(session, Participation).values(
        worker_id=worker_id,
        project_id=project_id,
        pseudonym=new_public_id(),
        state=state,
        annotation_count=0,
        skip_count=0,
        created_at=now,
    )
    changed = statement.on_conflict_do_update(
        index_elements=["worker_id", "project_id"], set_={"state": state}, where=table.c.state != state
    )
    session.execute(changed)
