"""Before the first item of a job: practice, with the answer after each item, then a quiz, blind, told at its end.

Both are made of known items. Experts and who stands above them need neither. What somebody has passed holds for
`qualification_days`, which is looked at when they want an item.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db.upsert import insert_or_ignore
from core.eligibility import EXPERTS
from core.gold_serving import is_left, next_control
from core.ids import new_public_id
from core.lessons import has_lessons, practised, quiz_skips, quiz_so_far
from core.models import Membership, Participation, Project
from core.quality import QualitySettings, load
from core.standing import Standing, change_standing, load_standing

Stage = Literal["", "begin", "practice", "quiz", "failed"]
"""Empty: they may work. begin: they have not said yet that they are ready. failed: they may try again or not."""


@dataclass(frozen=True, slots=True)
class QuizResult:
    """How a quiz ended. attempts_left: how often they may try again; 0 also where they have passed."""

    right: int
    count: int
    passed: bool
    attempts_left: int


@dataclass(frozen=True, slots=True)
class Admission:
    """What `admit` decided. item_id: of practice or of the quiz, counted as leased; else the job is theirs or not."""

    may_work: bool
    item_id: int | None = None


WELCOME = Admission(may_work=True)


def asks_qualification(project: Project) -> bool:
    """Whether a job has practice or a quiz. Stored is only what differs from the defaults, which have neither."""
    return bool(project.quality.get("quiz") or project.quality.get("practice"))


def stage_of(settings: QualitySettings, standing: Standing, now: datetime) -> Stage:
    """Where somebody who is no expert stands before the items of a job."""
    if not settings.quiz and not settings.practice:
        return ""
    match standing.qualification:
        case "practice":
            return "practice"
        case "quiz" if settings.quiz:
            return "quiz"
        case "failed" if settings.quiz:
            return "failed"
        case "passed" if not _is_over(settings, standing, now):
            return ""
        case "" if standing.annotation_count:  # they were at work before it was asked for
            return ""
        case _:
            return "begin"


def stage_for(session: Session, project: Project, worker_id: int, standing: Standing, now: datetime) -> Stage:
    """As `stage_of`, for anybody: experts need no quiz, and a job without known items cannot ask for one.

    Whoever was let in because nothing was there to ask is asked as soon as there is something.
    """
    if not asks_qualification(project):
        return ""
    settings = load(project.quality)
    stage = stage_of(settings, standing, now)
    if not stage and settings.quiz and is_unasked(standing) and is_left(session, project, worker_id, kind="quiz"):
        stage = "begin"
    if stage and (_is_expert(session, project, worker_id) or not has_lessons(session, project)):
        return ""
    return stage


def is_unasked(standing: Standing) -> bool:
    """Whether somebody has passed a quiz in which there was nothing to ask. Who is let in by hand has no attempts."""
    return standing.qualification == "passed" and standing.quiz_attempts > 0 and not standing.gold_count


def attempts_left(settings: QualitySettings, standing: Standing) -> int:
    """How often somebody who has failed the quiz may still try it."""
    return max(0, settings.quiz_attempts - standing.quiz_attempts)


def is_shut_out(session: Session, project: Project, worker_id: int) -> bool:
    """Whether somebody has failed the quiz of a job as often as it may be tried."""
    if not asks_qualification(project):
        return False
    standing, settings = load_standing(session, worker_id, project.id), load(project.quality)
    return bool(settings.quiz and standing.qualification == "failed" and not attempts_left(settings, standing))


def begin(session: Session, project: Project, worker_id: int, now: datetime) -> bool:
    """Start practice, or the quiz, at the word of the person; false where that is not for them (any more)."""
    _join(session, project, worker_id, now)
    standing = load_standing(session, worker_id, project.id)
    settings, stage = load(project.quality), stage_for(session, project, worker_id, standing, now)
    if stage == "failed" and attempts_left(settings, standing):
        _begin_quiz(session, project, worker_id, standing, now)
        return True
    if stage != "begin":
        return stage in ("practice", "quiz")
    if settings.practice and not standing.qualification:
        change_standing(session, worker_id, project.id, qualification="practice")
    elif settings.quiz:  # who has to pass it once more starts with all attempts
        _begin_quiz(session, project, worker_id, Standing(), now)
    else:
        change_standing(session, worker_id, project.id, qualification="passed", qualified_at=now)
    return True


def admit(session: Session, project: Project, worker_id: int, standing: Standing, now: datetime) -> Admission:
    """Whether a worker gets the job's items, or first an item of practice or of the quiz, or nothing yet."""
    if not asks_qualification(project):
        return WELCOME
    stage = stage_for(session, project, worker_id, standing, now)
    if not stage and not standing.qualification and _is_nothing_there(session, project, standing, now):
        _join(session, project, worker_id, now)
        _pass_unasked(session, project, worker_id, now)
        return WELCOME
    if stage == "practice":
        if practised(session, project.id, worker_id) < load(project.quality).practice:
            item_id = next_control(session, project, worker_id, kind="practice")
            if item_id is not None:
                return Admission(may_work=False, item_id=item_id)
        standing = _after_practice(session, project, worker_id, standing, now)
        stage = stage_of(load(project.quality), standing, now)
    if stage == "quiz":
        item_id = next_control(session, project, worker_id, kind="quiz")
        if item_id is not None:
            return Admission(may_work=False, item_id=item_id)
        if is_left(session, project, worker_id, kind="quiz"):  # others hold it for the moment
            return Admission(may_work=False)
        result = conclude(session, project, worker_id, standing, now, exhausted=True)
        return WELCOME if result is not None and result.passed else Admission(may_work=False)
    return Admission(may_work=not stage)


