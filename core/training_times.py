"""When the model of a job is trained by itself: after so many newly decided items, at set times, or never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.due import reestimate_effect
from core.effects import add_effect
from core.enrolment import record_act
from core.errors import InvalidInput
from core.models import Project
from core.training import check_cron

COLUMNS = {"retrain": "retrain_threshold", "cron": "retrain_cron"}
"""Names of the settings, as people write them, and the columns of the project that keep them."""
OFF = frozenset({"off", "关闭"})
LARGEST = 1_000_000
MOST_DIGITS = 7


@dataclass(frozen=True, slots=True)
class TrainingTimes:
    """threshold: newly decided items after which a run is due; 0: never. cron: in UTC; empty: never."""

    threshold: int
    cron: str


def times_of(project: Project) -> TrainingTimes:
    """When the model of a job is trained by itself."""
    return TrainingTimes(project.retrain_threshold, project.retrain_cron)


def parse_whole(name: str, text: str) -> int:
    """A whole number from 1 to a million.

    Raises:
        InvalidInput: bad_option, which names it as people write it.
    """
    if not (text.isdecimal() and len(text) <= MOST_DIGITS and 1 <= int(text) <= LARGEST):
        raise InvalidInput("bad_option", option=name, value=text[:40])
    return int(text)


def parse_time(name: str, text: str) -> dict[str, Any]:
    """The column of the project with its value. name: retrain or cron; text: a number or a cron string, or off.

    Raises:
        InvalidInput: bad_option or bad_cron.
    """
    said = " ".join(text.split())
    if said.lower() in OFF:
        return {COLUMNS[name]: 0 if name == "retrain" else ""}
    return {COLUMNS[name]: parse_whole(name, said) if name == "retrain" else check_cron(said)}


def change_times(session: Session, project: Project, worker_id: int | None, now: datetime, **values: Any) -> bool:
    """Change `retrain_threshold` or `retrain_cron`; false where nothing is other than before. In the log.

    A new cron string counts from now on: what it would have asked for earlier is over. A new threshold is looked at
    in the background, for enough may be decided already.

    Args:
        worker_id: who says so; None from the command line.
        values: as `parse_time` gives them.
    """
    locked = session.get_one(Project, project.id, with_for_update=True, populate_existing=True)
    changed = {name: value for name, value in values.items() if getattr(locked, name) != value}
    for name, value in changed.items():
        setattr(locked, name, value)
        record_act(session, locked.workspace_id, worker_id, "edit", f"{locked.public_id} {name} {value or 'off'}", now)
    if "retrain_cron" in changed:
        locked.cron_checked_at = now
    if changed.get("retrain_threshold"):
        add_effect(session, reestimate_effect(locked.id, now))
    session.flush()
    return bool(changed)
