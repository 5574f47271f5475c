"""`lightwork forecast`: what a job will still take, and how right its labels will be."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core.cli.migrate import schema_is_current
from core.clock import now
from core.config import Settings
from core.db import make_engine, reading
from core.errors import SettingsError
from core.forecast import Forecast, forecast
from core.models import Project, Workspace

NAMED = 3


def look(settings: Settings, wanted: str) -> dict[str, Any]:
    """The forecast of the job of this id or name, by the names that `--json` gives its figures.

    Raises:
        SettingsError: there is no such job or more than one, or the database is of another version.
    """
    engine = make_engine(settings)
    try:
        if not schema_is_current(engine):
            raise SettingsError("The database is of another version; run lightwork migrate.")
        with reading(engine) as session:
            project = find(session, wanted.strip())
            currency = session.get_one(Workspace, project.workspace_id).currency
            waits = project.pilot_state in ("running", "reported")
            return named(project, currency, forecast(session, project, now(), behind_pilot=waits))
    finally:
        engine.dispose()


def find(session: Session, wanted: str) -> Project:
    """The job of this public id, or of this name whatever its case, in any workspace.

    Raises:
        SettingsError: there is none, or more than one of this name.
    """
    same = or_(Project.public_id == wanted, func.lower(Project.name) == wanted.lower())
    found = list(session.scalars(select(Project).where(same).order_by(Project.id.desc()).limit(NAMED + 1)))
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(project.public_id for project in found[:NAMED])
        raise SettingsError(f"More than one job is called {wanted!r}; name it by its id: {ids}.")
    raise SettingsError(f"There is no job {wanted!r}; lightwork status lists them all with their ids.")


def named(project: Project, currency: str, ahead: Forecast) -> dict[str, Any]:
    """A forecast as JSON: shares and chances from 0 to 1, moments in ISO 8601, null where nothing is known.

    cost_left: in hundredths of the currency. share_right: by the share, the chance that at least so many are right.
    """
    right = ahead.accuracy
    return {
        "project": project.public_id,
        "name": project.name,
        "answers_left": ahead.answers_left,
        "answers_low": ahead.answers_low,
        "answers_high": ahead.answers_high,
        "cost_left": ahead.cost_left,
        "currency": currency,
        "per_hour": round(ahead.per_hour, 3),
        "done_at": _moment(ahead.done_at),
        "done_low": _moment(ahead.done_low),
        "done_high": _moment(ahead.done_high),
        "on_time": ahead.on_time,
        "accuracy": right and right.middle,
        "accuracy_low": right and right.low,
        "accuracy_high": right and right.high,
        "all_right": ahead.all_right,
        "share_right": {f"{share:g}": chance for share, chance in ahead.shares},
        "nobody_left": ahead.nobody,
    }


def describe(found: dict[str, Any]) -> str:
    """The same in sentences for a person."""
    answers = f"{found['answers_left']:,} more answers ({found['answers_low']:,} to {found['answers_high']:,})"
    cost = f", {found['cost_left'] / 100:,.2f} {found['currency']}" if found["cost_left"] else ""
    lines = [f"{found['name']} ({found['project']})", f"  {answers}{cost}", f"  {_end(found)}"]
    if found["on_time"] is not None:
        lines.append(f"  by the deadline: {found['on_time']:.0%}")
    if found["accuracy"] is not None:
        interval = f"{found['accuracy_low']:.1%} to {found['accuracy_high']:.1%}"
        lines.append(f"  {found['accuracy']:.1%} of the labels right ({interval})")
        chances = ", ".join(f"{float(share):.0%}: {chance:.0%}" for share, chance in found["share_right"].items())
        lines.append(f"  chance of at least so many right: {chances}, all: {found['all_right']:.2g}")
    return "\n".join([*lines, "Every interval holds the truth in 80 of 100 cases."])


def _end(found: dict[str, Any]) -> str:
    if found["nobody_left"]:
        return "waits for another person: everybody here has had the open items (lightwork invite)"
    if found["done_at"] is None:
        return "no end in sight: nobody has answered in the last day"
    return f"done about {found['done_at']} ({found['done_low']} to {found['done_high']})"


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
