"""Flags are settled by people: the worker may disagree, once, and a coordinator lifts or upholds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.enrolment import Account, record_act
from core.errors import Conflict, InvalidInput, NotFound, Refused
from core.flag_news import coordinators, tell
from core.flags import UNSETTLED, find_flag
from core.ids import is_public_id
from core.members import find_member
from core.membership import may_act_on, set_status
from core.models import Flag, Project, Worker
from core.outbox import owe
from core.restricting import apply_flags, hold_worker

MAX_WORDS = 500
"""Characters of an appeal, and of the answer to it."""
VISIBLE = ("warn", "pause", "ban")
"""Actions of which the worker was told."""
ACTS = ("lift", "uphold", "pause", "ban")


def appeal(session: Session, workspace_id: int, worker_id: int, public_id: str, text: str, now: datetime) -> Flag:
    """A worker says why a flag of theirs is wrong; everybody who coordinates is told at once.

    Raises:
        NotFound: they have no such flag here.
        InvalidInput: words_missing or words_long.
        Conflict: they have said so before, or it was lifted.
    """
    text = check_words(text)
    hold_worker(session, worker_id)
    flag, project = own_flag(session, workspace_id, worker_id, public_id)
    check_appealable(flag)
    flag.appeal, flag.appealed_at, flag.state, flag.updated_at = text, now, "appealed", now
    session.flush()
    for coordinator_id, _ in coordinators(session, workspace_id):
        owe(
            session,
            worker_id=coordinator_id,
            workspace_id=workspace_id,
            kind="flag_appealed",
            params={"flag_id": flag.id},
            dedupe_key=f"appeal-{flag.id}-{coordinator_id}",
            now=now,
        )
    record_act(session, workspace_id, worker_id, "appeal", project.public_id, now)
    return flag


def own_flag(session: Session, workspace_id: int, worker_id: int, public_id: str) -> tuple[Flag, Project]:
    """A worker's own flag, of which they were told.

    Raises:
        NotFound: there is none; others' flags are not told apart from none.
    """
    row = None
    if is_public_id(public_id):
        statement = select(Flag, Project).join(Project, Project.id == Flag.project_id)
        statement = statement.where(Flag.public_id == public_id, Flag.worker_id == worker_id)
        statement = statement.where(Project.workspace_id == workspace_id, Flag.action.in_(VISIBLE))
        row = session.execute(statement.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound("appeal_unknown")
    return row[0], row[1]


def check_appealable(flag: Flag) -> None:
    """Refuse a second appeal, and one about what is over.

    Raises:
        Conflict: appeal_twice or appeal_over.
    """
    if flag.state == "lifted":
        raise Conflict("appeal_over")
    if flag.appealed_at is not None:
        raise Conflict("appeal_twice")


def check_words(text: str) -> str:
    """The words of an appeal or of an answer to it, as they are stored.

    Raises:
        InvalidInput: words_missing or words_long.
    """
    text = text.strip()
    if not text:
        raise InvalidInput("words_missing")
    if len(text) > MAX_WORDS:
        raise InvalidInput("words_long", length=len(text), limit=MAX_WORDS)
    return text


def answer(session: Session, workspace_id: int, public_id: str, text: str) -> None:
    """Keep what the coordinator says to the worker; it goes out with the decision.

    Raises:
        NotFound: no such flag.
        InvalidInput: words_missing or words_long.
        Conflict: it is settled.
    """
    flag, _, _ = find_flag(session, workspace_id, public_id)
    if flag.state not in UNSETTLED:
        raise Conflict("flag_settled")
    flag.evidence = {**flag.evidence, "reply": check_words(text)}
    session.flush()


def settle(session: Session, account: Account, workspace_id: int, public_id: str, act: str, now: datetime) -> Flag:
    """A coordinator decides: lift (it was nothing, what followed is undone), uphold, pause or ban.

    The same evidence does not flag again. The worker is told, except of what they never knew.

    Raises:
        NotFound: no such flag.
        Refused: a pause or ban of somebody whom this account may not act on, or of oneself.
        Conflict: it was settled so before.
    """
    flag, project, worker = find_flag(session, workspace_id, public_id)
    if act not in ACTS:
        raise Conflict("unknown_button")
    if act in ("pause", "ban"):
        _check_above(session, account, workspace_id, worker)
    hold_worker(session, worker.id)
    session.refresh(flag)
    appealed, before = flag.state == "appealed", flag.action
    _check_changes(flag, act)
    if act == "ban":
        _ban(session, account, workspace_id, worker, now)
    if act == "lift" and before == "ban":
        _unban(session, account, workspace_id, worker, now)
    flag.state = "lifted" if act == "lift" else "upheld"
    flag.action = act if act in ("pause", "ban") else before
    flag.resolved_by_id, flag.resolved_at, flag.updated_at = account.worker.id, now, now
    session.flush()
    apply_flags(session, project, worker, now, account.worker.id)
    subject = f"{worker.public_id} {project.public_id} {flag.kind}"
    record_act(session, workspace_id, account.worker.id, f"flag_{act}", subject, now)
    _tell_outcome(session, project, flag, act, before, appealed, now)
    return flag


def _check_above(session: Session, account: Account, workspace_id: int, worker: Worker) -> None:
    if not may_act_on(account, find_member(session, workspace_id, worker.public_id)):
        raise Refused("member_self" if account.worker.id == worker.id else "member_above")


def _check_changes(flag: Flag, act: str) -> None:
    """Refuse what would change nothing, and what was lifted: that is over for good."""
    done = flag.state == "upheld" and (act == "uphold" or act == flag.action)
    if flag.state == "lifted" or done:
        raise Conflict("flag_settled")


def _ban(session: Session, account: Account, workspace_id: int, worker: Worker, now: datetime) -> None:
    if find_member(session, workspace_id, worker.public_id).status != "banned":
        set_status(session, account, worker.public_id, "ban", now)


def _unban(session: Session, account: Account, workspace_id: int, worker: Worker, now: datetime) -> None:
    if find_member(session, workspace_id, worker.public_id).status == "banned":
        set_status(session, account, worker.public_id, "unban", now)


def _tell_outcome(
    session: Session, project: Project, flag: Flag, act: str, before: str, appealed: bool, now: datetime
) -> None:
    if act == "lift" and (appealed or before in ("warn", "pause")):
        tell(session, project, flag, "flag_lifted", now)
    elif act == "pause" and before != "pause":
        tell(session, project, flag, "flag_paused", now)
    elif act in ("uphold", "pause") and appealed:
        tell(session, project, flag, "flag_upheld", now)
