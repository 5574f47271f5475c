"""Flags as people see them: a list, one flag with its evidence and a sample of the answers, one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from core import labels
from core.errors import NotFound
from core.ids import is_public_id
from core.models import Annotation, Flag, Gold, Item, Membership, Participation, Project, Worker
from core.texts import beginning

PAGE = 8
SAMPLE = 5
SAMPLE_LENGTH = 70
"""Characters of an item's text in a sample."""
UNSETTLED = ("open", "appealed")
MOST_NEW = 200
"""Flags that one digest counts."""


@dataclass(frozen=True, slots=True)
class FlagLine:
    """One flag in a list."""

    public_id: str
    name: str
    """Of the worker; empty where they gave none."""
    project: str
    kind: str
    action: str
    state: str


@dataclass(frozen=True, slots=True)
class FlagsPage:
    """Some flags of a workspace or of one project; pages count from 1. `unsettled` over all pages."""

    lines: tuple[FlagLine, ...]
    page: int
    pages: int
    unsettled: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """An answer of the flagged worker: the item's text, cut, what they said, and what was decided, if anything.

    known: `decided` is the label that was known beforehand.
    """

    text: str
    said: str
    decided: str
    known: bool = False


@dataclass(frozen=True, slots=True)
class FlagReport:
    """One flag with everything that helps to judge it.

    evidence: as `core.aggregation.filters` counted it, with names in place of ids: `label` and `other`.
    """

    line: FlagLine
    worker_public_id: str
    project_public_id: str
    evidence: dict[str, Any]
    appeal: str
    reply: str
    sample: tuple[Sampled, ...]
    updated_at: datetime
    restriction: str = ""
    """What holds for the worker in this job now, by all flags together: one of `core.standing.RESTRICTIONS`."""


