"""The quality settings of a job: what coordinators may set about gold, quizzes, rules and audits, with defaults.

Stored in `project.quality` as what differs from the defaults, so that a better default reaches jobs that never chose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from core.errors import InvalidInput

ACTIONS = ("none", "warn", "gold", "pause", "ban")
"""What may follow from a flag, from the mildest on."""
RULES: Mapping[str, str] = {"fast": "gold", "one_label": "gold", "pattern": "gold", "copying": "pause", "gold": "pause"}
"""Kind of flag to the action that follows by default; nobody is banned unless a coordinator wants it."""
GOLD_USES = ("check", "measure")


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """How a job makes sure of its labels."""

    gold_use: str = "check"
    """check: known items are asked blind; measure: they are labeled like all others, and only compared."""
    gold_every: int = 8
    """About how many answers lie between two gold items for somebody whose skill is unknown; 0: no gold."""
    gold_rarest: int = 40
    """The same for somebody whose skill is well known."""
    teaches: bool = False
    """Whether a gold item tells its answer afterwards."""
    practice: int = 0
    """Items that everybody tries first, with the answer after each; 0: none."""
    quiz: int = 0
    """Gold items that everybody answers before the job; 0: no quiz."""
    quiz_pass: float = 0.7
    """Share of them that must be right."""
    quiz_attempts: int = 2
    qualification_days: int = 0
    """After how many days it has to be passed again; 0: never."""
    least_accuracy: float = 0.0
    """Estimated accuracy below which somebody is given gold and practice only; 0: only who is no better than chance."""
    rules: Mapping[str, str] = field(default_factory=lambda: dict(RULES))
    """Kind of flag to one of `ACTIONS`."""
    audit_share: float = 0.02
    """Share of annotations that experts are asked to audit where nothing is known of the risk."""
    audit_price: int = 0
    settle_price: int = 0
    training_price: int = 0
    """Of an audit, of a verdict, and of an hour of training, in hundredths of the workspace's currency."""


BOUNDS: Mapping[str, tuple[float, float]] = {
    "gold_every": (0, 1000),
    "gold_rarest": (1, 10_000),
    "practice": (0, 50),
    "quiz": (0, 100),
    "quiz_pass": (0.0, 1.0),
    "quiz_attempts": (1, 20),
    "qualification_days": (0, 3650),
    "least_accuracy": (0.0, 1.0),
    "audit_share": (0.0, 1.0),
    "audit_price": (0, 100_000),
    "settle_price": (0, 100_000),
    "training_price": (0, 1_000_000),
}
"""Least and largest value of each number."""


def load(stored: Mapping[str, Any] | None) -> QualitySettings:
    """From `project.quality`; what a later version stored and this one does not know is left out."""
    known = {one.name for one in fields(QualitySettings)}
    values = {name: value for name, value in (stored or {}).items() if name in known}
    if "rules" in values:
        values["rules"] = {**RULES, **values["rules"]}
    return QualitySettings(**values)


def dump(settings: QualitySettings) -> dict[str, Any]:
    """As `project.quality` keeps it: only what differs from the defaults."""
    default = QualitySettings()
    names = (one.name for one in fields(QualitySettings))
    return {name: getattr(settings, name) for name in names if getattr(settings, name) != getattr(default, name)}


def change(settings: QualitySettings, **values: Any) -> QualitySettings:
    """Other values for some settings.

    Args:
        values: by the names of `QualitySettings`; `rules` is merged into those that there are.

    Raises:
        InvalidInput: bad_quality, for a number out of its bounds, or an action, kind or use that there is not.
    """
    if "rules" in values:
        values["rules"] = {**settings.rules, **values["rules"]}
    changed = replace(settings, **values)
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(changed, name) <= most:
            raise InvalidInput("bad_quality", name=name, least=least, most=most)
    if changed.gold_use not in GOLD_USES:
        raise InvalidInput("bad_quality", name="gold_use", least=GOLD_USES[0], most=GOLD_USES[-1])
    if set(changed.rules) != set(RULES) or not set(changed.rules.values()) <= set(ACTIONS):
        raise InvalidInput("bad_quality", name="rules", least=ACTIONS[0], most=ACTIONS[-1])
    return changed
