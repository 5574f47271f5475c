"""`lightwork forecast`: what a job will still take, and how right its labels will be."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core.cli.counting import counted
from core.cli.migrate import require_database
from core.clock import now
from core.config import Settings
from core.db import make_engine, reading
from core.disputes import disputed_count
from core.errors import SettingsError
from core.forecast import Forecast, forecast
from core.models import Project, Workspace

NAMED = 3
SMALLEST = 0.001
"""A smaller chance is told as less than this."""


def look(settings: Settings, wanted: str) -> dict[str, Any]:
    """The forecast of the job of this id or name, by the names that `--json` gives its figures.

    Raises:
        SettingsError: there is no such job or more than one, no database, or one of another version.
    """
    require_database(settings)
    engine = make_engine(settings)
    try:
        with reading(engine) as session:
            project = find(session, wanted.strip())
            currency = session.get_one(Workspace, project.workspace_id).currency
            waits = project.pilot_state in ("running", "reported")
            ahead = forecast(session, project, now(), behind_pilot=waits)
            return named(project, currency, ahead, disputed_count(session, project.id))
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


def named(project: Project, currency: str, ahead: Forecast, disputed: int) -> dict[str, Any]:
    """A forecast as JSON: shares and chances from 0 to 1, moments in ISO 8601, null where nothing is known.

    cost_left: in hundredths of the currency. share_right: by the share, the chance that at least so many are right.
    budget_used_up: the budget in answers, where nothing is left of it while items are open. wait_for_experts: disputed
    items, which are asked no more: `done_at` is when asking ends, not when they are settled.
    """
    right = ahead.accuracy
    return {
        "project": project.public_id,
        "name": project.name,
        "state": project.state,
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
        "deadline": _moment(project.deadline),
        "budget_used_up": ahead.used_up or None,
        "wait_for_experts": disputed,
    }


def describe(found: dict[str, Any], now: datetime) -> str:
    """The same in sentences for a person, with numbers and moments as the chat writes them; moments are in UTC."""
    heading = f"{found['name']} ({found['project']})"
    if found["state"] == "closed":
        return f"{heading}\n  Closed: nothing is to come. /open {found['project']} in the chat opens it again."
    if budget := found["budget_used_up"]:
        used = f"The budget of {counted(budget, 'answer')} is used up, and items are still open."
        return f"{heading}\n  {used} Raise it with /quality in the chat, or close the job."
    lines = [heading, f"  {_answers(found)}", f"  {_end(found, now)}"]
    if wait := found["wait_for_experts"]:
        lines.append(
            f"  {counted(wait, 'disputed item')} {'waits' if wait == 1 else 'wait'} for experts: /settle in the chat"
        )
    if found["on_time"] is not None:
        due = _readable(found["deadline"], now)
        lines.append(f"  Deadline: {due}. Chance to make it: {_chance(found['on_time'])}")
    if found["accuracy"] is not None:
        lines += [f"  {sentence}" for sentence in _right(found)]
    return "\n".join([*lines, "Every interval holds the truth in 80 of 100 cases."])


def _answers(found: dict[str, Any]) -> str:
    left, low, high = found["answers_left"], found["answers_low"], found["answers_high"]
    interval = "" if low == high else f" ({low:,} to {high:,})"
    cost = f", {_words().money(found['cost_left'], found['currency'], 'en')}" if found["cost_left"] else ""
    return f"{'' if low == high else 'About '}{left:,} more answer{'' if left == 1 else 's'}{interval}{cost}"


def _end(found: dict[str, Any], now: datetime) -> str:
    if found["state"] == "paused":
        return f"Paused: nothing is handed out. /open {found['project']} in the chat goes on."
    if found["nobody_left"]:
        return "Waits for another person: everybody here has had the open items (lightwork invite)."
    if not found["answers_high"]:
        return "No item asks for more answers."
    if found["done_at"] is None:
        return "No end in sight: nobody has answered in the last day (lightwork invite)."
    when, low, high = (_readable(found[name], now) for name in ("done_at", "done_low", "done_high"))
    length = _words().span(datetime.fromisoformat(found["done_at"]) - now, "en")
    pace = counted(max(1, round(found["per_hour"])), "answer")
    done = "Asking is done" if found["wait_for_experts"] else "Done"
    return f"{done} probably {when} (in {length}; {low} to {high}), at about {pace} per hour"


def _right(found: dict[str, Any]) -> list[str]:
    middle, low, high = (_share(found[name]) for name in ("accuracy", "accuracy_low", "accuracy_high"))
    chances = ", ".join(f"{_share(float(least))}: {_chance(chance)}" for least, chance in found["share_right"].items())
    return [
        f"About {middle} of the labels right ({low} to {high})",
        f"Chance of at least so many right: {chances}, all: {_chance(found['all_right'])}",
    ]


def _readable(at: str, now: datetime) -> str:
    return str(_words().moment(datetime.fromisoformat(at), "", "en", now))


def _share(value: float) -> str:
    return str(_words().share(value, "en"))


def _chance(value: float) -> str:
    """A chance from 0 to 1: however small, it is not nothing."""
    if value < SMALLEST:
        return f"less than {_words().share(SMALLEST, 'en', 1)}"
    return _share(value) if value >= 10 * SMALLEST else str(_words().share(value, "en", 1))


def _words() -> Any:
    """How the chat writes numbers and moments; imported by name, because core does not know the bot."""
    return import_module("bot.texts.measures")


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")