def list_flags(session: Session, workspace_id: int, project_id: int | None = None, page: int = 1) -> FlagsPage:
    """One page: appeals first, then open ones, then those that are settled, each the newest first.

    Flags of people who are no members any more are left out: nothing can be done about them.
    """
    chosen = _flags(workspace_id)
    if project_id is not None:
        chosen = chosen.where(Flag.project_id == project_id)
    unsettled = func.coalesce(func.sum(case((Flag.state.in_(UNSETTLED), 1), else_=0)), 0)
    total, open_ones = session.execute(chosen.with_only_columns(func.count(), unsettled).order_by(None)).one()
    pages = max(1, -(-total // PAGE))
    page = min(max(1, page), pages)
    rows = session.execute(chosen.offset((page - 1) * PAGE).limit(PAGE)).all()
    return FlagsPage(tuple(_line(row) for row in rows), page, pages, open_ones)


def find_flag(session: Session, workspace_id: int, public_id: str) -> tuple[Flag, Project, Worker]:
    """A flag of this workspace, about somebody who is still a member, with its project and worker.

    Raises:
        NotFound: there is none.
    """
    row = None
    if is_public_id(public_id):
        row = session.execute(_flags(workspace_id).where(Flag.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound("flag_unknown")
    return row[0], row[1], row[2]


def report(session: Session, workspace_id: int, public_id: str) -> FlagReport:
    """One flag with its evidence and a sample of the answers.

    Raises:
        NotFound: as `find_flag`.
    """
    flag, project, worker = find_flag(session, workspace_id, public_id)
    evidence = {name: value for name, value in flag.evidence.items() if name != "reply"} | {"score": flag.score}
    schema = labels.load(project.label_schema)
    if "label" in evidence:
        evidence["label"] = labels.name_of(schema, str(evidence["label"]))
    if int(evidence.get("other", -1)) >= 0:
        evidence["other_name"] = _name(session, int(evidence["other"]))
    return FlagReport(
        line=_line((flag, project, worker)),
        worker_public_id=worker.public_id,
        project_public_id=project.public_id,
        evidence=evidence,
        appeal=flag.appeal,
        reply=str(flag.evidence.get("reply", "")),
        sample=_sample(session, flag, schema),
        updated_at=flag.updated_at,
        restriction=_restriction(session, flag),
    )


def new_flags(session: Session, project_id: int, since: datetime) -> list[FlagLine]:
    """Unsettled flags of a project since a moment, the newest first."""
    workspace_id = session.get_one(Project, project_id).workspace_id
    chosen = _flags(workspace_id).where(Flag.project_id == project_id, Flag.state.in_(UNSETTLED))
    return [_line(row) for row in session.execute(chosen.where(Flag.updated_at >= since).limit(MOST_NEW))]


def standing_flags(session: Session, workspace_id: int, worker_id: int) -> list[tuple[Flag, Project]]:
    """What a worker is told about in their jobs: warnings and pauses that stand, the newest first."""
    statement = (
        select(Flag, Project)
        .join(Project, Project.id == Flag.project_id)
        .where(Project.workspace_id == workspace_id, Flag.worker_id == worker_id, Project.state != "closed")
        .where(Flag.state.in_((*UNSETTLED, "upheld")), Flag.action.in_(("warn", "pause")))
        .order_by(Flag.id.desc())
    )
    return [(flag, project) for flag, project in session.execute(statement)]


def _flags(workspace_id: int) -> Select[Flag, Project, Worker]:
    order = case({"appealed": 0, "open": 1}, value=Flag.state, else_=2)
    return (
        select(Flag, Project, Worker)
        .join(Project, Project.id == Flag.project_id)
        .join(Worker, Worker.id == Flag.worker_id)
        .join(Membership, Membership.worker_id == Worker.id)
        .where(Project.workspace_id == workspace_id, Membership.workspace_id == workspace_id)
        .order_by(order, Flag.id.desc())
    )


def _line(row: Any) -> FlagLine:
    flag, project, worker = row
    return FlagLine(flag.public_id, worker.name, project.name, flag.kind, flag.action, flag.state)


def _name(session: Session, worker_id: int) -> str:
    worker = session.get(Worker, worker_id)
    if worker is not None and worker.merged_into_id is not None:
        worker = session.get(Worker, worker.merged_into_id)
    return "" if worker is None else worker.name


def _restriction(session: Session, flag: Flag) -> str:
    where = Participation.worker_id == flag.worker_id, Participation.project_id == flag.project_id
    return session.scalar(select(Participation.restriction).where(*where)) or ""


def _sample(session: Session, flag: Flag, schema: labels.LabelSchema) -> tuple[Sampled, ...]:
    """Answers to look at: the quickest for "too fast", else those first that are not what was known or decided.

    Where the flag is about known items, these come before all others.
    """
    right = func.coalesce(Gold.label_id, Item.label_id)
    differs = case((right.is_not(None) & (right != Annotation.label_id), 0), else_=1)
    known = case((Gold.label_id.is_not(None), 0), else_=1)
    about_known = flag.kind == "gold" and bool(flag.evidence.get("known"))
    first = (Annotation.duration_ms,) if flag.kind == "fast" else (known, differs) if about_known else (differs,)
    statement = (
        select(Item.content, Annotation.label_id, right.label("decided"), Gold.label_id.label("known"))
        .join(Item, Item.id == Annotation.item_id)
        .outerjoin(Gold, (Gold.item_id == Item.id) & (Gold.state == "active"))
        .where(Annotation.worker_id == flag.worker_id, Annotation.project_id == flag.project_id)
        .where(Annotation.state.in_(("counted", "surplus", "control", "rejected")), Annotation.label_id.is_not(None))
        .order_by(*first, Annotation.id.desc())
        .limit(SAMPLE)
    )
    return tuple(
        Sampled(
            text=beginning(labels.item_text(row.content), SAMPLE_LENGTH),
            said=labels.name_of(schema, str(row.label_id)),
            decided=labels.name_of(schema, row.decided) if row.decided else "",
            known=row.known is not None,
        )
        for row in session.execute(statement)
    )
