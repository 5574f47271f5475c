"""`lightwork learning`: how the model of a job is trained and what it may do, shown and changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from core import learning
from core.cli.model import opened
from core.clock import now
from core.config import Settings
from core.errors import SettingsError
from core.learning_changes import change_learning
from core.models import Project
from core.training import due_by_threshold
from core.training_times import COLUMNS, change_times, parse_time

DEFAULTS = {name: value for name, value in asdict(learning.LearningSettings()).items() if name != "second_look_of"}
"""What can be set, and what holds where nothing is."""
SWITCHES: Mapping[str, bool] = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}
DEFAULT = "default"
EXPECTED: Mapping[type, str] = {bool: "on or off", int: "a whole number", float: "a number or a percentage"}


def run(settings: Settings, wanted: str, assignments: Sequence[str]) -> dict[str, Any]:
    """All settings of a job after these changes, all of which hold or none; what `--json` prints.

    None stands for what nobody chose; `defaults` says what then holds.

    Args:
        wanted: id or name of the job. assignments: as `name=value`; the value "default" takes the choice back.

    Raises:
        SettingsError: there is no such job, no such setting, or a value is of another kind.
        InvalidInput: bad_learning, bad_option or bad_cron: a value is out of its bounds.
    """
    parsed = [_assigned(one) for one in assignments]
    chosen = {name: parse_value(name, text) for name, text in parsed if name not in COLUMNS}
    columns: dict[str, Any] = {}
    for name, text in parsed:
        if name in COLUMNS:
            columns |= {COLUMNS[name]: default_time(name)} if text.lower() == DEFAULT else parse_time(name, text)
    with opened(settings, wanted) as (session, project):
        changed = _change(session, project, chosen, columns)
        return {
            "project": project.public_id,
            "name": project.name,
            "saved": bool(parsed),
            "changed": changed,
            "settings": _all(project),
            "defaults": dict(learning.UNCHOSEN),
        }


def describe(found: dict[str, Any]) -> str:
    """The same for a person, a line each."""
    lines = [f"{found['name']} ({found['project']})"]
    for name, value in found["settings"].items():
        lines.append(f"  {name:<16}{_said(found, name, value)}")
    return "\n".join([*lines, "Saved."] if found["saved"] else lines)


def parse_value(name: str, text: str) -> Any:
    """The value of one of `LearningSettings` from what was typed.

    Raises:
        SettingsError: there is no such setting, or what was typed is of another kind.
        InvalidInput: bad_learning, for 0 where that would mean that nobody has chosen: the word for it is "default".
    """
    if name not in DEFAULTS:
        raise SettingsError(f"There is no setting {name!r}; there are {', '.join([*COLUMNS, *DEFAULTS])}.")
    default, said = DEFAULTS[name], text.strip().lower()
    if said == DEFAULT:
        return default
    if name == "method":
        if said not in learning.METHODS:
            raise SettingsError(f"There is no method {text!r}; there are {', '.join(learning.METHODS)}.")
        return said
    kind = type(default)
    try:
        value = SWITCHES[said] if kind is bool else _number(said, kind)
    except (KeyError, ValueError):
        raise SettingsError(f"{name}={text} does not work: give {EXPECTED[kind]}.") from None
    if name in learning.UNCHOSEN:
        learning.check_bounds(name, value)
    return value


def default_time(name: str) -> Any:
    """What `retrain` or `cron` is for a job that never chose."""
    return Project.__table__.c[COLUMNS[name]].default.arg


def _number(said: str, kind: type) -> float:
    if kind is int:
        return int(said)
    return float(said[:-1]) / 100 if said.endswith("%") else float(said)


def _assigned(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"{text!r} says no value; write for example epochs=8.")
    return name.strip(), value.strip()


def _change(session: Session, project: Project, chosen: dict[str, Any], columns: dict[str, Any]) -> bool:
    moment = now()
    learned = change_learning(session, project, None, moment, **chosen)
    timed = change_times(session, project, None, moment, **columns)
    if timed:
        due_by_threshold(session, project.id, moment)
    return learned or timed


def _all(project: Project) -> dict[str, Any]:
    times = {name: getattr(project, column) for name, column in COLUMNS.items()}
    stored = asdict(learning.load(project.learning))
    unchosen = {name for name in learning.UNCHOSEN if not stored[name]}
    return times | {name: None if name in unchosen else stored[name] for name in DEFAULTS}


def _said(found: dict[str, Any], name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if not value and name in COLUMNS:
        return "off"
    return f"default: {found['defaults'][name]}" if value is None else str(value)
