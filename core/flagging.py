"""Scoring a project's workers in the background, and what follows by the rules that its coordinator sees.

Runs before each re-estimation and is due as long as that is: what a killed job left undone, the next one does. The
evidence alone decides, so twice makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import quality
from core.aggregation.filters import Finding, find
from core.answered import Answered, read_answers, skills_of
from core.enrolment import record_act
from core.flag_news import owe_digest, tell
from core.flags import UNSETTLED
from core.membership import ban_by_rule
from core.models import Flag, Membership, Participation, Project, Worker
from core.quality import ACTIONS
from core.reestimation import is_due
from core.restricting import apply_flags, hold_worker
from core.runtime import Runtime

GROWN = 1.5
"""So much more evidence it takes for a stricter action of a rule that was changed."""
AGAIN = 2.0
"""So much more evidence, with a score no lower, it takes to flag what a coordinator has settled before."""
JUDGED_ROLES = ("worker", "expert")
"""Who runs the workspace tries things out, and is not judged by their own rules."""
LOGGED = {"gold": "watched"}
"""Words of the log for actions that are also a kind of flag."""
TOLD = {"warn": "flag_warned", "pause": "flag_paused"}
"""Kinds of the messages that tell a worker; a ban has its own, and who is watched must not know."""


def score_workers(runtime: Runtime, project_id: int, clock: Callable[[], datetime]) -> int:
    """Look at the workers of a project where enough has been answered since; returns how many flags are new or graver.

    Reads and computes outside any transaction that writes; each flag is written in one of its own.
    """
    with runtime.reading() as session:
        project = session.get_one(Project, project_id)
        if project.state == "closed" or not is_due(session, project):
            return 0
        answered = read_answers(session, project)
        if answered is None:
            return 0
        settings = quality.load(project.quality)
        skills = skills_of(session, project_id, answered)
        found = find(answered.log, skills, least_accuracy=settings.least_accuracy)
        judged = _judged(session, project)
        found = [one for one in found if answered.worker_ids[one.worker] in judged]
        found = [one for one in found if _news(session, project_id, answered, one, settings) is not None]
    new = 0
    for one in sorted(found, key=lambda one: -one.score):
        with runtime.writing() as session:
            new += take(session, project_id, answered, one, clock())
    return new


def take(session: Session, project_id: int, answered: Answered, finding: Finding, now: datetime) -> bool:
    """Write a finding down as a flag and do what the project's rule says; false where it is nothing new."""
    worker_id = answered.worker_ids[finding.worker]
    worker = hold_worker(session, worker_id)
    if worker.merged_into_id is not None or worker.forgotten_at is not None:
        return False  # what is theirs is being moved, or is nobody's any more
    project = session.get_one(Project, project_id)
    settings = quality.load(project.quality)
    news = _news(session, project_id, answered, finding, settings)
    if news is None:
        return False
    flag, graver = news
    if flag is None:
        flag = Flag(project_id=project_id, worker_id=worker_id, kind=finding.kind, action="none", created_at=now)
        session.add(flag)
    reply = {"reply": flag.evidence["reply"]} if flag.evidence and "reply" in flag.evidence else {}
    flag.score, flag.evidence, flag.updated_at = finding.score, _evidence(answered, finding) | reply, now
    if not graver:
        return False
    flag.action = settings.rules[finding.kind]
    session.flush()
    _act(session, project, flag, now)
    owe_digest(session, project, now)
    return True


def _act(session: Session, project: Project, flag: Flag, now: datetime) -> None:
    """Do what a flag's action says, write it into the log, and tell the worker where they may know. They are held."""
    if flag.action == "ban" and not ban_by_rule(session, project.workspace_id, flag.worker_id, now):
        flag.action = "pause"
        session.flush()
    worker = session.get_one(Worker, flag.worker_id)
    apply_flags(session, project, worker, now)
    followed = LOGGED.get(flag.action, flag.action)
    subject = f"{worker.public_id} {project.public_id} {flag.kind} {followed}"
    record_act(session, project.workspace_id, None, "flag", subject, now)
    if flag.action in TOLD:
        tell(session, project, flag, TOLD[flag.action], now)


def _judged(session: Session, project: Project) -> set[int]:
    """Workers whom the rules of a project are for, and who have not been shut out already."""
    statement = (
        select(Membership.worker_id)
        .join(Participation, Participation.worker_id == Membership.worker_id)
        .where(Membership.workspace_id == project.workspace_id, Participation.project_id == project.id)
        .where(Membership.role.in_(JUDGED_ROLES), Membership.status.in_(("active", "paused")))
    )
    return set(session.scalars(statement))


def _news(
    session: Session, project_id: int, answered: Answered, finding: Finding, settings: quality.QualitySettings
) -> tuple[Flag | None, bool] | None:
    """The flag that a finding belongs to, if there is one, and whether something has to follow now.

    Nothing where the finding tells nothing that has not been acted upon or settled.
    """
    worker_id = answered.worker_ids[finding.worker]
    statement = select(Flag).where(
        Flag.project_id == project_id, Flag.worker_id == worker_id, Flag.kind == finding.kind
    )
    statement = statement.order_by(Flag.id.desc()).limit(1).execution_options(populate_existing=True)
    flag = session.scalars(statement).first()
    if flag is None:
        return None, True
    grown = finding.evidence["answers"] / max(1.0, float(flag.evidence.get("answers", 1.0)))
    if flag.state not in UNSETTLED:
        return (None, True) if grown >= AGAIN and finding.score >= flag.score else None
    if grown < GROWN:
        return None
    return flag, ACTIONS.index(settings.rules[finding.kind]) > ACTIONS.index(flag.action)


def _evidence(answered: Answered, finding: Finding) -> dict[str, Any]:
    """With ids in place of indexes, so that it stays right when labels are added."""
    evidence: dict[str, Any] = dict(finding.evidence)
    if "label" in evidence:
        evidence["label"] = answered.label_ids[int(evidence["label"])]
    if evidence.get("other", -1) >= 0:
        evidence["other"] = answered.worker_ids[int(evidence["other"])]
    return evidence