def conclude(
    session: Session, project: Project, worker_id: int, standing: Standing, now: datetime, *, exhausted: bool = False
) -> QuizResult | None:
    """End the quiz of a worker where all of it is answered, and write how; nothing where it goes on.

    Args:
        exhausted: no further item is there to ask, so that it ends with those that were answered or passed over.
    """
    settings = load(project.quality)
    right, count = quiz_so_far(session, project.id, worker_id, standing)
    if count < settings.quiz and not exhausted:
        return None
    # A job whose known items ran out keeps nobody out for that, but passing over is no way around them; and a second
    # try at a few of them proves nothing.
    count += quiz_skips(session, project.id, worker_id, standing) if exhausted else 0
    count = min(count, settings.quiz) if exhausted else count
    enough = not exhausted or standing.quiz_attempts <= 1 or 2 * count >= settings.quiz
    passed = enough and right >= settings.quiz_pass * count
    state = "passed" if passed else "failed"
    change_standing(session, worker_id, project.id, qualification=state, qualified_at=now)
    return QuizResult(right, count, passed, 0 if passed else attempts_left(settings, standing))


def pass_by_hand(session: Session, project: Project, worker_id: int, now: datetime) -> bool:
    """Let somebody work in a job whatever they made of its quiz; false where they have never been there."""
    if session.get(Participation, (worker_id, project.id)) is None:
        return False
    change_standing(session, worker_id, project.id, qualification="passed", qualified_at=now, quiz_attempts=0)
    return True


def _join(session: Session, project: Project, worker_id: int, now: datetime) -> None:
    """Make the participation, where this is their first visit."""
    new = {"worker_id": worker_id, "project_id": project.id, "pseudonym": new_public_id(), "created_at": now}
    insert_or_ignore(session, Participation, new)


def _is_nothing_there(session: Session, project: Project, standing: Standing, now: datetime) -> bool:
    """Whether somebody who comes for the first time would be asked a quiz, if there were anything to ask."""
    settings = load(project.quality)
    return settings.quiz > 0 and stage_of(settings, standing, now) == "begin" and not has_lessons(session, project)


def _pass_unasked(session: Session, project: Project, worker_id: int, now: datetime) -> None:
    """Let somebody in as one who `is_unasked`, not as one who worked before there was a quiz."""
    change_standing(session, worker_id, project.id, qualification="passed", qualified_at=now, quiz_attempts=1)


def _after_practice(session: Session, project: Project, worker_id: int, standing: Standing, now: datetime) -> Standing:
    """Practice is over: the quiz begins, or where there is none the job itself."""
    if load(project.quality).quiz:
        _begin_quiz(session, project, worker_id, standing, now)
    else:
        change_standing(session, worker_id, project.id, qualification="passed", qualified_at=now)
    return load_standing(session, worker_id, project.id)


def _begin_quiz(session: Session, project: Project, worker_id: int, standing: Standing, now: datetime) -> None:
    """`qualified_at` says when this attempt began, until it says how it ended."""
    attempts = standing.quiz_attempts + 1
    change_standing(session, worker_id, project.id, qualification="quiz", qualified_at=now, quiz_attempts=attempts)


def _is_over(settings: QualitySettings, standing: Standing, now: datetime) -> bool:
    days, since = settings.qualification_days, standing.qualified_at
    return bool(days and since is not None and now >= since + timedelta(days=days))


def _is_expert(session: Session, project: Project, worker_id: int) -> bool:
    role = select(Membership.role).where(
        Membership.worker_id == worker_id, Membership.workspace_id == project.workspace_id
    )
    return session.scalar(role) in EXPERTS
